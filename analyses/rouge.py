"""ROUGE-2 of completions with their originals, each other and the training set, by size.

python -m analyses.rouge --text FILE --valid FILE [--runs runs/studies]

As Figures 5 to 18 of the report: greedy completions of 100 stories, from the first 40 % of the
words, as its text says, and from a third, as its code does. ``published_original`` and
``published_other`` are the report's means of ROUGE-2 with the original and of the largest with
another generation; they stand beside what was measured in the same way from a third.
"""

from __future__ import annotations

from analyses import published
from analyses.completed import STORIES, completions
from analyses.inputs import Inputs
from analyses.study import Made, Row, Study
from tinyinterp.evaluation.measure_rouge import measure_rouge
from tinyinterp.text.stories import read_stories
from tinyinterp.views.rouge_plot import draw_rouge

MODELS = {  # what the report calls them, heads left out
    "128-8-4": "128-8",
    "128-12-4": "128-12",
    "256-8-4": "256-8",
    "256-12-4": "256-12",
    "512-8-4": "512-8",
    "512-12-4": "512-12",
}


def measure(inputs: Inputs) -> Made:
    """Complete the beginnings of the same stories with each model, and compare."""
    text, valid = inputs.text, inputs.valid
    if text is None or valid is None:
        raise ValueError("no texts were given to measure on")
    done = [each for name in inputs.models for each in completions(inputs, name)]
    means, of_stories = measure_rouge(done, train=lambda: read_stories(text), seed=STUDY.seed)
    known = {theirs.name: theirs for theirs in published.ROUGE}
    rows: list[Row] = []
    for row in means:
        theirs = known.get(MODELS.get(row["model"], ""))
        is_theirs = theirs is not None and row["share"] == "third"
        beside = {"original_precision": "original", "self_f": "other"}.get(row["measure"])
        value = getattr(theirs, beside) if is_theirs and beside else None
        rows.append({**row, "published": value})
    notes = means.notes | {"published_source": published.ROUGE_SOURCE, "temperature": 0.0}
    picture = draw_rouge(of_stories, means, "ROUGE-2 by size, one seed each")
    return Made(rows, "95 %, over stories; one seed", picture, notes)


STUDY = Study(
    "rouge", "ROUGE-2 of completions, by size", measure,
    models=tuple(MODELS), least=1, texts=("text", "valid"), limit=STORIES,
)  # fmt: skip

if __name__ == "__main__":
    STUDY.main()
