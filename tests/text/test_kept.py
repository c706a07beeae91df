from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from models import tiny_tokenizer

from tinyinterp.text import kept
from tinyinterp.text.corpus import Corpus
from tinyinterp.text.sequences import Side
from tinyinterp.text.tokenizer import Tokenizer

N_STORIES = 211


@pytest.fixture
def encoded(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Every story that a tokenizer is given, in order."""
    given: list[str] = []
    encode_batch = Tokenizer.encode_batch

    def counted(self, texts):
        given.extend(texts)
        return encode_batch(self, texts)

    monkeypatch.setattr(Tokenizer, "encode_batch", counted)
    return given


def stories(n=N_STORIES):
    random = np.random.default_rng(0)
    words = ("dog", "cat", "ball", "sun", "Tim", "ran")
    return [f"{i} " + " ".join(random.choice(words, size=1 + i % 7)) for i in range(n)]


def corpus(texts, **others):
    return Corpus("text", lambda: iter(texts), tiny_tokenizer(), 31, **others)


def read(text, side=None):
    return [(s.number, s.start, s.tokens.tolist(), s.story) for s in text.sequences(side)]


def test_a_text_that_is_read_often_is_tokenised_once(encoded):
    texts = stories()
    text = corpus(texts)
    first = read(text)
    text.survey()
    list(text.micro_batches(Side.TEST))
    shorter = replace(text, max_tokens=100)
    assert read(shorter) == first[: len(read(shorter))]
    assert read(text) == first
    assert encoded == texts
    assert read(corpus(texts)) == first
    assert len(encoded) == 2 * N_STORIES  # a corpus of its own


def test_a_text_that_is_read_in_part_is_hardly_tokenised_beyond_it(encoded):
    short = corpus(stories(), max_tokens=100)
    assert len({number for number, *_ in read(short)}) < 20
    assert len(encoded) == kept.STORIES_ENCODED
    whole = replace(short, max_tokens=None)
    assert len({number for number, *_ in read(whole)}) == N_STORIES
    assert encoded == stories()


def test_beyond_the_bound_stories_are_tokenised_in_every_pass(encoded, monkeypatch):
    monkeypatch.setattr(kept, "KEPT_TOKENS", 1)  # reached by the first batch
    texts = stories()
    text = corpus(texts)
    assert read(text) == read(text)
    assert encoded == texts + texts[kept.STORIES_ENCODED :]


def test_passes_that_run_at_the_same_time_do_not_disturb_each_other(encoded):
    texts = stories()
    text = corpus(texts)
    expected = read(corpus(texts))
    encoded.clear()
    slow = text.sequences()
    begun = [next(slow) for _ in range(3)]
    assert read(text) == expected
    rest = [*begun, *slow]
    assert [(s.number, s.start, s.tokens.tolist(), s.story) for s in rest] == expected
    assert encoded == texts


def test_another_context_or_tokenizer_is_another_text():
    text = corpus(stories(7))
    longest = max(len(s.tokens) for s in text.sequences())
    cut = replace(text, n_ctx=3)
    assert longest > max(len(s.tokens) for s in cut.sequences()) == 3
    assert max(len(s.tokens) for s in text.sequences()) == longest
    other = replace(text, stories=lambda: iter(["One."]))
    assert [s.story for s in other.sequences()] == ["One."]
    assert other.survey().digest != text.survey().digest
    assert cut.survey().digest == text.survey().digest
