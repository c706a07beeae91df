"""Marks between stories split them; typed in a sentence they are text."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tinyinterp.text.marks import split_at_marks, split_stream
from tinyinterp.text.stories import read_stories

MARKS = ["<|endoftext|>", "<|startoftext|>", "</s>", "<s>", "<eos>", "<EOS>", "<|end_of_text|>"]


def stories_of(text: str) -> list[str]:
    return [story.strip() for story in split_at_marks(text) if story.strip()]


@pytest.mark.parametrize("mark", MARKS)
@pytest.mark.parametrize("between", ["\n{}\n", "{}\n", "\n{}", " {} ", "{}"])
def test_every_mark_splits_stories_however_it_stands_between_them(tmp_path, mark, between):
    path = tmp_path / "stories"
    path.write_text(between.format(mark).join(["One day.", "“Two!”", "Three."]), "utf-8")
    assert list(read_stories(path)) == ["One day.", "“Two!”", "Three."]


def test_marks_before_and_after_each_story_split_once():
    assert stories_of("<s>One.</s>\n<s> Two.</s><s>Three</s>") == ["One.", "Two.", "Three"]
    text = "<|startoftext|>One<|endoftext|>\n<|startoftext|>Two<|endoftext|>"
    assert stories_of(text) == ["One", "Two"]


@pytest.mark.parametrize(
    "story",
    [
        "He typed <|endoftext|> twice.",
        'He typed "<|endoftext|>" twice.',
        "He typed `</s>` and (<eos>) and went home.",
        "The tag <s>old</s> is HTML.",
        "1 <s 2 </ s> 3",
    ],
)
def test_a_mark_within_a_sentence_is_text(story):
    assert stories_of(story) == [story]


@given(
    st.lists(
        st.sampled_from(["One. ", "a", "\n", " ", '"', *MARKS[:4], "word " * 150]), max_size=12
    ),
    st.integers(1, 700),
)
def test_a_stream_splits_where_the_whole_does(parts, size):
    text = "".join(parts)
    pieces = (text[start : start + size] for start in range(0, len(text), size))
    assert list(split_stream(pieces, "a text")) == split_at_marks(text)
