"""The causal check in one picture: each head's effect, ablated and made positional."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from matplotlib.axes import Axes

from tinyinterp.io.table import Table, is_known
from tinyinterp.views import style
from tinyinterp.views.figure import Figure
from tinyinterp.views.points import Group, Row, groups_by_kind, place_of

LINEAR = 0.001  # nats per token around 0 that are drawn to scale; beyond, by logarithm
NAMED = 8  # heads with their number beside the point: those of largest effect
LONGEST_TITLE = 60  # characters
RISES = ("ablation_loss_increase", "surrogate_loss_increase")
X_LABEL = "rise in loss, output replaced by its mean (nats per token)"
Y_LABEL = "rise in loss, pattern replaced by the positional one (nats per token)"


@dataclass(frozen=True)
class CausalPoints:
    """The heads that were checked."""

    groups: list[Group]  # in the order of the kinds
    beyond: float  # where the lines of reference end
    named: list[Row]


def causal_points(table: Table) -> CausalPoints:
    """The points of a picture of the causal check."""
    order = list(style.KIND_COLOURS)
    checked = [row for row in table if _measured(row)]
    groups = sorted(groups_by_kind(checked, *RISES), key=lambda group: order.index(group.kind))
    rows = [row for group in groups for row in group.rows]
    return CausalPoints(
        groups=groups,
        beyond=max([LINEAR, *(row[RISES[0]] for row in rows)]),
        named=sorted(rows, key=lambda row: -max(row[name] for name in RISES))[:NAMED],
    )


def arms(group: Group) -> list[list[list[float]]]:
    """For each axis, how far the 95 % intervals reach down and up."""
    return [
        [
            [max(0.0, row[rise] - row[f"{name}_low"]) for row in group.rows],
            [max(0.0, row[f"{name}_high"] - row[rise]) for row in group.rows],
        ]
        for name, rise in (("ablation", RISES[0]), ("surrogate", RISES[1]))
    ]


def has_causal_check(table: Table) -> bool:
    """Whether the check was made: whether any head has both rises, and their intervals."""
    return set(RISES) <= set(table.columns) and any(_measured(row) for row in table)


def draw_causal_check(table: Table, title: str) -> Figure:
    """A point for each head: rise in loss under mean ablation, and under its positional surrogate.

    On the diagonal, position alone keeps nothing of the head's effect on the loss; at height 0,
    all of it; below the dashed line, more than half. Thin lines are 95 % intervals.

    Args:
        table: the heads table; layer, head, kind and the columns of the causal check are read.
    """
    points = causal_points(table)
    with style.settings():
        figure = Figure(figsize=(6.4, 6.0), facecolor="white", layout="constrained")
        axes = figure.add_subplot()
        axes.axhline(0, color=style.FAINT, linewidth=0.6)
        axes.axvline(0, color=style.FAINT, linewidth=0.6)
        axes.plot(
            (0, points.beyond), (0, points.beyond), color=style.FAINT, linewidth=0.6, linestyle=":"
        )
        across = np.geomspace(
            LINEAR / 100, points.beyond, 200
        )  # a curve, where the axes are logarithmic
        axes.plot(across, across / 2, color=style.FAINT, linewidth=0.6, linestyle="--", zorder=0)
        for group in points.groups:
            _draw_group(axes, group)
        for row in points.named:
            axes.annotate(
                place_of(row),
                (row[RISES[0]], row[RISES[1]]),
                xytext=(4, 4),
                textcoords="offset points",
                fontsize=7,
            )
        axes.set_xscale("symlog", linthresh=LINEAR)
        axes.set_yscale("symlog", linthresh=LINEAR)
        for axis in (axes.xaxis, axes.yaxis):  # the usual labels are mathematics, which is off
            axis.set_major_formatter(lambda value, _position: f"{value:g}")
        heading = style.draw_title(title, LONGEST_TITLE)
        figure.suptitle(heading, fontsize=10, weight="bold", x=0.02, ha="left")
        axes.set_xlabel(X_LABEL, fontsize=8.5)
        axes.set_ylabel(Y_LABEL, fontsize=8.5)
        axes.tick_params(labelsize=7.5)
        axes.spines[["top", "right"]].set_visible(False)
        axes.legend(fontsize=7.5, frameon=False, ncols=3, loc="upper center",
                    bbox_to_anchor=(0.5, -0.1))  # fmt: skip
    return figure


def _draw_group(axes: Axes, group: Group) -> None:
    x_arms, y_arms = arms(group)
    axes.errorbar(
        group.x, group.y, xerr=x_arms, yerr=y_arms, fmt="o", markersize=5, color=group.colour,
        label=group.label, ecolor=group.colour, elinewidth=0.6, markeredgecolor=style.INK,
        markeredgewidth=0.3,
    )  # fmt: skip


def _measured(row: dict[str, Any]) -> bool:
    return all(is_known(row[name]) for name in RISES)
