"""The picture of the sweep over sizes: a row of panels a measure; by width, layers and heads."""

from __future__ import annotations

from collections.abc import Sequence

from matplotlib.figure import Figure

from analyses.intervals import arms
from analyses.study import Row
from tinyinterp.views import style

ROWS = {  # value, low, high
    "loss (bits per byte)": ("bits_per_byte", "bits_low", "bits_high"),
    "prompts:\nshare of the right": ("p_right", "p_right_low", "p_right_high"),
    "proxy: bits per byte\nof completions": (
        "proxy_bits_per_byte", "proxy_bits_per_byte_low", "proxy_bits_per_byte_high",
    ),
    "proxy: repeated\n4-grams": (
        "proxy_repeated_4grams", "proxy_repeated_4grams_low", "proxy_repeated_4grams_high",
    ),
}  # fmt: skip
COLUMNS = {  # as Figures 1 to 3 of the report: what is alike in a line of points
    "width": ("layers", lambda row: row["heads"] == 4),
    "layers": ("width", lambda row: row["heads"] == 4),
    "heads": ("width", lambda row: row["size"].startswith("256-8-")),
}
MARKERS = ("o", "D")  # by seed
APART = 0.035  # of the range, between lines


def draw(rows: Sequence[Row], interval: str) -> Figure:
    """Points with 95 % intervals: a colour for what is alike, a marker a seed."""
    with style.settings():
        figure = Figure(figsize=(9, 8.6), facecolor="white", layout="constrained")
        panels = figure.subplots(len(ROWS), len(COLUMNS), sharey="row", sharex="col")
        for line, (label, (value, low, high)) in zip(panels, ROWS.items(), strict=True):
            for axes, (what, (alike, belongs)) in zip(line, COLUMNS.items(), strict=True):
                mine = [row for row in rows if belongs(row)]
                ticks = sorted({row[what] for row in mine})
                everywhere = sorted({row[alike] for row in rows})
                groups = sorted({row[alike] for row in mine})
                for number, group in enumerate(groups):
                    shift = APART * (number - (len(groups) - 1) / 2)
                    shift *= ticks[-1] - ticks[0] if len(ticks) > 1 else 1
                    colour = style.LINE_COLOURS[everywhere.index(group)]
                    name = f"{group} {'wide' if alike == 'width' else alike}"
                    for seed, marker in enumerate(MARKERS):
                        points = [r for r in mine if r[alike] == group and r["seed"] == seed]
                        if not points:
                            continue
                        axes.errorbar(
                            [row[what] + shift * (1 + seed / 3) for row in points],
                            [row[value] for row in points],
                            arms(points, value, low, high),
                            fmt=marker, markersize=4, capsize=2,
                            color=colour, markerfacecolor="white" if seed else colour,
                            label=None if seed else name,
                        )  # fmt: skip
                axes.set_xticks(ticks, list(map(str, ticks)))
                axes.spines[["top", "right"]].set_visible(False)
            line[0].set_ylabel(label)
        for axes, what in zip(panels[-1], COLUMNS, strict=True):
            axes.set_xlabel(what)
        for axes in panels[0]:
            if axes.get_legend_handles_labels()[0]:
                axes.legend(frameon=False, fontsize=7)
        figure.suptitle("By width, layers and heads; filled: seed 0, open: seed 1")
        figure.supxlabel(interval, fontsize=6.5)
    return figure
