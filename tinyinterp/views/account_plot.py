"""The account of a whole model as a picture: what each rung recovers, and at what size."""

from __future__ import annotations

from matplotlib.axes import Axes
from matplotlib.ticker import LogLocator

from tinyinterp.io.table import Table
from tinyinterp.views import style
from tinyinterp.views.account_points import (
    LANGUAGE_COLOUR,
    RUNG_LABEL,
    SIZE_LABEL,
    Y_LABEL,
    AccountPoints,
    account_points,
)
from tinyinterp.views.bars import draw_bars
from tinyinterp.views.figure import Figure

LONGEST_TITLE = 90  # characters
LABELLED = 4  # points of a curve that have their names beside them, and the last


def draw_account(table: Table, title: str) -> Figure:
    """Loss recovered from the unigram model, by rung, and against the numbers that are stored.

    Args:
        table: of an account.
    """
    points = account_points(table)
    with style.settings():
        figure = Figure(figsize=(10.5, 4.4), facecolor="white", layout="constrained")
        by_rung, by_size = figure.subplots(1, 2, sharey=True, width_ratios=(3, 2))
        _draw_rungs(by_rung, points)
        _draw_curves(by_size, points)
        heading = style.draw_title(title, LONGEST_TITLE)
        figure.suptitle(heading, fontsize=10, weight="bold", x=0.01, ha="left")
    return figure


def _draw_rungs(axes: Axes, points: AccountPoints) -> None:
    """A group of bars for each rung, a bar for each part; the n-gram models beside them."""
    draw_bars(axes, points.bars)
    axes.axhline(
        points.best_value, color=LANGUAGE_COLOUR, linewidth=0.8, linestyle="--",
        label=f"best n-gram model ({points.best})",
    )  # fmt: skip
    axes.set_xticks(range(len(points.groups)), points.groups, fontsize=8)
    axes.set_ylim(0, 1.32)  # room for the legend above the bars
    axes.set_ylabel(Y_LABEL, fontsize=8)
    axes.set_xlabel(RUNG_LABEL, fontsize=8)
    _finish(axes)


def _draw_curves(axes: Axes, points: AccountPoints) -> None:
    """Loss recovered against stored numbers: the account of everything, and n-gram models."""
    for curve in points.curves:
        axes.plot(
            curve.sizes, curve.values,
            marker="o", markersize=4, linewidth=1.1, color=curve.colour, label=curve.name,
        )  # fmt: skip
        for number, label in enumerate(curve.labels):
            if LABELLED <= number < len(curve.labels) - 1:
                continue  # n-gram models of nearly one size; the bars name them
            above = number % 2 or not curve.values[number]  # clear of the axis and of each other
            axes.annotate(
                label, (curve.sizes[number], curve.values[number]),
                xytext=(-4, 6) if above else (5, -10), textcoords="offset points",
                ha="right" if above else "left", fontsize=6.5, color=curve.colour,
            )  # fmt: skip
    axes.set_xscale("log")
    axes.margins(x=0.14)
    axes.set_xlabel(SIZE_LABEL, fontsize=8)
    axes.xaxis.set_major_locator(LogLocator(numticks=5))
    axes.minorticks_off()
    axes.xaxis.set_major_formatter(lambda value, _position: f"{value:,.0f}")
    _finish(axes)


def _finish(axes: Axes) -> None:
    axes.tick_params(labelsize=7.5)
    axes.spines[["top", "right"]].set_visible(False)
    axes.legend(fontsize=7.5, frameon=False, loc="upper left")
