from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from models import STORIES, tiny_checkpoint, tiny_tokenizer

from tinyinterp.errors import CorpusError, SelectionError
from tinyinterp.evaluation.openings import (
    INSTRUCTION,
    Completion,
    choose_stories,
    cut,
    openings,
    parse_share,
    read_completions,
    write_completions,
)
from tinyinterp.model import load


@given(st.text(min_size=1).filter(str.strip), st.sampled_from(["0.4", "third", "2/5", "0.01"]))
def test_prompt_and_rest_are_the_story(story: str, share: str):
    prompt, rest = cut(story, parse_share(share))
    assert prompt + rest == story
    words = story.split()
    n = len(words) // 3 if share == "third" else int(len(words) * Fraction(parse_share(share)))
    assert prompt.split() == words[: max(1, n)]
    assert not rest or rest[0].isspace()


def test_shares_are_exact():
    story = " ".join("abcdefghij")
    assert cut(story, parse_share("0.7"))[0] == "a b c d e f g"  # .7 of 10 is 6.999… in floats
    assert parse_share("third") == Fraction(1, 3)
    for wrong in ("0", "1", "1.5", "-0.4", "much", "1/0", "nan", ""):
        with pytest.raises(SelectionError, match="between 0 and 1"):
            parse_share(wrong)


def test_an_instruction_is_the_whole_prompt():
    found = openings(["Words: oak, red\nStory:\nThe oak was red.", STORIES[0]], "third")
    assert found[0].share == INSTRUCTION
    assert found[0].prompt == "Words: oak, red\nStory:\n"
    assert found[0].rest == "The oak was red."
    assert found[1].share == "third"
    assert found[1].prompt == "Once upon a time there was"


def test_stories_fit_into_the_context_of_every_model(tmp_path: Path):
    stories = ["Too short.", STORIES[0], f"{STORIES[0]} {STORIES[1]}", STORIES[1], STORIES[2]]
    lengths = [1 + len(tiny_tokenizer().encode(story).ids) for story in stories]
    room = sorted(lengths)[2]
    fit = [n for n in (1, 2, 3, 4) if lengths[n] <= room]
    assert len(fit) == 2
    models = [
        load(tiny_checkpoint(tmp_path / name, n_ctx=n_ctx).folder)
        for name, n_ctx in (("wide", 499), ("narrow", room))
    ]
    numbers, chosen, passed = choose_stories(models, [iter(stories), iter(stories)], 9)
    assert numbers == fit
    assert chosen == [[stories[n] for n in fit]] * 2
    assert passed == len(stories) - len(fit)
    assert choose_stories(models[:1], [iter(stories)], 2)[0] == [1, 2]
    with pytest.raises(CorpusError, match="12 words or more"):
        choose_stories(models, [iter(stories[:1])] * 2, 3)


def test_completions_are_read_as_they_were_written(tmp_path: Path):
    path = tmp_path / "completions.jsonl"
    written = [Completion("a model", "0.4", 7, "One “day”\u2028", " a\ncat\x85.", " a dog.")]
    write_completions(path, written)
    assert read_completions(path) == written
    for wrong in ("{}", "[1]", "not JSON", '{"model": 1}', '"text"'):
        path.write_text(wrong)
        with pytest.raises(CorpusError, match="is not a file of completions"):
            read_completions(path)
    path.write_text("\n")
    with pytest.raises(CorpusError, match="holds no completion"):
        read_completions(path)
    with pytest.raises(CorpusError, match="cannot read"):
        read_completions(tmp_path / "none.jsonl")
