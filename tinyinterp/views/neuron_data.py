"""What pages know of neurons, in the form that their scripts read."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from tinyinterp.views.account_data import component_account
from tinyinterp.views.both_sides import both_sides
from tinyinterp.views.needs import NEEDS
from tinyinterp.views.page import short, short_cell

Row = Mapping[str, Any]
TOP, BOTTOM = 20, 12  # activations of a neuron
BOTH_SIDES = "both_sides"  # what its hits and its tag have in common, in words
BEFORE, AFTER = 60, 40  # characters of their contexts


def by_neuron(rows: Iterable[Row], order: str | None = None) -> defaultdict[int, list[Row]]:
    """Rows by the neuron that they are about, each group in the order of a column."""
    groups: defaultdict[int, list[Row]] = defaultdict(list)
    for row in rows:
        groups[row["neuron"]].append(row)
    if order is not None:
        for group in groups.values():
            group.sort(key=lambda row: row[order])
    return groups


def shown_columns(rows: Sequence[Row]) -> list[str]:
    """The columns that a page shows of each neuron."""
    columns = [name for name in (rows[0] if rows else {}) if name != "layer"]
    return [*columns, BOTH_SIDES] if "tag_recall" in columns else columns


def listed_neuron(row: Row, hits: Sequence[Row], account: Row | None = None) -> list[Any]:
    """A line of a list of neurons.

    Number, kind, tag, whose tag it is, AUROC with its interval, largest activation, and tokens:
    those of the hits first, then those of the top activations; with an account, given or in the
    row, what it needs.
    """
    tokens = dict.fromkeys([*(row.get("words") or ()), *(hit["token"] for hit in hits)])
    names = ("auroc", "auroc_low", "auroc_high", "max_activation")
    numbers = [short(row.get(name)) for name in names]
    tag, whose = row.get("best_tag") or "", row.get("best_target") or ""
    found = row if account is None else account
    needs = [found[NEEDS]] if NEEDS in found else []
    return [row["neuron"], row["kind"], tag, whose, *numbers, list(tokens), *needs]


def neuron_data(
    row: Row,
    columns: Sequence[str],
    top: Sequence[Row],
    bottom: Sequence[Row] = (),
    tags: Sequence[Any] = (),
    histogram: Row | None = None,
    account: Row | None = None,
    whole_range: Sequence[Row] = (),
) -> dict[str, Any]:
    """All that a page says of one neuron.

    Args:
        top, bottom: its hits, and its smallest activations, in order.
        tags: as :func:`tinyinterp.atlas.tags.strongest_tags` gives them.
        account: of this neuron, where there is one.
        whole_range: examples from each band of its range, from the highest down.
    """
    known = row if row.get("within_word_tokens", 1) else {**row, "within_word_auroc": None}
    if "tag_recall" in row:
        known = {**known, BOTH_SIDES: both_sides(row)}
    return {
        "row": [short_cell(known[name]) for name in columns],
        "top": _hits(top[:TOP]),
        "bottom": _hits(bottom[:BOTTOM]),
        "tags": tags,
        "histogram": histogram
        and [short(histogram["low"]), short(histogram["high"]), histogram["counts"]],
    } | _if_given(account, whole_range)


def _if_given(account: Row | None, whole_range: Sequence[Row]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    if account is not None:
        found["account"] = list(component_account(account).values())
    if whole_range:
        bands: dict[str, list[Row]] = defaultdict(list)
        for row in whole_range:
            bands[row["band"]].append(row)
        found["range"] = [
            [band, short(rows[0]["share"]), _hits(rows)] for band, rows in bands.items()
        ]
    return found


def _hits(hits: Sequence[Row]) -> list[list[Any]]:
    """Hits as activation, text before, token, text after, tag, story and position."""
    return [
        [
            short(hit["activation"]),
            hit["before"][-BEFORE:],
            hit["token"],
            hit["after"][:AFTER],
            hit["tag"],
            hit["story"],
            hit["position"],
        ]
        for hit in hits
    ]
