"""Groups of bars with intervals: what both drawers of one start from, and the matplotlib drawer."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from matplotlib.axes import Axes

from tinyinterp.views import style
from tinyinterp.views.points import is_known

GROUP = 0.82  # of the distance between two groups that the bars of one take


@dataclass(frozen=True)
class Bars:
    """The bars of one colour.

    Args:
        name: in the legend.
        colour: of the bars.
        places: across; groups stand at whole numbers.
        width: of a bar.
        labels: of the groups, for whoever points at a bar.
        values: NaN where not known.
        low: lower bounds of 95 % intervals.
        high: upper bounds.
        floor: the lowest value that is drawn; a bar that lies below it is marked ``<0``.
    """

    name: str
    colour: str
    places: list[float]
    width: float
    labels: list[str]
    values: list[float]
    low: list[float]
    high: list[float]
    floor: float = -1.0

    def heights(self) -> list[float]:
        """What is drawn: nothing below the floor."""
        return [max(value, self.floor) for value in self.values]

    def arms(self) -> list[list[float]]:
        """How far the intervals reach down and up from the heights; 0 where not known."""
        heights = self.heights()
        down = [h - max(low, self.floor) for h, low in zip(heights, self.low, strict=True)]
        up = [max(high, self.floor) - h for h, high in zip(heights, self.high, strict=True)]
        return [
            [max(0.0, arm) if math.isfinite(arm) else 0.0 for arm in side] for side in (down, up)
        ]

    def marks(self) -> list[str]:
        """What is written at each bar: ``<0`` where it lies below the floor."""
        return ["<0" if value < self.floor else "" for value in self.values]

    def said(self) -> list[str]:
        """Each bar in words, with its interval."""
        return [
            f"{label}: {style.number(value)} ({style.interval(low, high)})"
            for label, value, low, high in zip(
                self.labels, self.values, self.low, self.high, strict=True
            )
        ]


def known(row: Mapping[str, Any], column: str) -> float:
    """A number of a row; NaN where there is none, or no such column."""
    value = row.get(column)
    return math.nan if value is None or not is_known(value) else float(value)


def places(count: int, number: int, of: int) -> tuple[list[float], float]:
    """Where the bars of one colour stand in so many groups, and how wide they are.

    Args:
        count: of groups.
        number: of the colour, counted from 0.
        of: how many colours there are.
    """
    width = GROUP / of
    return [group + width * (number - (of - 1) / 2) for group in range(count)], width * 0.94


def draw_bars(axes: Axes, bars: Sequence[Bars]) -> None:
    """Draw them with their intervals; bars that are not known are left out."""
    for each in bars:
        drawn = [at for at, value in enumerate(each.values) if math.isfinite(value)]
        heights = each.heights()
        axes.bar(
            [each.places[at] for at in drawn],
            [heights[at] for at in drawn],
            width=each.width, color=each.colour, label=each.name,
            yerr=[[side[at] for at in drawn] for side in each.arms()],
            error_kw={"elinewidth": 0.8, "ecolor": style.FAINT},
        )  # fmt: skip
        for place, mark in zip(each.places, each.marks(), strict=True):
            if mark:
                axes.text(place, 0.01, mark, ha="center", fontsize=6.5, color=each.colour)
