"""The compressor beside the decoder of its width: loss, and the memory of a training step.

python -m analyses.compressor --valid FILE [--runs runs/studies] [--full]
"""

from __future__ import annotations

import csv
from collections.abc import Mapping
from pathlib import Path

from matplotlib.figure import Figure

from analyses import published
from analyses.inputs import Inputs
from analyses.intervals import arms
from analyses.measured_loss import STORIES, block_loss, difference_columns, loss_columns
from analyses.study import Made, Row, Study
from tinyinterp.io.table import Table
from tinyinterp.views import style

WIDTHS = (128, 256, 512)
MEMORY = "training_memory.csv"
MEASURED_ONCE = "none: a peak of memory, measured once; it hardly varies from run to run"
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
    notes = {"batch": BATCH, "memory_source": published.MEMORY_SOURCE}
    interval = (
        "95 %, of losses over blocks of stories; memory is a peak, measured once; one seed each"
    )
    also = Table("compressor_memory", memory_rows(memory), notes={"interval": MEASURED_ONCE})
    return Made(rows, interval, draw(rows), notes, also=(also,))


def memory_rows(memory: Mapping[tuple[str, int, int], float]) -> list[Row]:
    """Table 5 of the report, beside what was measured here."""
    return [
        {
            "model": kind, "width": width, "batch": batch,
            "peak_mib": memory.get((kind, width, batch)), "published_mb": theirs,
        }
        for (kind, width), row in published.MEMORY.items()
        for batch, theirs in zip(published.BATCHES, row, strict=True)
    ]  # fmt: skip


def read_memory(path: Path) -> dict[tuple[str, int, int], float]:
    """Peak MiB by model, width and batch size."""
    with path.open(encoding="utf-8", newline="") as file:
        rows = [row for row in csv.DictReader(file) if row["peak_mib"]]
    return {
        (row["model"], int(row["d_model"]), int(row["batch_size"])): float(row["peak_mib"])
        for row in rows
    }


def draw(rows: list[Row]) -> Figure:
    """Bits per byte by width, with intervals over blocks of stories, and memory beside it."""
    with style.settings():
        figure = Figure(figsize=(8, 3.4), facecolor="white", layout="constrained")
        loss, memory = figure.subplots(1, 2)
        for colour, kind in zip(style.LINE_COLOURS, ("decoder", "compressor"), strict=False):
            mine = [row for row in rows if row["kind"] == kind]
            at = [row["width"] for row in mine]
            values = [row["bits_per_byte"] for row in mine]
            bars = arms(mine, "bits_per_byte", "bits_low", "bits_high")
            loss.errorbar(at, values, bars, fmt="o-", color=colour, capsize=3, label=kind)
            for column, form, whose in (
                ("peak_mib", "o-", "here"),
                ("published_mb", "x:", "published"),
            ):
                sizes = [row[column] for row in mine]
                memory.plot(at, sizes, form, color=colour, label=f"{kind}, {whose}")
        loss.set(ylabel="bits per byte", title="Loss; 95 % over blocks of stories")
        memory.set(
            ylabel=f"MiB at batch {BATCH} (published: MB)", title="Memory of a step, one run"
        )
        top = max(row["published_mb"] for row in rows)
        memory.set_ylim(0, 1.5 * top)  # the legend stands above the lines
        for axes in (loss, memory):
            axes.set(xlabel="width", xticks=WIDTHS)
            axes.legend(frameon=False, fontsize=7)
            axes.spines[["top", "right"]].set_visible(False)
        figure.suptitle("Compressor and decoder, one seed each")
    return figure


STUDY = Study(
    "compressor", "the compressor beside the decoder: loss and memory", measure,
    models=tuple(n for w in WIDTHS for n in (f"{w}-8-4", f"compressor-{w}")),
    least=1, about_some=tuple(f"compressor-{width}" for width in WIDTHS),
    texts=("valid",), files=(MEMORY,), also=("compressor_memory",), limit=STORIES,
)  # fmt: skip

if __name__ == "__main__":
    STUDY.main()
