"""The model at a glance: layers by heads, coloured by kind."""

from __future__ import annotations

from typing import Any

from matplotlib.axes import Axes
from matplotlib.patches import Rectangle

from tinyinterp.io.table import Table
from tinyinterp.views import style
from tinyinterp.views.figure import Figure
from tinyinterp.views.needs import short_needs

# What the deciding quantity is called in a cell.
SHORT_NAMES = {
    "contrast": "C",
    "position_explained": "F",
    "place_explained": "V",
    "max(position, place)_explained": "F/V",
    "sink": "S",
    "induction": "I",
    "duplicate_token": "D",
    "report_r": "r",
    "distance_correlation": "dCor",
}
CELL_WIDTH, CELL_HEIGHT = 1.0, 0.5  # inches
WIDEST = 16.0  # inches of all cells together; more heads make narrower cells
NARROW = 0.75  # inches; below this a cell holds no words
LEFT, RIGHT, TOP, BOTTOM = 1.15, 0.2, 0.6, 0.75
LONGEST_WORD = 15  # characters in a cell
SHORT = {
    "previous-token": "previous",
    "current-token": "current",
    "duplicate-token": "duplicate",
    "undetermined": "undeterm.",
}


def draw_kind_map(table: Table, title: str) -> Figure:
    """Layer-by-head map of kinds.

    Args:
        table: the heads table; the columns layer, head, attention, kind, role, decided_by and value
            are read, and with an account needs. The cell of a head without a row stays empty.
    """
    n_layers = max(table["layer"], default=-1) + 1
    n_heads = max(table["head"], default=-1) + 1
    cell = min(CELL_WIDTH, WIDEST / max(1, n_heads))
    across, up = max(n_heads * cell, 5.4), n_layers * CELL_HEIGHT
    width, height = LEFT + across + RIGHT, TOP + up + BOTTOM
    with style.settings():
        figure = Figure(figsize=(width, height), facecolor="white")
        axes = figure.add_axes((LEFT / width, BOTTOM / height, across / width, up / height))
        axes.set(xlim=(-0.5, across / cell - 0.5), ylim=(n_layers - 0.5, -0.5))
        for row in table:
            _draw_cell(axes, row, with_words=cell >= NARROW)
        attention = {row["layer"]: row.get("attention", "") for row in table}
        names = [f"{attention.get(layer, '')}  {layer}" for layer in range(n_layers)]
        axes.set_yticks(range(n_layers), names, fontsize=8)
        axes.set_xticks(range(n_heads), [str(head) for head in range(n_heads)], fontsize=8)
        axes.tick_params(length=0)
        axes.set_ylabel("layer", fontsize=8.5)
        axes.set_xlabel("head", fontsize=8.5, x=n_heads * cell / across / 2, labelpad=2)
        axes.spines[:].set_visible(False)
        heading = style.draw_text(title, int(10 * across))
        figure.text(
            LEFT / width, 1 - 0.3 / height, heading, fontsize=12, weight="bold", va="center"
        )
        style.kind_legend(figure, table["kind"])
    return figure


def cell_words(row: dict[str, Any]) -> tuple[str, str]:
    """The two short lines of a head's cell: its role or kind, and the number that decided.

    >>> cell_words({"kind": "diffuse", "role": "", "decided_by": "contrast", "value": 0.031})
    ('diffuse', 'C 0.03')
    """
    certain = row["kind"] != "undetermined"  # its role is only a guess, and long
    words: str = (row.get("role") if certain else None) or row["kind"]
    decided_by = row.get("decided_by") or ""
    name = SHORT_NAMES.get(decided_by, decided_by)
    return SHORT.get(words, words).replace(
        "->", "→"
    ), f"{name} {style.number(row.get('value'))}".strip()


def _draw_cell(axes: Axes, row: dict[str, Any], *, with_words: bool) -> None:
    x, y, colour = row["head"], row["layer"], style.kind_colour(row["kind"])
    axes.add_patch(
        Rectangle((x - 0.5, y - 0.5), 1, 1, facecolor=colour, edgecolor="white", linewidth=2)
    )
    ink = style.ink_on(colour)
    words, number = cell_words(row)
    if with_words:
        words = style.draw_text(words, LONGEST_WORD)
        needs = style.draw_text(short_needs(row), LONGEST_WORD + 3)
        ups = (-0.26, 0.04, 0.3) if needs else (-0.14, 0.2, 0)
        for line, up, size in zip((words, number, needs), ups, (7.5, 6.5, 6.5), strict=True):
            axes.text(x, y + up, line, fontsize=size, color=ink, ha="center", va="center")
    else:
        value = style.number(row.get("value"))
        axes.text(x, y, value, fontsize=5.5, color=ink, ha="center", va="center")
