"""The compressor beside the decoder of its width: loss, and the memory of a training step.

python -m analyses.compressor --valid FILE [--runs runs/studies] [--full]
"""

from __future__ import annotations

import csv
from pathlib import Path

from matplotlib.figure import Figure

from analyses import published
from analyses.inputs import Inputs
from analyses.intervals import arms
from analyses.measured_loss import STORIES, block_loss, difference_columns, loss_columns
from analyses.study import Made, Row, Study
from tinyinterp.views import style

WIDTHS = (128, 256, 512)
MEMORY = "training_memory.csv"
BATCH = 8  # of the memory in the table: the largest that fitted everywhere in the report


def measure(inputs: Inputs) -> Made:
    """Measure each model; memory comes from ``tinyinterp train memory``."""
    memory = read_memory(inputs.figures / MEMORY)
    rows: list[Row] = []
    for name in inputs.models:
        kind = "compressor" if name.startswith("compressor") else "decoder"
        width = int(name.removeprefix("compressor-").split("-")[0])
        loss = block_loss(inputs, name)
        row: Row = {"model": name, "kind": kind, "width": width, "seed": 0} | loss_columns(loss)
        row |= {"above_plain": None, "above_low": None, "above_high": None}
        if kind == "compressor" and f"{width}-8-4" in inputs.models:
            row |= difference_columns(loss, block_loss(inputs, f"{width}-8-4"))
        theirs = published.MEMORY[kind, width][published.BATCHES.index(BATCH)]
        row |= {"peak_mib": memory.get((kind, width, BATCH)), "published_mb": theirs}
        rows.append(row)
    return Made(rows, draw(rows), {"batch": BATCH, "memory_source": published.MEMORY_SOURCE})


def read_memory(path: Path) -> dict[tuple[str, int, int], float]:
    """Peak MiB by model, width and batch size."""
    with path.open(encoding="utf-8", newline="") as file:
        rows = [row for row in csv.DictReader(file) if row["peak_mib"]]
    return {
        (row["model"], int(row["d_model"]), int(row["batch_size"])): float(row["peak_mib"])
        for row in rows
    }


def draw(rows: list[Row]) -> Figure:
    """Bits per byte by width, with intervals over blocks of stories."""
    with style.settings():
        figure = Figure(figsize=(4.8, 3.4), facecolor="white", layout="constrained")
        axes = figure.subplots()
        for colour, kind in zip(style.LINE_COLOURS, ("decoder", "compressor"), strict=False):
            mine = [row for row in rows if row["kind"] == kind]
            values = [row["bits_per_byte"] for row in mine]
            bars = arms(mine, "bits_per_byte", "bits_low", "bits_high")
            at = [row["width"] for row in mine]
            axes.errorbar(at, values, bars, fmt="o-", color=colour, capsize=3, label=kind)
        axes.set(xlabel="width", ylabel="bits per byte", xticks=WIDTHS)
        axes.set_title("Compressor and decoder, one seed each")
        axes.legend(frameon=False)
        axes.spines[["top", "right"]].set_visible(False)
    return figure


STUDY = Study(
    "compressor", "the compressor beside the decoder: loss and memory", measure,
    models=tuple(n for w in WIDTHS for n in (f"{w}-8-4", f"compressor-{w}")),
    least=1, about_some=tuple(f"compressor-{width}" for width in WIDTHS),
    texts=("valid",), files=(MEMORY,), limit=STORIES,
)  # fmt: skip

if __name__ == "__main__":
    STUDY.main()
