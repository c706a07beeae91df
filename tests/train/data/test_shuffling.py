from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from runs import SIMPLE_STORIES

from train.data.shuffling import shuffle_sentences, split_sentences

STORY = (
    " Once there was Mr. Bear… He had a red ball!\n\n“May I play?” asked Lily. Mrs. Cat said, "
    "“No.” It was 3.5 feet wide!!\nThe End \n"
)
SENTENCES = [
    "Once there was Mr. Bear…",
    "He had a red ball!",
    "“May I play?” asked Lily.",
    "Mrs. Cat said, “No.”",
    "It was 3.5 feet wide!!",
    "The End",
]


def generator(seed: int = 0) -> np.random.Generator:
    return np.random.default_rng(seed)


def test_sentences_end_at_full_stops_and_closing_marks():
    sentences, gaps = split_sentences(STORY)
    assert sentences == SENTENCES
    assert gaps == [" ", " ", "\n\n", " ", " ", "\n", " \n"]


@pytest.mark.parametrize(
    ("text", "sentences"),
    [
        ('"Go!" he said. "Why?" It ran.', ['"Go!" he said.', '"Why?"', "It ran."]),
        (
            "Dr. Dog and Ms. Hen met. (They ran.) The end",
            ["Dr. Dog and Ms. Hen met.", "(They ran.)"],
        ),
        ("She had a palm. Then she left.", ["She had a palm.", "Then she left."]),
    ],
)
def test_what_ends_a_sentence_and_what_does_not(text, sentences):
    assert split_sentences(text)[0][: len(sentences)] == sentences


@pytest.mark.parametrize("text", ["", " \n", "One day", " One day, Tim ran. ", "“Yes!” she said."])
def test_fewer_than_two_sentences_stay(text):
    assert shuffle_sentences(text, generator()) == text


@given(st.integers(0, 10_000))
def test_the_order_is_another_and_white_space_stays(seed):
    shuffled = shuffle_sentences(STORY, generator(seed))
    assert shuffled != STORY
    for sentence in SENTENCES:
        assert shuffled.count(sentence) == 1
        shuffled = shuffled.replace(sentence, "S")
    assert shuffled == " S S\n\nS S S\nS \n"


@given(st.text(alphabet=st.sampled_from("aB.!?… \n\"”’'(éÉ🐢")), st.integers(0, 99))
def test_nothing_is_lost_and_nothing_added(text, seed):
    sentences, gaps = split_sentences(text)
    assert len(gaps) == len(sentences) + 1
    assert "".join(gap + s for gap, s in zip(gaps, [*sentences, ""], strict=True)) == text
    assert all(s == s.strip() != "" for s in sentences)
    assert sorted(shuffle_sentences(text, generator(seed))) == sorted(text)


@given(st.lists(st.sampled_from(SIMPLE_STORIES), min_size=1), st.integers(0, 99))
def test_the_sentences_are_the_same_ones(stories, seed):
    text = " ".join(stories)
    shuffled = shuffle_sentences(text, generator(seed))
    assert sorted(split_sentences(shuffled)[0]) == sorted(split_sentences(text)[0])
    assert shuffle_sentences(text, generator(seed)) == shuffled


def test_every_order_but_the_first_comes_about_equally_often():
    text, random = "One. Two. Three.", generator()
    counts = {}
    for _ in range(5_000):
        order = shuffle_sentences(text, random)
        counts[order] = counts.get(order, 0) + 1
    assert text not in counts
    assert len(counts) == 5
    assert all(abs(count - 1_000) < 140 for count in counts.values())  # 5 standard deviations
