"""Two scores of every head against each other, coloured by kind."""

from __future__ import annotations

import numpy as np

from tinyinterp.io.table import Table, is_known
from tinyinterp.views import style
from tinyinterp.views.figure import Figure
from tinyinterp.views.points import Row, check_column, groups_by_kind, place_of

X, Y = "position_explained", "contrast"
APART = 0.03  # of the width and height: heads with no other so near have their number beside them
LONGEST_TITLE = 70  # characters


def draw_scores(table: Table, title: str, *, x: str = X, y: str = Y) -> Figure:
    """A point for each head.

    Args:
        table: the heads table; layer, head, kind and the two columns are read.
        title: above the picture.
        x: the column drawn across.
        y: the column drawn upwards.

    Raises:
        SelectionError: the table has no such column.
    """
    check_column(table, x)
    check_column(table, y)
    groups = groups_by_kind(table, x, y)
    with style.settings():
        figure = Figure(figsize=(7.0, 4.8), facecolor="white", layout="constrained")
        axes = figure.add_subplot()
        for group in groups:
            axes.scatter(
                group.x, group.y, s=34, color=group.colour, label=group.label,
                edgecolors=style.INK, linewidths=0.3,
            )  # fmt: skip
        for row in _alone([row for group in groups for row in group.rows], x, y):
            axes.annotate(
                place_of(row),
                (row[x], row[y]),
                xytext=(4, 3),
                textcoords="offset points",
                fontsize=6,
                color=style.FAINT,
            )
        axes.set_title(
            style.draw_title(title, LONGEST_TITLE), fontsize=10, weight="bold", loc="left"
        )
        axes.set_xlabel(x.replace("_", " "))
        axes.set_ylabel(y.replace("_", " "))
        axes.spines[["top", "right"]].set_visible(False)
        if groups:
            axes.legend(frameon=False, fontsize=8, loc="center left", bbox_to_anchor=(1.0, 0.5))
    return figure


def _alone(rows: list[Row], x: str, y: str) -> list[Row]:
    """Rows with no other close by."""
    known = [row for row in rows if is_known(row[x]) and is_known(row[y])]
    points = np.array([(row[x], row[y]) for row in known]).reshape(-1, 2)
    room = APART * np.ptp(points, axis=0) if known else np.zeros(2)
    near = (np.abs(points[:, None] - points) <= room).all(axis=-1).sum(axis=1)
    return [row for row, count in zip(known, near, strict=True) if count == 1]
