from __future__ import annotations

import math
from pathlib import Path

import pytest
from models import STORIES, tiny_checkpoint

from tinyinterp.evaluation.loss import measure_text_loss
from tinyinterp.evaluation.openings import ORIGINAL, Completion, openings
from tinyinterp.evaluation.proxies import (
    bits_per_byte,
    measure_proxies,
    names_kept,
    unclosed_quotations,
    unknown_words,
)
from tinyinterp.model import Model, load
from tinyinterp.tagging import TagReader

BEGINNING = "Once there was a girl named Lily. Lily had a friend named Tom."


@pytest.fixture(scope="module")
def reference(tmp_path_factory: pytest.TempPathFactory) -> Model:
    return load(tiny_checkpoint(tmp_path_factory.mktemp("reference") / "model").folder)


@pytest.fixture(scope="module")
def reader() -> TagReader:
    return TagReader()


def test_bits_of_prompt_and_continuation_are_those_of_the_story(reference: Model):
    story = STORIES[0]
    at = story.index(" named Tim")  # a token ends there
    bits = bits_per_byte(reference, story[:at], story[at:]) * len(story[at:])
    whole = measure_text_loss(reference.network, reference.tokenizer, [story])
    # The beginning alone, whose tokens are the same:
    before = measure_text_loss(reference.network, reference.tokenizer, [story[:at]])
    assert bits + before.bits_per_byte * at == pytest.approx(
        whole.bits_per_byte * len(story), rel=1e-5
    )
    assert bits_per_byte(reference, "", story) == pytest.approx(whole.bits_per_byte, rel=1e-6)
    assert math.isnan(bits_per_byte(reference, story, ""))


def test_a_token_across_the_end_of_a_prompt_is_scored_whole(reference: Model):
    story = STORIES[0]
    encoding = reference.tokenizer.encode(story)
    start, end = next((a, b) for a, b in encoding.offsets[3:] if b - a > 2)
    inside = bits_per_byte(reference, story[: start + 1], story[start + 1 :])
    assert inside == bits_per_byte(reference, story[:start], story[start:])
    assert inside != bits_per_byte(reference, story[:end], story[end:])


def test_words_that_no_story_has():
    read = []

    def train():
        for story in ("A dog ran.", "The cat's ball", "never needed"):
            read.append(story)
            yield story

    assert unknown_words({"dog", "cat", "zorp"}, train()) == {"zorp"}
    assert len(read) == 3
    read.clear()
    assert unknown_words({"dog", "cat"}, train()) == set()
    assert len(read) == 2


@pytest.mark.parametrize(
    ("continuation", "kept", "hero"),
    [
        (" Lily and Tom ran home.", 1, 1),
        (" Tom and Sara ran home.", 1 / 2, 0),
        (" They ran home.", math.nan, 0),
        (" lily ran home with Tom.", 1, 1),  # a word that is also written small is no name
    ],
)
def test_names_that_stay(continuation: str, kept: float, hero: float, reader: TagReader):
    assert names_kept(BEGINNING, continuation, reader) == pytest.approx((kept, hero), nan_ok=True)


def test_a_prompt_without_a_name_has_no_hero(reader: TagReader):
    found = names_kept("Once there was a dog.", " Tom ran.", reader)
    assert found == pytest.approx((math.nan, math.nan), nan_ok=True)


@pytest.mark.parametrize(
    ("text", "share"),
    [
        ('"Hi," she said. "Bye."', 0),
        ('"Hi," she said. "Bye.', 1 / 2),
        ('"Hi, she said.\n"Bye," he said.', 1 / 2),
        ("“Hi,” she said. “Bye.", 1 / 2),
        ("Bye.” “Hi.”", 0),
        ("No speech.", math.nan),
    ],
)
def test_quotations_that_never_end(text: str, share: float):
    assert unclosed_quotations(text) == pytest.approx(share, nan_ok=True)


def test_the_tables_have_models_and_original_stories(reference: Model):
    done = [
        Completion(model, "0.4", number, opening.prompt, ending, opening.rest)
        for model, ending in (("small", " Zorp ran and ran."), ("large", ' "The dog was red.'))
        for number, opening in enumerate(openings(STORIES, "0.4"))
    ]
    reported = []

    class Report:
        def advance(self, steps: float = 1) -> None:
            reported.append(steps)

    means, table = measure_proxies(done, reference, STORIES, report=Report())
    assert sum(reported) == len(table) == 9
    assert list(dict.fromkeys(table["model"])) == ["small", "large", ORIGINAL]
    assert means.row(model="small", measure="unknown_words")["value"] == 0.75  # zorp, ran
    assert means.row(model=ORIGINAL, measure="unknown_words")["value"] == 0
    assert means.row(model="large", measure="unclosed_quotations")["value"] == 1
    row = means.row(model="small", measure="bits_per_byte")
    assert row["stories"] == 3
    assert row["low"] <= row["value"] <= row["high"]
    assert means.notes["warnings"][0].startswith("these are proxies, not scores")


def test_an_empty_completion_has_nothing_to_measure(reference: Model):
    _, table = measure_proxies(
        [Completion("small", "0.4", 0, "Once", "", " upon a time")], reference, STORIES
    )
    row = table.row(model="small")
    for name in ("bits_per_byte", "unknown_words", "unclosed_quotations", "repeated_4grams"):
        assert math.isnan(row[name])


def test_the_same_command_gives_the_same_bytes(reference: Model, tmp_path: Path):
    done = [Completion("small", "0.4", 0, *STORIES)]
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
        for table in measure_proxies(done, reference, STORIES):
            table.write(tmp_path / name)
    for path in (tmp_path / "one").iterdir():
        assert path.read_bytes() == (tmp_path / "two" / path.name).read_bytes()
