"""ROUGE-2 of completions as histograms, as the TinyStories student report's figures 5 to 18."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from matplotlib.axes import Axes

from tinyinterp.io.table import Table, is_known
from tinyinterp.views import style
from tinyinterp.views.figure import Figure

PANELS = {  # columns of the table, and how each is called
    "original_precision": "with the original, prompt included\n(precision, as in the report)",
    "continuation_precision": "continuation with the rest\nof the original (precision)",
    "self_f": "largest with another completion\n(F, as in the report)",
    "train_f": "largest with a training story\n(F)",
}
BINS = np.linspace(0, 1, 51)
WIDTH, HEIGHT = 2.5, 1.15  # inches of a panel
LONGEST_TITLE, LONGEST_NAME = 90, 30  # characters


def draw_rouge(table: Table, means: Table, title: str) -> Figure:
    """A row of panels for each model and share, a column for each measure that is known.

    Args:
        table: of every completion (``rouge_stories``).
        means: over stories (``rouge``), drawn as lines with their 95 % intervals as bands.
        title: one line.
    """
    names = [name for name in PANELS if any(is_known(value) for value in table[name])]
    groups = list(dict.fromkeys((row["model"], row["share"]) for row in table))
    with style.settings():
        size = (WIDTH * len(names) + 1.4, HEIGHT * len(groups) + 1.2)
        figure = Figure(figsize=size, facecolor="white", layout="constrained")
        panels: Any = figure.subplots(
            len(groups), len(names), sharex=True, sharey="row", squeeze=False
        )
        for (model, share), line in zip(groups, panels, strict=True):
            rows = [row for row in table if (row["model"], row["share"]) == (model, share)]
            for name, axes in zip(names, line, strict=True):
                mean = means.row(model=model, share=share, measure=name)
                _draw_panel(axes, [row[name] for row in rows if is_known(row[name])], mean)
            label = f"{style.draw_text(model, LONGEST_NAME)}\nprompt: {share}"
            line[0].set_ylabel(label, fontsize=7, rotation=0, ha="right", va="center", labelpad=18)
        for name, axes in zip(names, panels[0], strict=True):
            axes.set_title(PANELS[name], fontsize=7.5)
        figure.supxlabel("ROUGE-2; line and band: mean with 95 % interval over stories", fontsize=7)
        heading = style.draw_title(title, LONGEST_TITLE)
        figure.suptitle(heading, fontsize=10, weight="bold", x=0.01, ha="left")
    return figure


def _draw_panel(axes: Axes, values: list[float], mean: Mapping[str, Any]) -> None:
    axes.hist(values, bins=BINS.tolist(), color=style.KIND_COLOURS["positional"])
    if is_known(mean["low"]) and is_known(mean["high"]):
        axes.axvspan(mean["low"], mean["high"], color=style.KIND_COLOURS["semantic"], alpha=0.25)
    if is_known(mean["value"]):
        axes.axvline(mean["value"], color=style.KIND_COLOURS["semantic"], linewidth=1)
    axes.set_xlim(0, 1)
    axes.tick_params(labelsize=6.5, length=2)
    axes.spines[["top", "right"]].set_visible(False)
