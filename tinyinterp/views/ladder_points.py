"""The ladder of one head or neuron as bars: what each rung explains of it, and keeps."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from tinyinterp.model_account.ladder import LADDER, NEURON_RUNGS, PREDICTORS, RUNGS, THRESHOLDS
from tinyinterp.views import style
from tinyinterp.views.bars import Bars, known, places
from tinyinterp.views.points import is_known, place_of

EXPLAINED_COLOUR, KEEPS_COLOUR = style.LINE_COLOURS[5], style.LINE_COLOURS[0]
R2_COLOUR, TAG_COLOUR = style.LINE_COLOURS[1], style.FAINT
Row = Mapping[str, Any]


@dataclass(frozen=True)
class Ladder:
    """Everything that the picture of one component shows.

    Args:
        name: ``Head 3.0 needs predecessor``.
        about: what lies below the bars, in words.
        rungs: names of the groups of bars.
        bars: of each measure.
        enough: what a rung must reach for the component to need no more.
    """

    name: str
    about: str
    rungs: list[str]
    bars: list[Bars]
    enough: float

    @property
    def lowest(self) -> float:
        """Where the axis starts: 0, or the lowest bound below."""
        found = [bound for bars in self.bars for bound in (*bars.values, *bars.low)]
        return min([0.0, *(bound for bound in found if is_known(bound))])


def head_ladder(row: Row) -> Ladder:
    """Explained and keeps of a head, by rung.

    Args:
        row: of the account of heads.
    """
    measures = (("explained", EXPLAINED_COLOUR), ("keeps", KEEPS_COLOUR))
    bars = []
    for number, (measure, colour) in enumerate(measures):
        across, width = places(len(RUNGS), number, len(measures))
        n = LADDER if measure == "keeps" else len(RUNGS)
        bars.append(_bars(row, measure, measure, colour, RUNGS[:n], across[:n], width))
    cost = f"mean ablation costs {style.number(row['ablation_loss_increase'], 4)} nats per token"
    needs = f"needs {row['needs']}" if row["needs"] else "costs nothing to ablate"
    about = cost if row["needs"] else f"{cost}, its interval reaches 0: no rung keeps a share"
    return Ladder(
        f"Head {place_of(row)} {needs}", about, [_shown(each) for each in RUNGS], bars,
        THRESHOLDS.keeps,
    )  # fmt: skip


def neuron_ladder(row: Row) -> Ladder:
    """The share of a neuron's variance that each rung explains; parts of speech beside.

    Args:
        row: of the account of neurons.
    """
    across, width = places(len(PREDICTORS), 0, 1)
    n = len(NEURON_RUNGS)
    bars = [
        _bars(row, "r2", "r², rungs", R2_COLOUR, NEURON_RUNGS, across[:n], width),
        _bars(row, "r2", "r², parts of speech", TAG_COLOUR, PREDICTORS[n:], across[n:], width),
    ]
    needs = f"needs {row['needs']}" if row["needs"] else "never varies"
    return Ladder(
        f"Neuron {place_of(row)} {needs}",
        "share of the activation's variance that is explained",
        [_shown(each) for each in PREDICTORS],
        bars,
        THRESHOLDS.r2,
    )


def _bars(
    row: Row,
    measure: str,
    name: str,
    colour: str,
    rungs: tuple[str, ...],
    across: list[float],
    width: float,
) -> Bars:
    columns = [f"{measure}_{rung}" for rung in rungs]
    return Bars(
        name=name,
        colour=colour,
        places=across,
        width=width,
        labels=[_shown(rung) for rung in rungs],
        values=[known(row, column) for column in columns],
        low=[known(row, f"{column}_low") for column in columns],
        high=[known(row, f"{column}_high") for column in columns],
    )


def _shown(rung: str) -> str:
    return rung.replace("_", " ")
