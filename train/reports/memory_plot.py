"""The memory table as a picture: peak memory over batch size, a line for each model."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import matplotlib as mpl
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import NullLocator, ScalarFormatter

from tinyinterp.io.files import replacing_file
from tinyinterp.io.table import Table
from tinyinterp.views.style import LINE_COLOURS

from .plot import UNDATED

LOOKS = {"decoder": ("-", "o"), "compressor": ("--", "s")}  # line and marker
GREY = "#6B7280"


def draw_memory(table: Table, folder: Path) -> list[Path]:
    """Write ``memory.png`` and ``memory.svg`` into ``folder``; returns their paths.

    One colour per width; a decoder's line is solid, a compressor's dashed. A cross marks each batch
    size that did not fit, upright for a compressor.

    Raises:
        OutputError: ``folder`` cannot be written.
    """
    figure = Figure(figsize=(7, 4.5), dpi=150, layout="constrained")
    axes = figure.add_subplot()
    widths = sorted(set(table["d_model"]))
    models = dict.fromkeys(zip(table["model"], table["d_model"], strict=True))
    for number, (kind, width) in enumerate(models):
        rows = [row for row in table if (row["model"], row["d_model"]) == (kind, width)]
        _draw_line(axes, rows, LINE_COLOURS[widths.index(width) % len(LINE_COLOURS)], number)
    sizes = sorted(set(table["batch_size"]))
    axes.set_xscale("log", base=2)
    axes.set_yscale("log", base=2)
    axes.set_xticks(sizes, [str(size) for size in sizes])
    axes.xaxis.set_minor_locator(NullLocator())
    axes.yaxis.set_major_formatter(ScalarFormatter())
    if idle := table.notes["idle_mib"]:
        axes.axhline(idle, color=GREY, linewidth=0.8, linestyle=":", label="idle process")
    if limit := table.notes["limit_mib"]:
        axes.axhline(limit, color=GREY, linewidth=0.8, label="limit")
    held = "resident memory" if table.notes["device"] == "cpu" else "memory of CUDA's allocator"
    axes.set_xlabel("batch size (sequences)")
    axes.set_ylabel(f"peak {held} (MiB)")
    axes.set_title(f"Memory of a training step, {table.notes['n_ctx']} tokens a sequence")
    axes.grid(visible=True, linewidth=0.4, alpha=0.5)
    axes.spines[["top", "right"]].set_visible(False)
    figure.legend(frameon=False, loc="outside right upper")
    paths = [folder / f"memory.{suffix}" for suffix in ("png", "svg")]
    for path in paths:
        with mpl.rc_context({"svg.hashsalt": "tinyinterp"}), replacing_file(path) as temporary:
            figure.savefig(temporary, metadata=UNDATED.get(path.suffix))
    return paths


def _draw_line(axes: Axes, rows: list[dict[str, Any]], color: str, number: int) -> None:
    """The line of model ``number``, and crosses at the upper edge where it did not fit."""
    style, marker = LOOKS[str(rows[0]["model"])]
    fitting = [row for row in rows if row["peak_mib"] is not None]
    axes.plot(
        [row["batch_size"] for row in fitting],
        [row["peak_mib"] for row in fitting],
        color=color,
        linestyle=style,
        marker=marker,
        markersize=4,
        label=f"{rows[0]['model']} {rows[0]['d_model']}",
    )
    too_large = [row["batch_size"] for row in rows if row["peak_mib"] is None]
    axes.plot(
        too_large,
        [1 - 0.03 * number] * len(too_large),
        color=color,
        linestyle="none",
        marker="x" if style == "-" else "+",
        transform=axes.get_xaxis_transform(),
        clip_on=False,
    )
