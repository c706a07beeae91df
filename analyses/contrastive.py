"""The report's contrastive training beside plain training: loss, spikes, guarded share.

python -m analyses.contrastive --valid FILE [--runs runs/studies] [--full]
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

from matplotlib.figure import Figure

from analyses.inputs import Inputs
from analyses.measured_loss import STORIES, block_loss, difference_columns, loss_columns
from analyses.study import Made, Row, Study
from tinyinterp.views import style
from train.training.loss import CONTRAST, OFFSET

SIZES = ("256-8-4", "512-8-4")
MODELS = tuple(name for s in SIZES for name in (s, f"{s}-contrastive-5", f"{s}-contrastive-0.3"))
SPIKE = 1.2  # times the median of the points before it
BEFORE = 5  # points


def measure(inputs: Inputs) -> Made:
    """Measure each model, and read the log of its training."""
    rows: list[Row] = []
    logs = {name: training_log(inputs, name) for name in inputs.models}
    for name in inputs.models:
        size, _, alpha = name.partition("-contrastive-")
        log = logs[name]
        loss = block_loss(inputs, name)
        guarded = [point["guarded"] for point in log if "guarded" in point]
        row = {"model": name, "size": size, "alpha": float(alpha) if alpha else None}
        row |= {"seed": inputs.record(name).get("seed", 0)} | loss_columns(loss)
        row |= {"above_plain": None, "above_low": None, "above_high": None}
        if alpha and size in inputs.models:
            row |= difference_columns(loss, block_loss(inputs, size))
        row |= {"spikes": spikes([point["loss"] for point in log if "loss" in point])}
        row |= {"guarded": sum(guarded) / len(guarded) if guarded else None}
        whole = whole_loss(log, float(alpha)) if alpha else []
        rows.append(row | {"spikes_whole": spikes(whole) if alpha else None})
    notes = {
        "spike": f"a logged batch above {SPIKE} times the median of the {BEFORE} logged before it",
        "spikes_whole": "the same of L_n + alpha / (L_c + 0.01)",
    }
    interval = (
        "95 %, of losses over blocks of stories; spikes and the guarded share are counted in one "
        "run and have none; one seed each"
    )
    return Made(rows, interval, draw(logs), notes)


def training_log(inputs: Inputs, name: str) -> list[Row]:
    """The points of the log of a model's training, however much of a text is read."""
    path = inputs.runs / name / "log.jsonl"
    return replace(inputs, limit=STORIES).once("log", name, None, lambda: read_log(path))


def has_log(inputs: Inputs, name: str) -> bool:
    """Whether the log of a model's training is here or was kept."""
    kept = replace(inputs, limit=STORIES).kept("log", name, None)
    return kept.exists() or (inputs.runs / name / "log.jsonl").exists()


def read_log(path: Path) -> list[Row]:
    """The points of a log of training."""
    return [json.loads(line) for line in path.read_text("utf-8").splitlines()]


def whole_loss(log: list[Row], alpha: float) -> list[float]:
    """The loss with its contrastive term, of which the report says that it has spikes."""
    points = (point for point in log if CONTRAST in point)
    return [point["loss"] + alpha / (point[CONTRAST] + OFFSET) for point in points]


def spikes(losses: list[float]) -> int:
    """How many points lie well above those before them.

    >>> spikes([2.0, 2.0, 1.9, 1.9, 1.8, 4.0, 1.8])
    1
    """
    found = 0
    for at in range(BEFORE, len(losses)):
        middle = sorted(losses[at - BEFORE : at])[BEFORE // 2]
        found += losses[at] > SPIKE * middle
    return found


def draw(logs: Mapping[str, list[Row]]) -> Figure:
    """Training loss over tokens: a panel a size, a line a model."""
    with style.settings():
        figure = Figure(figsize=(8, 3.4), facecolor="white", layout="constrained")
        panels = figure.subplots(1, len(SIZES), sharey=True)
        for size, axes in zip(SIZES, panels, strict=True):
            mine = [(name, log) for name, log in logs.items() if name.startswith(size)]
            for colour, (name, log) in zip(style.LINE_COLOURS, mine, strict=False):
                points = [
                    (point["tokens"] / 1e6, point["loss"]) for point in log if "loss" in point
                ]
                form = "--" if name.endswith("-0.3") else "-"  # it lies on the plain one
                axes.plot(*zip(*points, strict=True), form, color=colour, label=name)
            axes.set(xlabel="million tokens seen", title=size)
            axes.legend(frameon=False, fontsize=7)
            axes.spines[["top", "right"]].set_visible(False)
        panels[0].set_ylabel("training loss (nats per token)")
        figure.suptitle("Plain and contrastive training, one seed each; every tenth batch")
    return figure


STUDY = Study(
    "contrastive", "contrastive beside plain training", measure,
    models=MODELS, least=1, about_some=tuple(name for name in MODELS if name not in SIZES),
    texts=("valid",), limit=STORIES,
)  # fmt: skip

if __name__ == "__main__":
    STUDY.main()
