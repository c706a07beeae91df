from __future__ import annotations

import math
from pathlib import Path

import pytest
from models import STORIES
from rouge_score.rouge_scorer import RougeScorer

from tinyinterp.evaluation.measure_rouge import measure_rouge
from tinyinterp.evaluation.openings import ORIGINAL, Completion, openings
from tinyinterp.evaluation.rouge import Rouge
from tinyinterp.views import style
from tinyinterp.views.rouge_plot import draw_rouge
from tinyinterp.views.story_measures import cell, measure_blocks

ENDINGS = [
    " named Tim. Tim liked to sing and play in the park.",
    " red ball. “I want the ball!” she said. She ran and ran and ran and ran and ran and ran.",
    " was happy. Tim liked to sing and play in the sun.",
]
TRAIN = ["A dog liked to sing and play in the park.", *STORIES[:2], "The end."]


def completions(model: str = "small", share: str = "0.4") -> list[Completion]:
    return [
        Completion(model, share, number, opening.prompt, ending, opening.rest)
        for number, (opening, ending) in enumerate(
            zip(openings(STORIES, share), ENDINGS, strict=True)
        )
    ]


def rouge2(target: str, prediction: str) -> Rouge:
    return Rouge(*RougeScorer(["rouge2"], use_stemmer=True).score(target, prediction)["rouge2"])


def test_each_column_is_what_it_says():
    given = completions()
    means, table = measure_rouge(given, train=lambda: TRAIN)
    for number, each in enumerate(given):
        row = table.row(model="small", story=number)
        others = [other for other in given if other is not each]
        original = rouge2(STORIES[number], each.text)
        rest = rouge2(each.rest, each.continuation)
        expected = {
            "original_precision": original.precision,
            "original_recall": original.recall,
            "original_f": original.f,
            "continuation_precision": rest.precision,
            "continuation_recall": rest.recall,
            "continuation_f": rest.f,
            "chance_precision": rouge2(given[number - 1].rest, each.continuation).precision,
            "self_f": max(rouge2(other.text, each.text).f for other in others),
            "self_continuation_f": max(
                rouge2(other.continuation, each.continuation).f for other in others
            ),
            "train_f": max(rouge2(story, each.text).f for story in TRAIN),
            "train_continuation_f": max(rouge2(story, each.continuation).f for story in TRAIN),
        }
        assert {name: row[name] for name in expected} == pytest.approx(expected, rel=1e-5)
    assert table.row(model="small", story=0)["self_story"] == 2
    assert table["train_is_original"][:3] == [True, True, False]
    assert table["train_story"][:2] == [1, 2]
    assert table.row(model="small", story=1)["repeated_4grams"] > 0.3
    assert table.row(model="small", story=0)["repeated_4grams"] == 0
    row = means.row(model="small", measure="original_precision")
    values = table["original_precision"][:3]
    assert row["value"] == pytest.approx(sum(values) / 3, rel=1e-5)
    assert row["low"] <= row["value"] <= row["high"]
    assert row["stories"] == 3


def test_the_original_stories_stand_beside_the_models():
    _, table = measure_rouge([*completions(), *completions("large")])
    assert [row["model"] for row in table] == ["small"] * 3 + ["large"] * 3 + [ORIGINAL] * 3
    row = table.row(model=ORIGINAL, story=0)
    assert math.isnan(row["original_precision"])
    others = [rouge2(story, STORIES[0]).f for story in STORIES[1:]]
    assert row["self_f"] == pytest.approx(max(others), rel=1e-5)
    assert math.isnan(row["train_f"])
    assert row["train_is_original"] is None


def test_models_and_shares_are_apart():
    shares = [*completions(), *completions(share="third")]
    means, table = measure_rouge(shares)
    alone = measure_rouge(completions(share="third"))
    assert [r for r in means if r["share"] == "third"] == list(alone[0])
    assert [r for r in table if r["share"] == "third"] == list(alone[1])


def test_one_completion_has_no_other():
    means, table = measure_rouge(completions()[:1])
    assert math.isnan(table["self_f"][0])
    assert table["self_story"][0] is None
    row = means.row(model="small", measure="original_f")
    assert (row["low"], row["high"]) == (-math.inf, math.inf)


def test_the_histograms_are_the_same_bytes_and_show_the_means(tmp_path: Path):
    means, table = measure_rouge(completions(), train=lambda: TRAIN)
    figure = draw_rouge(table, means, "ROUGE-2, small")
    panels = figure.get_axes()
    assert len(panels) == 4 * 2
    counts = [sum(bar.get_height() for bar in axes.patches[:50]) for axes in panels]
    assert counts == [3, 3, 3, 3, 0, 0, 3, 3]
    mean = means.row(model="small", measure="original_precision")["value"]
    assert panels[0].lines[0].get_xdata()[0] == pytest.approx(mean)
    paths = [tmp_path / "one.png", tmp_path / "two.png"]
    for path in paths:
        style.save(draw_rouge(table, means, "ROUGE-2, small"), path)
    assert paths[0].read_bytes() == paths[1].read_bytes()


def test_models_stand_side_by_side_three_at_a_time():
    given = [each for name in "abcd" for each in completions(f"a-model-with-a-long-name-{name}")]
    means, _ = measure_rouge(given)
    blocks = measure_blocks(list(means), {"self_f": "self", "train_f": "training"})
    assert [len(header) for header, _ in blocks] == [4, 3]
    assert [[row[0] for row in rows] for _, rows in blocks] == [["self"], ["self"]]
    assert blocks[1][0] == ["prompt: 0.4", "…-with-a-long-name-d", ORIGINAL]
    assert cell({"value": 131.25, "low": 120.0, "high": math.inf}) == "131.2"
    assert cell(None) == "–"
