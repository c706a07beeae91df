from __future__ import annotations

from itertools import islice
from pathlib import Path

import pytest
from models import tiny_checkpoint

from tinyinterp.errors import CorpusError
from tinyinterp.evaluation import instructions as module
from tinyinterp.evaluation.instructions import check_story, follow_instructions, read_examples
from tinyinterp.model import load
from tinyinterp.network.sampling import Sampling
from tinyinterp.text.instruct import Instruction, prompt
from train.data.examples import examples


def test_true_stories_follow_their_instructions():
    for asked, story in read_examples(islice(examples(3), 40)):
        found = {value for value in check_story(asked, story).values() if value is not None}
        assert found <= {1.0}


def test_each_measure_is_what_it_says():
    asked = Instruction(
        words=("shout", "ice cream", "oak"),
        features=("Dialogue", "Twist"),
        summary="A girl climbs a tree.",
        sentence="It was “cold” and dark.",
    )
    story = 'The girl shouted. It was "cold" and\ndark. She ate ice creams and saw trees.'
    assert check_story(asked, story) == {
        "words": pytest.approx(2 / 3),
        "dialogue": 1.0,  # a word between quotation marks, whoever says it
        "sentence": 1.0,
        "summary_overlap": pytest.approx(2 / 3),  # girl and tree, not climbs
    }
    silent = check_story(asked, 'Ice was there. Then cream came. He said "…".')
    assert (silent["words"], silent["dialogue"], silent["sentence"]) == (0.0, 0.0, 0.0)
    assert set(check_story(Instruction(features=("Twist",)), story).values()) == {None}


def test_a_model_that_obeys_stands_out_from_its_shuffled_stories(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    model = load(tiny_checkpoint(tmp_path / "model").folder)
    asked = read_examples(islice(examples(5), 60))
    stories = {prompt(each): story for each, story in asked}

    def obeyed(_model: object, prompts: list[str], *_rest: object, **_more: object):
        return [[stories[each]] for each in prompts]

    monkeypatch.setattr(module, "complete", obeyed)
    found = follow_instructions(model, asked, Sampling(seed=1))
    for row in found.measures:
        assert row["value"] == row["original"] == row["low"] == row["high"] == 1
        assert 0 <= row["shuffled_low"] <= row["shuffled"] <= row["shuffled_high"] <= 1
    assert found.measures.row(measure="words")["shuffled_high"] < 0.5
    assert len(found.examples) == len(asked)
    assert "Twist" in found.measures.notes["cannot_be_checked"]
    assert "Dialogue" not in found.measures.notes["cannot_be_checked"]


def test_every_example_gets_the_story_of_another():
    for n in (2, 3, 17):
        others = module._others(n, 0)
        assert sorted(others) == list(range(n))
        assert all(place != other for place, other in enumerate(others))


def test_examples_that_ask_for_nothing_are_refused():
    with pytest.raises(CorpusError, match="1 examples ask for anything"):
        read_examples(["Story:\nOne.", "Words: oak\nStory:\nAn oak."])
