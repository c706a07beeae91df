from __future__ import annotations

from itertools import islice

import pytest

from tinyinterp.errors import OutputError
from tinyinterp.text.instruct import FEATURES, parse
from tinyinterp.text.stories import read_stories
from train.data.examples import DEEDS, QUALITIES, THINGS, examples, write_examples
from train.data.shuffling import split_sentences

EXAMPLES = list(islice(examples(seed=3), 400))
SIGNS = {  # what stands in a story that has the feature, and in no other
    "BadEnding": "cried",
    "Conflict": "angry",
    "Dialogue": "“",
    "Foreshadowing": "dark cloud",
    "MoralValue": "good to share",
    "Twist": "little robot",
}


def test_examples_are_different_and_depend_on_the_seed_alone():
    assert len(set(EXAMPLES)) == 400
    assert list(islice(examples(seed=3), 400)) == EXAMPLES
    assert not set(islice(examples(seed=4), 400)) & set(EXAMPLES)


def test_what_an_example_asks_for_is_true_of_its_story():
    assert set(SIGNS) == set(FEATURES)
    for example in EXAMPLES:
        asked, story = parse(example)
        assert all(word in story for word in asked.words)
        assert all(SIGNS[feature] in story for feature in asked.features)
        assert len(set(asked.features)) == len(asked.features)
        if asked.sentence is not None:
            assert asked.sentence in split_sentences(story)[0]
        if asked.summary is not None:
            assert asked.summary.split()[0] == story.split()[2]  # the name
            assert ("loses" in asked.summary) == ("cried" in story)


def test_every_word_is_a_thing_a_quality_and_a_deed():
    for example in EXAMPLES:
        words = set(parse(example)[0].words)
        if words:
            assert [len(words & set(kind)) for kind in (THINGS, QUALITIES, DEEDS)] == [1, 1, 1]


def test_fields_vary_in_number_order_and_kind():
    heads = {
        tuple(line.partition(":")[0] for line in example.partition("Story:")[0].splitlines())
        for example in EXAMPLES
    }
    assert {len(head) for head in heads} == {1, 2, 3, 4}
    assert {field for head in heads for field in head} == {
        "Words",
        "Features",
        "Summary",
        "Random sentence",
    }
    assert ("Words", "Summary") in heads
    assert ("Summary", "Words") in heads
    features = [feature for example in EXAMPLES for feature in parse(example)[0].features]
    assert set(features) == set(FEATURES)


def test_the_file_is_read_back_as_stories(tmp_path):
    write_examples(7, 3, tmp_path / "a.txt")
    assert list(read_stories(tmp_path / "a.txt")) == EXAMPLES[:7]
    (tmp_path / "b.txt").mkdir()
    with pytest.raises(OutputError, match="is a folder"):
        write_examples(7, 3, tmp_path / "b.txt")
