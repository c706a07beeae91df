"""When heads form: the scores of all heads over the steps of a training run, by layer."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from matplotlib.axes import Axes
from matplotlib.ticker import NullFormatter

from tinyinterp.head_census.labels import THRESHOLDS
from tinyinterp.io.table import Table, is_known
from tinyinterp.views import style
from tinyinterp.views.figure import Figure

CELL_WIDTH, CELL_HEIGHT = 1.55, 0.95  # inches
LEFT, RIGHT, TOP, BOTTOM = 0.75, 0.25, 0.85, 1.0
LONGEST_TITLE = 80  # characters


class Score(NamedTuple):
    """A column of panels: the columns of the table (the largest counts), its name, its limits."""

    columns: tuple[str, ...]
    heading: str
    thresholds: tuple[float, ...] = ()


SCORES = (
    Score(("contrast",), "contrast", (THRESHOLDS.contrast,)),
    Score(
        ("position_explained", "place_explained"),
        "explained by position",
        (THRESHOLDS.semantic, THRESHOLDS.positional),
    ),
    Score(("previous_token",), "previous token"),
    Score(("current_token",), "current token"),
    Score(("induction",), "induction", (THRESHOLDS.induction,)),
    Score(("duplicate_token",), "duplicate token", (THRESHOLDS.duplicate,)),
    Score(("sink",), "sink", (THRESHOLDS.sink,)),
)


class Line(NamedTuple):
    """A score of one head over the steps."""

    layer: int
    head: int
    kind: str  # at the last step
    steps: list[int]
    values: list[float]  # NaN where the score is not known


def formation_lines(table: Table, score: Score) -> list[Line]:
    """The lines of a column of panels, by layer and head."""
    rows = sorted(table, key=lambda row: row["step"])
    heads = sorted({(row["layer"], row["head"]) for row in rows})
    lines = []
    for layer, head in heads:
        mine = [row for row in rows if (row["layer"], row["head"]) == (layer, head)]
        values = [_largest(row, score.columns) for row in mine]
        lines.append(Line(layer, head, mine[-1]["kind"], [row["step"] for row in mine], values))
    return lines


def draw_formation(table: Table, title: str) -> Figure:
    """A panel for each layer and score, a line for each head, coloured by its kind at the end.

    Steps run across on a logarithmic axis, scores up from 0 to 1. Dashed lines are the thresholds
    of the decision table.

    Args:
        table: of :func:`tinyinterp.head_census.formation.follow_heads`.
    """
    steps = sorted(set(table["step"]))
    layers = sorted(set(table["layer"]))
    last = [row for row in table if row["step"] == steps[-1]]
    across, up = len(SCORES) * CELL_WIDTH, len(layers) * CELL_HEIGHT
    width, height = LEFT + across + RIGHT, TOP + up + BOTTOM
    with style.settings():
        figure = Figure(figsize=(width, height), facecolor="white")
        panels: Any = figure.subplots(
            len(layers), len(SCORES), sharex=True, sharey=True, squeeze=False
        )
        figure.subplots_adjust(
            left=LEFT / width, right=1 - RIGHT / width, bottom=BOTTOM / height,
            top=1 - TOP / height, wspace=0.1, hspace=0.14,
        )  # fmt: skip
        for score, column_of_panels in zip(SCORES, panels.T, strict=True):
            lines = formation_lines(table, score)
            for layer, axes in zip(layers, column_of_panels, strict=True):
                _draw_panel(axes, [line for line in lines if line.layer == layer], score)
            column_of_panels[0].set_title(score.heading, fontsize=8, pad=4)
        for layer, axes in zip(layers, panels[:, 0], strict=True):
            axes.set_ylabel(f"layer {layer}", fontsize=8)
        _scale(panels[0][0], steps)
        heading = style.draw_text(title, LONGEST_TITLE)
        figure.text(LEFT / width, 1 - 0.3 / height, heading, fontsize=11, weight="bold",
                    va="center")  # fmt: skip
        words = "across: step, logarithmic; each line is a head, coloured by its kind at the end"
        figure.text(LEFT / width, 0.45 / height, words, fontsize=7, color=style.FAINT)
        style.kind_legend(figure, [row["kind"] for row in last])
    return figure


def _draw_panel(axes: Axes, lines: list[Line], score: Score) -> None:
    for threshold in score.thresholds:
        axes.axhline(threshold, color=style.FAINT, linewidth=0.5, linestyle="--", zorder=0)
    for line in lines:
        axes.plot(
            line.steps,
            line.values,
            color=style.kind_colour(line.kind),
            linewidth=1.1,
            marker="o",
            markersize=1.6,
            gid=f"{line.head}",
        )
    axes.tick_params(labelsize=6.5, length=2)
    axes.spines[["top", "right"]].set_visible(False)


def _largest(row: dict[str, Any], columns: tuple[str, ...]) -> float:
    """The largest of the values that are known; NaN, a gap in the line, if none is."""
    values = [row[name] for name in columns if is_known(row[name])]
    return max(values, default=float("nan"))


def _scale(axes: Axes, steps: list[int]) -> None:
    """The axes that all panels share."""
    axes.set_xscale("symlog", linthresh=1)
    axes.set_xlim(0.8 if steps[0] else -0.2, max(steps[-1], 2) * 1.25)
    powers = np.arange(1 + int(np.log10(max(steps[-1], 1))))
    axes.set_xticks([int(10**power) for power in powers])
    axes.xaxis.set_major_formatter(lambda value, _position: f"{value:,g}")
    axes.xaxis.set_minor_formatter(NullFormatter())
    axes.set_ylim(-0.04, 1.04)
    axes.set_yticks([0, 0.5, 1], ["0", ".5", "1"])
