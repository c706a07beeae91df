"""The causal check at one look: what each head loses when ablated and when made positional."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np
from matplotlib.axes import Axes

from tinyinterp.table import Table
from tinyinterp.views import style
from tinyinterp.views.figure import Figure

LINEAR = 0.001  # nats per token around 0 that are drawn to scale; beyond, by logarithm
NAMED = 8  # heads with their number beside the point: those that lose most
LONGEST_TITLE = 60  # characters
RISES = ("ablation_loss_increase", "surrogate_loss_increase")


def has_causal_check(table: Table) -> bool:
    """Whether the check was made: whether any head has both rises, and their intervals."""
    return set(RISES) <= set(table.columns) and any(_measured(row) for row in table)


def draw_causal_check(table: Table, title: str) -> Figure:
    """A point for each head: rise in loss under mean ablation, and under its positional surrogate.

    On the diagonal position keeps nothing of what the head does for the loss, at the height of 0
    all of it; below the dashed line it keeps more than half. Thin lines are 95 % intervals.

    Args:
        table: the heads table; layer, head, kind and the columns of the causal check are read.
    """
    rows = [row for row in table if _measured(row)]
    with style.settings():
        figure = Figure(figsize=(6.4, 6.0), facecolor="white", layout="constrained")
        axes = figure.add_subplot()
        axes.axhline(0, color=style.FAINT, linewidth=0.6)
        axes.axvline(0, color=style.FAINT, linewidth=0.6)
        beyond = max([LINEAR, *(row[RISES[0]] for row in rows)])
        axes.plot((0, beyond), (0, beyond), color=style.FAINT, linewidth=0.6, linestyle=":")
        across = np.geomspace(LINEAR / 100, beyond, 200)  # a curve, where the axes are logarithmic
        axes.plot(across, across / 2, color=style.FAINT, linewidth=0.6, linestyle="--", zorder=0)
        for kind, colour in style.KIND_COLOURS.items():
            here = [row for row in rows if row["kind"] == kind]
            if here:
                _draw_kind(axes, here, f"{kind} ({len(here)})", colour)
        for row in sorted(rows, key=lambda row: -max(row[name] for name in RISES))[:NAMED]:
            axes.annotate(
                f"{row['layer']}.{row['head']}",
                (row[RISES[0]], row[RISES[1]]),
                xytext=(4, 4),
                textcoords="offset points",
                fontsize=7,
            )
        axes.set_xscale("symlog", linthresh=LINEAR)
        axes.set_yscale("symlog", linthresh=LINEAR)
        for axis in (axes.xaxis, axes.yaxis):  # the usual labels are mathematics, which is off
            axis.set_major_formatter(lambda value, _place: f"{value:g}")
        heading = style.draw_text(title, LONGEST_TITLE)
        figure.suptitle(heading, fontsize=10, weight="bold", x=0.02, ha="left")
        axes.set_xlabel("rise in loss, output replaced by its mean (nats per token)", fontsize=8.5)
        axes.set_ylabel("rise in loss, pattern replaced by position's (nats per token)",
                        fontsize=8.5)  # fmt: skip
        axes.tick_params(labelsize=7.5)
        axes.spines[["top", "right"]].set_visible(False)
        axes.legend(fontsize=7.5, frameon=False, ncols=3, loc="upper center",
                    bbox_to_anchor=(0.5, -0.1))  # fmt: skip
    return figure


def _draw_kind(axes: Axes, rows: list[dict[str, Any]], label: str, colour: str) -> None:
    x, y = ([row[rise] for row in rows] for rise in RISES)
    bars = [
        [
            [max(0.0, row[rise] - row[f"{name}_low"]) for row in rows],
            [max(0.0, row[f"{name}_high"] - row[rise]) for row in rows],
        ]
        for name, rise in (("ablation", RISES[0]), ("surrogate", RISES[1]))
    ]
    axes.errorbar(
        x, y, xerr=bars[0], yerr=bars[1], fmt="o", markersize=5, color=colour, label=label,
        ecolor=colour, elinewidth=0.6, markeredgecolor=style.INK, markeredgewidth=0.3,
    )  # fmt: skip


def _measured(row: Mapping[str, Any]) -> bool:
    return all(row[name] is not None and math.isfinite(row[name]) for name in RISES)
