"""What carries no letters is mended; everything else stays."""

from __future__ import annotations

from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tinyinterp.text.cleaning import clean
from tinyinterp.text.source import bundled_stories, open_stories
from tinyinterp.text.stories import read_list, read_stories


@pytest.mark.parametrize(
    ("given", "right"),
    [
        ("He didn\x92t say \x93no\x94 \x97 yet\x85", "He didn’t say “no” — yet…"),
        ("He waited\x85", "He waited…"),
        ("a rain\xadbow", "a rainbow"),
        ("\ufeffOnce\u200b upon\ufeff a\u2060 time", "Once upon a time"),
        ("a\u200cb\u200dc", "abc"),
        ("\u200eHello\u202c", "Hello"),
        ("It was \x0bfun\x7f\x1a", "It was \x0bfun"),
        ("One.\u2028Two.\r\r\nThree.\rFour.", "One.\nTwo.\nThree.\nFour."),
        ("\ud83d\udc22 \udc22", "🐢 \ufffd"),
        ("didnâ\x80\x99t", "didn’t"),
        ("ï»¿Once", "Once"),
        ("Noâ€\x9d \x9dyes", "No” yes"),
    ],
)
def test_what_carries_no_letters_is_mended(given, right):
    assert clean(given) == right
    assert clean(right) == right


@pytest.mark.parametrize("right", ["👩\u200d👧", "می\u200cخواهم", "café\xa0!", "naïve ‘ok’ — …\t"])
def test_what_carries_meaning_stays(right):
    assert clean(right) == right


@given(st.text("aZ â€Ã©Â\x80\x85\x92\x9d\xad\u200b\ufeff\r\n\ud83d\udc22ï»¿”"))
def test_what_was_mended_needs_no_mending(text):
    once = clean(text)
    assert not any(character in once for character in "\x80\x85\x92\xad\ufeff\r\ud83d")
    assert "\0" not in once


@given(
    st.text(st.characters(exclude_categories=["Cc", "Cf", "Cs", "Zl", "Zp"]).filter(str.isascii))
)
def test_plain_text_stays(text):
    assert clean(text) == text


def test_what_was_mended_is_counted_and_said_once(capsys):
    mended: Counter[str] = Counter()
    clean("didn\x92t \x93a\x94", mended)
    clean("rain\xadbow \u200b \ufeff â€œaâ€\x9d", mended)
    assert mended == {"control characters": 3, "invisible characters": 3, "mojibake": 1}
    stories = open_stories(["didn\x92t", "a\xadb", "\u200b", "plain"])
    assert list(stories.read()) == list(stories.read()) == ["didn’t", "ab", "plain"]
    said = capsys.readouterr().err
    assert said.count("mended 1 control character, 2 invisible characters") == 1


def test_nothing_of_the_bundled_stories_is_mended():
    kept = list(read_stories(bundled_stories(), mend=False))
    assert kept == list(read_stories(bundled_stories()))
    assert len(kept) == 1200


def test_without_mending_only_line_ends_and_white_space_go():
    assert list(read_list([" didn\x92t\r\n\xad "], mend=False)) == ["didn\x92t\n\xad"]
