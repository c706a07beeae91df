from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tinyinterp.errors import ConfigError, CorpusError
from tinyinterp.text.instruct import Instruction, instruction, parse, prompt, prompt_length

STORY = "One day, Sara sat in the oak.\n\nIt was cold and dark. She went home."
WHOLE = Instruction(
    ("quit", "oak", "gloomy"),
    ("Dialogue", "BadEnding"),
    "Sara climbs a tree: it is cold.",
    "It was cold and dark.",
)
FIELDS = (
    "Words: quit, oak, gloomy",
    "Features: Dialogue, BadEnding",
    "Summary: Sara climbs a tree: it is cold.",
    "Random sentence: It was cold and dark.",
)


def test_the_prompt_has_a_field_a_line_and_ends_before_the_story():
    assert prompt(WHOLE) == "\n".join([*FIELDS, "Story:\n"])
    assert prompt(Instruction()) == "Story:\n"
    assert prompt(Instruction(words=("oak",))) == "Words: oak\nStory:\n"


@given(st.permutations(FIELDS), st.sampled_from(["Story:\n", "Story: \n\n", "Story: ", " STORY:"]))
def test_fields_come_in_any_order(fields, marker):
    text = "\n".join([*fields, marker]) + STORY + "\n"
    assert parse(text) == (WHOLE, STORY)
    assert text[prompt_length(text) :].strip() == STORY
    assert text[prompt_length(text)] == "O"


WORD = st.text(alphabet="abcÉ’-", min_size=1)
LINE = st.text(alphabet="aB:,. “é”🐢\t\n", min_size=1).map(lambda t: " ".join(t.split()) or None)


@given(st.lists(WORD), st.lists(WORD), st.none() | LINE, st.none() | LINE)
def test_what_is_written_is_read_back(words, features, summary, sentence):
    asked = Instruction(tuple(words), tuple(features), summary, sentence)
    text = prompt(asked) + STORY
    assert parse(text) == (asked, STORY)
    assert prompt_length(text) == len(prompt(asked))


def test_fields_may_be_missing_empty_twice_or_longer_than_a_line():
    features = "Words:\nFeatures: Twist,, Dialogue ,\n"
    text = f"\nSummary: A dog\n  ran\n\nfar.\n{features}Summary:\nIt ran.\nStory:\nA"
    assert parse(text) == (Instruction(features=("Twist", "Dialogue"), summary="It ran."), "A")
    longer = text.replace("Summary:\nIt ran.\n", "")
    assert parse(longer)[0].summary == "A dog ran far."


def test_fields_after_the_story_began_belong_to_it():
    story = "Mom read.\nWords: oak\nStory: the end"
    assert parse("Words: Mom\nStory:\n" + story) == (Instruction(words=("Mom",)), story)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (
            "One day, Tim ran. Story: no",
            "no line 'Story:'; it begins 'One day, Tim ran. Story: no'",
        ),
        ("Words: a\n" * 40, "it begins 'Words: a.*…'"),
        ("Words: a\nStory: \n ", "no story after 'Story:'"),
        ("She ran.\nWords: a\nStory: b", "begins 'She ran.'; expected one of the fields"),
    ],
)
def test_what_is_no_example_is_refused(text, message):
    with pytest.raises(CorpusError, match=message):
        parse(text)


def test_a_plain_story_has_no_prompt():
    assert prompt_length(STORY) is None


def test_fields_of_the_command_line_are_tidied():
    asked = instruction(words=" oak,quit ,, a  b", summary="Tim\nran. ", features="")
    assert asked == Instruction(words=("oak", "quit", "a b"), summary="Tim ran.")


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"words": ("a, b",)}, "words hold 'a, b'"),
        ({"features": ("",)}, "features hold ''"),
        ({"summary": "a\nb"}, "one line"),
        ({"sentence": ""}, "sentence is ''"),
    ],
)
def test_what_would_not_be_read_back_is_refused(fields, message):
    with pytest.raises(ConfigError, match=message):
        Instruction(**fields)
