"""Intervals of points as ``errorbar`` of matplotlib draws them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any


def arms(rows: Sequence[Mapping[str, Any]], value: str, low: str, high: str) -> list[list[float]]:
    """How far the intervals of points reach down and up, for ``errorbar``; never below 0.

    A Wilson interval may end at the point itself, but for rounding.

    >>> arms([{"share": 0.5, "low": 0.25, "high": 0.5}], "share", "low", "high")
    [[0.25], [0.0]]
    """
    down = [max(0.0, row[value] - row[low]) for row in rows]
    return [down, [max(0.0, row[high] - row[value]) for row in rows]]
