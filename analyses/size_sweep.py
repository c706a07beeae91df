"""Loss of the report's sizes, by width, layers and heads, beside the loss that it published.

python -m analyses.size_sweep --valid FILE [--runs runs/studies] [--full]
"""

from __future__ import annotations

from matplotlib.figure import Figure
from scipy.stats import spearmanr

from analyses import published
from analyses.inputs import Inputs
from analyses.intervals import arms
from analyses.measured_loss import STORIES, block_loss, loss_columns
from analyses.study import Made, Row, Study
from analyses.train_models import SIZES, TWICE
from tinyinterp.views import style

PANELS = {  # as Figures 1 to 3 of the report
    "width": ("128-8-4", "256-8-4", "512-8-4"),
    "layers": ("256-8-4", "256-12-4"),
    "heads": ("256-8-2", "256-8-4", "256-8-8"),
}
LEAST_RANKED = 3


def measure(inputs: Inputs) -> Made:
    """Measure each model, and compare the order of the sizes."""
    rows: list[Row] = []
    for name in inputs.models:
        size = name.removesuffix("-seed1")
        width, layers, heads = map(int, size.split("-"))
        shape = {"size": size, "width": width, "layers": layers, "heads": heads}
        about = {"model": name, **shape, "seed": inputs.record(name).get("seed", 0)}
        loss = loss_columns(block_loss(inputs, name))
        rows.append(about | loss | {"published_loss": published.LOSSES[size]})
    first = [row for row in rows if row["seed"] == 0]
    order = None
    if len(first) >= LEAST_RANKED:
        ours, theirs = ([r[c] for r in first] for c in ("nats_per_token", "published_loss"))
        order = float(spearmanr(ours, theirs).statistic)
    notes = {"spearman_with_published": order, "sizes_ranked": len(first)}
    return Made(rows, draw(rows), notes | {"source": published.SIZES_SOURCE})


def draw(rows: list[Row]) -> Figure:
    """A panel each for width, layers and heads: bits per byte with intervals, every seed."""
    with style.settings():
        figure = Figure(figsize=(9, 3.2), facecolor="white", layout="constrained")
        panels = figure.subplots(1, len(PANELS), sharey=True)
        for axes, (what, names) in zip(panels, PANELS.items(), strict=True):
            for row in (row for row in rows if row["size"] in names):
                bars = arms([row], "bits_per_byte", "bits_low", "bits_high")
                colour = style.LINE_COLOURS[row["seed"]]
                axes.errorbar(
                    [row[what]], [row["bits_per_byte"]], bars, fmt="o", color=colour, capsize=3
                )
            column = list(PANELS).index(what)
            axes.set(xlabel=what, xticks=sorted({int(n.split("-")[column]) for n in names}))
            axes.spines[["top", "right"]].set_visible(False)
        panels[0].set_ylabel("bits per byte")
        figure.suptitle("Loss by size: 95 % intervals over blocks of stories; colour: seed")
    return figure


STUDY = Study(
    "size_sweep",
    "loss of the report's sizes beside its own",
    measure,
    models=(*SIZES, *(f"{size}-seed1" for size in TWICE)),
    least=1,
    texts=("valid",),
    limit=STORIES,
)

if __name__ == "__main__":
    STUDY.main()
