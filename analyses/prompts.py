"""Prompts answered by the report's sizes, and their completions side by side.

python -m analyses.prompts [--runs runs/studies]

In place of the report's Tables 2 to 4, with the prompts of the package: whether a right
continuation is the most probable can be checked, a completion can only be read. As there, the
models of contrastive training stand beside the sizes.
"""

from __future__ import annotations

from matplotlib.figure import Figure

from analyses.inputs import Inputs
from analyses.intervals import arms
from analyses.study import Made, Row, Study
from analyses.train_models import SIZES
from tinyinterp.evaluation.prompt_sets import bundled_prompts
from tinyinterp.evaluation.prompts import answer_prompts
from tinyinterp.io.table import Table
from tinyinterp.views import style
from tinyinterp.views.prompt_answers import write_page

CONTRASTIVE = tuple(f"{width}-8-4-contrastive-{a}" for width in (256, 512) for a in ("5", "0.3"))


def measure(inputs: Inputs) -> Made:
    """Let each model answer and complete every prompt."""
    found = [answers(inputs, name) for name in inputs.models]
    prompts, accuracy = (
        Table(name, [row for each in found for row in each[name]])
        for name in ("prompts", "prompt_accuracy")
    )
    rows, notes = list(accuracy), {"prompts": bundled_prompts().name}
    interval = "Wilson's, 95 %, over prompts; one seed"
    return Made(rows, interval, draw(rows), notes, page=write_page(prompts, accuracy))


def answers(inputs: Inputs, name: str) -> dict[str, list[Row]]:
    """What a model answers: a row a prompt, and a row a category."""
    return inputs.once("prompts", name, bundled_prompts(), lambda: _answer(inputs, name))


def _answer(inputs: Inputs, name: str) -> dict[str, list[Row]]:
    found = answer_prompts(inputs.open(name), name=name)
    return {table.name: [dict(row) for row in table] for table in (found.prompts, found.accuracy)}


def draw(rows: list[Row]) -> Figure:
    """A panel a category: a point a model, and a line at chance."""
    categories = list(dict.fromkeys(row["category"] for row in rows))
    with style.settings():
        figure = Figure(figsize=(9, 3.6), facecolor="white", layout="constrained")
        panels = figure.subplots(1, len(categories), sharey=True, squeeze=False)[0]
        for axes, category in zip(panels, categories, strict=True):
            mine = [row for row in rows if row["category"] == category]
            values, bars = [row["accuracy"] for row in mine], arms(mine, "accuracy", "low", "high")
            colour = style.LINE_COLOURS[0]
            axes.errorbar(range(len(mine)), values, bars, fmt="o", color=colour, capsize=2)
            axes.axhline(mine[0]["chance"], color=style.FAINT, linestyle="--", linewidth=0.8)
            names = [row["model"] for row in mine]
            axes.set_xticks(range(len(mine)), names, rotation=90, fontsize=6.5)
            axes.set_title(f"{category} ({mine[0]['prompts']})", fontsize=8)
            axes.set(ylim=(0, 1))
            axes.spines[["top", "right"]].set_visible(False)
        panels[0].set_ylabel("share answered")
        figure.suptitle("Prompts answered, one seed each; 95 % over prompts; dashed: chance")
    return figure


STUDY = Study(
    "prompts", "prompts answered, by size", measure,
    models=(*SIZES, *CONTRASTIVE), least=1, assets=(bundled_prompts(),), page=True,
)  # fmt: skip

if __name__ == "__main__":
    STUDY.main()
