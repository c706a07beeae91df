"""What pages know of an account, in the form that their scripts read."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from tinyinterp.model_account.ladder import CONTEXT, LADDER, NEURON_RUNGS, RUNGS, THRESHOLDS
from tinyinterp.views.page import short, short_cell

Row = Mapping[str, Any]
READERS = 24  # neurons that are listed as linked to a head, of those that it writes to or reads
# What a component needs, as a sentence puts it after "needs"; from the lowest rung.
NEEDS_WORDS = {
    "position": "position",
    "token": "the token",
    "tokens": "tokens",
    "predecessor": "the token and the one before it",
    CONTEXT: "context",
}
NEEDS_ORDER = (*NEEDS_WORDS, "")  # the lowest rung first; "": nothing to explain


def needs_words(row: Row) -> tuple[str, str]:
    """The two short lines of a head's cell in the map of needs.

    The share is what the needed rung keeps; where the head needs context, what the best rung of
    the ladder keeps.

    >>> needs_words({"needs": "tokens", "keeps_tokens": 0.857})
    ('tokens', 'keeps 0.86')
    """
    needs = row["needs"]
    if not needs:
        return "no effect", ""
    if needs == CONTEXT:
        shares = [row.get(f"keeps_{rung}") for rung in RUNGS[:LADDER]]
        keeps = max((share for share in shares if share is not None), default=None)
    else:
        keeps = row.get(f"keeps_{needs}")
    return needs, "" if keeps is None else f"keeps {keeps:.2f}"


def account_settings() -> dict[str, Any]:
    """Rungs and thresholds, which are the same on every page."""
    return {
        "rungs": RUNGS,
        "neuron_rungs": NEURON_RUNGS,
        "ladder": LADDER,
        "needs_words": NEEDS_WORDS,
        "keeps": THRESHOLDS.keeps,
        "keeps_low": THRESHOLDS.keeps_low,
        "r2": THRESHOLDS.r2,
        "r2_low": THRESHOLDS.r2_low,
    }


def model_account(
    rows: Sequence[Row], layers: Sequence[Row], notes: Mapping[str, Any]
) -> dict[str, Any]:
    """The account of the whole model and that of the neurons of each layer, for their tables."""
    shown, by_layer = (
        [{name: short_cell(value) for name, value in row.items()} for row in table]
        for table in (rows, layers)
    )
    return {"rows": shown, "layers": by_layer, "notes": notes} | account_settings()


def component_account(row: Row) -> dict[str, Any]:
    """The account of one head or neuron, in few digits."""
    numbers = ("composition",)  # a column of lists
    return {
        name: [short(each) for each in value] if name in numbers else short_cell(value)
        for name, value in row.items()
    }


def needs_by_layer(rows: Iterable[Row]) -> dict[int, dict[str, int]]:
    """How many components of each layer need what."""
    counts: dict[int, Counter[str]] = defaultdict(Counter)
    for row in rows:
        counts[row["layer"]][row["needs"]] += 1
    return {layer: dict(sorted(count.items())) for layer, count in sorted(counts.items())}


def linked_neurons(rows: Iterable[Row]) -> dict[str, dict[str, dict[str, Any]]]:
    """By head (``3.2``): the neurons that it writes to and those that it reads.

    ``written_by`` and ``read_by`` of a neuron name heads, strongest first; ``read_by`` also what
    reads (``K 5.1``). A head's neurons come in the order in which they name it.
    """
    found: dict[str, dict[str, list[tuple[int, int, int]]]] = defaultdict(
        lambda: {"writes_to": [], "reads": []}
    )
    for row in rows:
        for rank, name in enumerate(row.get("written_by") or ()):
            found[name]["writes_to"].append((rank, row["layer"], row["neuron"]))
        readers = dict.fromkeys(name.split()[-1] for name in row.get("read_by") or ())
        for rank, name in enumerate(readers):
            found[name]["reads"].append((rank, row["layer"], row["neuron"]))
    return {
        head: {
            way: {
                "count": len(neurons),
                "first": [f"{layer}.{neuron}" for _, layer, neuron in sorted(neurons)[:READERS]],
            }
            for way, neurons in ways.items()
        }
        for head, ways in found.items()
    }
