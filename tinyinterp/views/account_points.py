"""The account of a whole model as points: what both drawers of its picture start from."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from tinyinterp.io.table import Table
from tinyinterp.views import style
from tinyinterp.views.bars import GROUP, Bars, known, places

PART_COLOURS = {"heads": style.LINE_COLOURS[0], "neurons": style.LINE_COLOURS[1], "both": style.INK}
LANGUAGE_COLOUR = style.FAINT
PART_NAMES = {
    "heads": "all heads",
    "neurons": "all neurons",
    "both": "both at once",
    "language": "n-gram models",
}
SHARE = "loss_recovered_unigram"
Y_LABEL = "loss recovered, from the unigram model to the model itself"
RUNG_LABEL = "what the story knows; n-gram models of the same text"
SIZE_LABEL = "numbers stored"
Row = Mapping[str, Any]


@dataclass(frozen=True)
class Curve:
    """Loss recovered against the numbers that are stored."""

    name: str
    colour: str
    labels: list[str]
    sizes: list[int]
    values: list[float]  # not below 0


@dataclass(frozen=True)
class AccountPoints:
    """Everything that the picture shows."""

    groups: list[str]  # rungs, then n-gram models
    bars: list[Bars]
    curves: list[Curve]
    best: str  # of the n-gram models
    best_value: float


def account_points(table: Table) -> AccountPoints:
    """The points of the picture of an account.

    Args:
        table: of an account: a row for each part and rung, and for each n-gram model.
    """
    rows = list(table)
    rungs = list(dict.fromkeys(row["rung"] for row in rows if row["part"] in PART_COLOURS))
    rungs = [rung for rung in rungs if rung != "means"]
    language = [row for row in rows if row["part"] == "language"]
    beside = language[1:]  # the unigram model recovers nothing, by definition
    bars = []
    for number, (part, colour) in enumerate(PART_COLOURS.items()):
        mine = {row["rung"]: row for row in rows if row["part"] == part}
        across, width = places(len(rungs), number, len(PART_COLOURS))
        bars.append(_bars(part, colour, across, width, [mine[rung] for rung in rungs]))
    across = [float(len(rungs) + number) for number in range(len(beside))]
    bars.append(_bars("language", LANGUAGE_COLOUR, across, GROUP / 2, beside))
    both = [row for row in rows if row["part"] == "both" and row["rung"] != "means"]
    best = max(language, key=lambda row: known(row, SHARE))
    return AccountPoints(
        groups=[*rungs, *(row["rung"] for row in beside)],
        bars=bars,
        curves=[
            _curve("both", PART_COLOURS["both"], both),
            _curve("language", LANGUAGE_COLOUR, language),
        ],
        best=best["rung"],
        best_value=known(best, SHARE),
    )


def _bars(part: str, colour: str, across: list[float], width: float, rows: Sequence[Row]) -> Bars:
    return Bars(
        name=PART_NAMES[part],
        colour=colour,
        places=across,
        width=width,
        labels=[row["rung"] for row in rows],
        values=[known(row, SHARE) for row in rows],
        low=[known(row, "unigram_low") for row in rows],
        high=[known(row, "unigram_high") for row in rows],
        floor=0.0,
    )


def _curve(part: str, colour: str, rows: Sequence[Row]) -> Curve:
    return Curve(
        name=PART_NAMES[part],
        colour=colour,
        labels=[row["rung"] for row in rows],
        sizes=[row["parameters"] for row in rows],
        values=[max(0.0, known(row, SHARE)) for row in rows],
    )
