"""Loss curves of runs, read from their logs, smoothed and named."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from jaxtyping import Float, Int

from tinyinterp.errors import TrainingError
from tinyinterp.io.paths import is_file
from tinyinterp.views.style import LINE_COLOURS

from ..training.tracking import LOG, read_log

N_MARKERS = 7  # that differ, in either form of the picture
X_LABEL, Y_LABEL = "tokens seen", "loss (nats per token)"
SMOOTHING = 0.05  # of the logged points, and at least five, make one point of the smooth line
FIRST_SHOWN = 0.01  # of the points; the steep start before would flatten everything after it


@dataclass(frozen=True)
class LossCurve:
    """What a run has logged: training and held-out loss, nats per token, by tokens seen."""

    name: str
    tokens: Int[np.ndarray, " point"]
    loss: Float[np.ndarray, " point"]
    dev_tokens: Int[np.ndarray, " evaluation"]
    dev_loss: Float[np.ndarray, " evaluation"]


@dataclass(frozen=True)
class DrawnRun:
    """A run as both forms of the picture draw it."""

    curve: LossCurve
    smooth: Float[np.ndarray, " point"]
    colour: str
    marker: int  # number of its marker
    trained: str  # names in the legend
    held_out: str


def drawn_runs(runs: Sequence[Path]) -> list[DrawnRun]:
    """The curves of ``runs`` with their colours, markers and names in the legend.

    Raises:
        TrainingError: a run has logged nothing, or its log cannot be read.
    """
    curves = [read_curve(run) for run in runs]
    several = len(curves) > 1
    return [
        DrawnRun(
            curve=curve,
            smooth=smooth(curve.loss),
            colour=LINE_COLOURS[index % len(LINE_COLOURS)],
            marker=index % N_MARKERS,
            trained=f"training, {curve.name}" if several else "training",
            held_out=f"held out, {curve.name}" if several else "held out",
        )
        for index, curve in enumerate(curves)
    ]


def loss_title(runs: Sequence[Path]) -> str:
    """The title of the picture."""
    return f"Loss of {runs[0].resolve().name}" if len(runs) == 1 else "Loss by run"


def read_curve(run: Path) -> LossCurve:
    """The losses in ``RUN/log.jsonl``; a last line that is still being written is left out.

    Raises:
        TrainingError: there is no log, nothing in it, or it is damaged.
    """
    if not is_file(run / LOG):
        raise TrainingError(f"{run} is no training run: it has no {LOG}")
    try:
        rows = read_log(run / LOG)
    except TrainingError as error:
        raise TrainingError(f"cannot read {run / LOG}: {error}") from error
    trained = [(row.tokens, row.loss) for row in rows if row.loss is not None]
    held_out = [
        (row.tokens, row.dev_nats_per_token) for row in rows if row.dev_nats_per_token is not None
    ]
    if not trained:
        raise TrainingError(f"{run / LOG} holds no training loss yet; train for some more steps")
    tokens, loss = np.array(trained, dtype=np.float64).T
    dev_tokens, dev_loss = np.array(held_out, dtype=np.float64).reshape(-1, 2).T
    return LossCurve(
        run.resolve().name, tokens.astype(np.int64), loss, dev_tokens.astype(np.int64), dev_loss
    )


def smooth(loss: Float[np.ndarray, " point"]) -> Float[np.ndarray, " point"]:
    """Mean over a centred window, narrower towards both ends."""
    reach = max(2, int(len(loss) * SMOOTHING / 2))
    sums = np.concatenate(([0.0], np.cumsum(loss)))
    points = np.arange(len(loss))
    around = np.minimum(reach, np.minimum(points, points[::-1]))  # the same on both sides
    return (sums[points + around + 1] - sums[points - around]) / (2 * around + 1)


def loss_limits(runs: Sequence[DrawnRun]) -> tuple[float, float]:
    """The range of the loss axis."""
    curves = [run.curve for run in runs]
    shown = [curve.loss[int(len(curve.loss) * FIRST_SHOWN) :] for curve in curves]
    values = np.concatenate([*shown, *(curve.dev_loss for curve in curves)])
    margin = 0.05 * max(float(np.ptp(values)), 0.1)
    return float(values.min()) - margin, float(values.max()) + margin
