"""A page of neurons: what each fires on, to search and read."""

from __future__ import annotations

from collections import defaultdict
from pathlib import Path
from typing import Any

from tinyinterp.io.table import Table
from tinyinterp.views import style
from tinyinterp.views.both_sides import both_sides
from tinyinterp.views.page import kind_styles, write_page

# What a hit brings to the page, in this order.
HIT_FIELDS = ("activation", "before", "token", "after", "tag", "story", "position")
DIGITS = 4  # significant digits of activations


def write_neuron_page(table: Table, top: Table, folder: Path) -> Path:
    """Write a page named after the table; it needs no other file and no network.

    Args:
        table: a row per neuron, with at least layer, neuron and kind.
        top: a row per hit: layer, neuron, rank and the columns of ``HIT_FIELDS``.

    Raises:
        OutputError: the folder cannot be written.
    """
    kinds = [kind for kind in style.NEURON_COLOURS if kind in table["kind"]]
    layers = sorted(set(table["layer"]))
    data = {
        "neurons": [
            _known(row) for row in sorted(table, key=lambda row: (row["layer"], row["neuron"]))
        ],
        "fields": HIT_FIELDS,
        "hits": group_hits(top),
    }
    return write_page(
        folder / f"{table.name}.html",
        "neurons.html",
        data,
        where=f"layer{'s' if len(layers) > 1 else ''} {', '.join(map(str, layers))}",
        n_neurons=len(table),
        n_hits=len(top),
        notes=table.notes,
        counts={kind: table["kind"].count(kind) for kind in kinds},
        kinds=kind_styles(style.NEURON_COLOURS),
    )


def group_hits(top: Table) -> dict[str, list[list[Any]]]:
    """Hits by ``"layer.neuron"``, best first, each a list in the order of ``HIT_FIELDS``."""
    groups: dict[str, list[list[Any]]] = defaultdict(list)
    for row in sorted(top, key=lambda row: (row["layer"], row["neuron"], row["rank"])):
        hit = [row[field] for field in HIT_FIELDS]
        hit[0] = float(f"{hit[0]:.{DIGITS}g}")
        groups[f"{row['layer']}.{row['neuron']}"].append(hit)
    return dict(groups)


def _known(row: dict[str, Any]) -> dict[str, Any]:
    """With both sides of its tag in words, and without an AUROC within words that rests on none."""
    said = {"both_sides": both_sides(row)} if "tag_recall" in row else {}
    unknown = {} if row.get("within_word_tokens", 1) else {"within_word_auroc": None}
    return row | said | unknown
