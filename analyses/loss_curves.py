"""Loss while training: plain, contrastive, the compressor, and the 41-million GPT-Neo.

python -m analyses.loss_curves --valid FILE [--runs runs/studies]

As Figures 25 and 26 of the report, and the two losses that the first document gives; twelve layers
stand beside eight. The instruct models are scored on stories after instructions: their losses do
not compare and are left out.
"""

from __future__ import annotations

from collections.abc import Mapping

from matplotlib.figure import Figure

from analyses import published
from analyses.contrastive import has_log, training_log
from analyses.inputs import Inputs
from analyses.measured_loss import STORIES, block_loss, loss_columns
from analyses.study import Made, Row, Study
from analyses.train_models import GPT_NEO, plan
from tinyinterp.errors import SelectionError
from tinyinterp.evaluation.story_means import mean_over_stories
from tinyinterp.views import style

KINDS = {  # by what a model's name holds; all others are plain
    "-contrastive-5": "contrastive, 5",
    "-contrastive-0.3": "contrastive, .3",
    "-12-4": "12 layers",
    "-seed1": "plain, seed 1",
    "compressor": "compressor",
    GPT_NEO: "GPT-Neo",
}
PLAIN, COMPRESSOR = "plain", "compressor"
MODELS = tuple(each.name for each in plan() if not each.instruct)
UNDRAWN = ("256-8-2", "256-8-8")  # on the line of 256-8-4
LAST = 10  # logged batches, whose mean is the training loss at the end


def measure(inputs: Inputs) -> Made:
    """Read the log of each model that has one, and measure its loss on the same stories."""
    logs = {n: training_log(inputs, n) for n in inputs.models if has_log(inputs, n)}
    if not logs:
        raise SelectionError("no model here has the log of its training; train one")
    rows: list[Row] = []
    for name, log in logs.items():
        at_end = [point["loss"] for point in log if "loss" in point][-LAST:]
        train = mean_over_stories(enumerate(at_end), STUDY.seed)
        held_out = [point for point in log if "dev_nats_per_token" in point]
        row: Row = {"model": name, "kind": kind_of(name), "width": width_of(name)}
        row |= {"seed": inputs.record(name).get("seed", 0), "tokens_seen": log[-1]["tokens"]}
        row |= {"train_nats": train.value, "train_low": train.low, "train_high": train.high}
        row |= {"held_out_nats": held_out[-1]["dev_nats_per_token"] if held_out else None}
        theirs = published.GPT_NEO_LOSSES if name == GPT_NEO else {"train": None, "valid": None}
        row |= {f"published_{which}": loss for which, loss in theirs.items()}
        rows.append(row | loss_columns(block_loss(inputs, name)))
    interval = (
        "95 %: of the loss on --valid over blocks of stories, of the training loss at the end over "
        f"its last {LAST} logged batches; points of curves are single batches, or the stories held "
        "out from training, and have none; one seed unless two are shown"
    )
    notes = {"published_source": published.GPT_NEO_LOSSES_SOURCE}
    notes["without_a_log"] = ", ".join(name for name in inputs.models if name not in logs)
    return Made(rows, interval, draw(logs), notes)


def kind_of(name: str) -> str:
    """How a model was trained.

    >>> kind_of("256-8-4-contrastive-5"), kind_of("128-12-4-seed1"), kind_of("512-8-4")
    ('contrastive, 5', '12 layers', 'plain')
    """
    return next((kind for part, kind in KINDS.items() if part in name), PLAIN)


def width_of(name: str) -> int:
    """The width in a model's name; that of the 41-million GPT-Neo is 768.

    >>> width_of("compressor-128"), width_of("512-8-4-seed1")
    (128, 512)
    """
    return 768 if name == GPT_NEO else int(name.removeprefix(f"{COMPRESSOR}-").split("-")[0])


def draw(logs: Mapping[str, list[Row]]) -> Figure:
    """A column of panels for each width: the training loss above, the held-out loss below."""
    widths = sorted({width_of(name) for name in logs})
    kinds = [PLAIN, *KINDS.values()]
    lines = {"loss": "training loss", "dev_nats_per_token": "held-out loss"}
    with style.settings():
        size = (2.6 * len(widths) + 1.4, 5.2)
        figure = Figure(figsize=size, facecolor="white", layout="constrained")
        panels = figure.subplots(2, len(widths), sharex=True, sharey="row", squeeze=False)
        for line, (column, label) in zip(panels, lines.items(), strict=True):
            for axes, width in zip(line, widths, strict=True):
                for name, log in logs.items():
                    points = [
                        (each["tokens"] / 1e6, each[column]) for each in log if column in each
                    ]
                    if width_of(name) == width and points and name not in UNDRAWN:
                        colour = style.LINE_COLOURS[kinds.index(kind_of(name))]
                        form = "-" if column == "loss" else "o-"
                        axes.plot(
                            *zip(*points, strict=True), form,
                            color=colour, linewidth=0.9, markersize=3, label=kind_of(name),
                        )  # fmt: skip
                axes.spines[["top", "right"]].set_visible(False)
            line[0].set_ylabel(f"{label}\n(nats per token)")
        for axes, width in zip(panels[0], widths, strict=True):
            axes.set_title(f"{width} wide", fontsize=8)
        for axes in panels[1]:
            axes.set_xlabel("million tokens seen")
        found = {}
        for axes in panels.ravel():
            handles, names = axes.get_legend_handles_labels()
            found |= dict(zip(names, handles, strict=True))
        handles, names = list(found.values()), list(found)
        figure.legend(
            handles, names, loc="outside lower center", ncols=6, frameon=False, fontsize=7
        )
        figure.suptitle("Loss while training; each line one run")
    return figure


STUDY = Study(
    "loss_curves", "training and held-out loss over training", measure,
    models=MODELS, least=1, texts=("valid",), limit=STORIES,
)  # fmt: skip

if __name__ == "__main__":
    STUDY.main()
