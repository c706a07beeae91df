"""The ladder of one head or neuron as a picture."""

from __future__ import annotations

from tinyinterp.views import style
from tinyinterp.views.bars import draw_bars
from tinyinterp.views.figure import Figure
from tinyinterp.views.ladder_points import Ladder

LONGEST_TITLE = 70  # characters


def draw_ladder(ladder: Ladder, title: str) -> Figure:
    """A group of bars for each rung, with 95 % intervals; dashed: what is enough."""
    with style.settings():
        figure = Figure(figsize=(6.4, 3.6), facecolor="white", layout="constrained")
        axes = figure.add_subplot()
        draw_bars(axes, ladder.bars)
        axes.axhline(0, color=style.FAINT, linewidth=0.6)
        axes.axhline(
            ladder.enough, color=style.FAINT, linewidth=0.8, linestyle="--", label="enough"
        )
        axes.set_xticks(range(len(ladder.rungs)), ladder.rungs)
        axes.set_xlim(-0.6, len(ladder.rungs) - 0.4)
        axes.set_ylim(ladder.lowest - 0.02, 1.02)
        axes.set_ylabel("share", fontsize=8.5)
        axes.set_xlabel(ladder.about, fontsize=8.5)
        axes.tick_params(labelsize=8)
        axes.spines[["top", "right"]].set_visible(False)
        axes.legend(fontsize=7.5, frameon=False, ncols=3, loc="upper center",
                    bbox_to_anchor=(0.5, -0.22))  # fmt: skip
        heading = style.draw_title(title, LONGEST_TITLE)
        figure.suptitle(heading, fontsize=10, weight="bold", x=0.02, ha="left")
    return figure
