"""How far the instruct models follow instructions, by width, without a judge.

python -m analyses.instruct --valid FILE [--runs runs/studies]

In place of the report's Figure 19, whose scores are a judge's. The instructions are derived from
stories that no model was trained on (:mod:`analyses.instruct_examples`).
"""

from __future__ import annotations

import sys
from itertools import islice
from pathlib import Path

from matplotlib.figure import Figure

from analyses import published
from analyses.inputs import Inputs
from analyses.instruct_examples import derived
from analyses.intervals import arms
from analyses.study import Made, Row, Study
from tinyinterp.evaluation.instructions import follow_instructions, read_examples
from tinyinterp.text.stories import read_stories
from tinyinterp.views import style

EXAMPLES = 100
WIDTHS = (128, 256, 512)


def measure(inputs: Inputs) -> Made:
    """Let each model write to the same instructions."""
    valid = inputs.valid
    if valid is None:
        raise ValueError("no text was given to measure on")
    rows: list[Row] = []
    for name in inputs.models:
        width = int(name.split("-")[0])
        found = inputs.once("instruct", name, valid, lambda name=name: _follow(inputs, name, valid))
        beside = {"width": width, "published_score": published.INSTRUCT[width]}
        rows += [row | beside for row in found]
    notes = {"published_source": published.INSTRUCT_SOURCE}
    return Made(rows, "95 %, over examples; one seed", draw(rows), notes)


def _follow(inputs: Inputs, name: str, valid: Path) -> list[Row]:
    count = inputs.limit or sys.maxsize
    stories = islice(read_stories(valid), 2 * count)  # some instructions ask for nothing
    examples = read_examples(derived(stories), inputs.limit)
    found = follow_instructions(inputs.open(name), examples, name=name)
    return [dict(row) for row in found.measures if row["examples"]]


def draw(rows: list[Row]) -> Figure:
    """A panel a measure: following by width, beside other instructions and the data's stories."""
    measures = list(dict.fromkeys(row["measure"] for row in rows))
    columns = {"value": "its own instruction", "shuffled": "another one", "original": "the data"}
    with style.settings():
        size = (2.8 * len(measures) + 1, 3.2)
        figure = Figure(figsize=size, facecolor="white", layout="constrained")
        panels = figure.subplots(1, len(measures), sharey=True, squeeze=False)[0]
        for axes, measure_name in zip(panels, measures, strict=True):
            mine = [row for row in rows if row["measure"] == measure_name]
            at = [WIDTHS.index(row["width"]) for row in mine]
            for colour, (column, label) in zip(style.LINE_COLOURS, columns.items(), strict=False):
                low, high = (
                    ("low", "high") if column == "value" else (f"{column}_low", f"{column}_high")
                )
                bars = arms(mine, column, low, high)
                axes.errorbar(
                    at,
                    [row[column] for row in mine],
                    bars,
                    fmt="o",
                    color=colour,
                    capsize=3,
                    label=label,
                )
            axes.set_xticks(range(len(WIDTHS)), list(map(str, WIDTHS)))
            axes.set(xlabel="width", title=measure_name.replace("_", " "), ylim=(0, 1.02))
            axes.spines[["top", "right"]].set_visible(False)
        panels[0].set_ylabel("share kept")
        handles = panels[0].get_legend_handles_labels()
        figure.legend(*handles, loc="outside lower center", ncols=3, frameon=False, fontsize=7)
        figure.suptitle("Instructions followed, one seed each; 95 % over examples")
    return figure


STUDY = Study(
    "instruct", "instructions followed, by width", measure,
    models=tuple(f"{width}-8-4-instruct" for width in WIDTHS), least=1,
    texts=("valid",), limit=EXAMPLES,
)  # fmt: skip

if __name__ == "__main__":
    STUDY.main()
