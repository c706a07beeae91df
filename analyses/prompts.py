"""Prompts answered by the report's sizes, and their completions side by side.

python -m analyses.prompts [--runs runs/studies]

In place of the report's Tables 2 to 4, with the prompts of the package: whether a right
continuation is the most probable can be checked, a completion can only be read.
"""

from __future__ import annotations

from analyses.inputs import Inputs
from analyses.study import Made, Row, Study
from analyses.train_models import SIZES
from tinyinterp.evaluation.prompt_sets import bundled_prompts
from tinyinterp.evaluation.prompts import answer_prompts
from tinyinterp.io.table import Table
from tinyinterp.views.prompt_answers import draw_accuracy, write_page


def measure(inputs: Inputs) -> Made:
    """Let each model answer and complete every prompt."""
    file = bundled_prompts()
    answers = [
        inputs.once("prompts", name, file, lambda name=name: _answer(inputs, name))
        for name in inputs.models
    ]
    prompts, accuracy = (
        Table(name, [row for found in answers for row in found[name]])
        for name in ("prompts", "prompt_accuracy")
    )
    notes = {"interval": "Wilson's, 95 %, over prompts; one seed", "prompts": file.name}
    picture = draw_accuracy(accuracy, "Prompts answered, by size; one seed each")
    return Made(list(accuracy), picture, notes, page=write_page(prompts, accuracy))


def _answer(inputs: Inputs, name: str) -> dict[str, list[Row]]:
    found = answer_prompts(inputs.open(name), name=name)
    return {table.name: [dict(row) for row in table] for table in (found.prompts, found.accuracy)}


STUDY = Study(
    "prompts", "prompts answered, by size", measure,
    models=SIZES, least=1, assets=(bundled_prompts(),), page=True,
)  # fmt: skip

if __name__ == "__main__":
    STUDY.main()
