from __future__ import annotations

from collections import Counter
from itertools import pairwise

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from models import STORIES, tiny_tokenizer

from tinyinterp.errors import CorpusError
from tinyinterp.text import corpus as corpora
from tinyinterp.text import source
from tinyinterp.text.corpus import Corpus, corpus_of, open_corpus
from tinyinterp.text.sequences import (
    MICRO_BATCH_SEQUENCES,
    MICRO_BATCH_TOKENS,
    N_BLOCKS,
    Side,
    side_and_block,
)

TOKENIZER = tiny_tokenizer()
END = TOKENIZER.end_of_text
WORDS = (
    "dog",
    "cat",
    "ball",
    "sun",
    "Tim",
    "Lily",
    "“park”",
    "ran",
    "saw",
    "Zoë",
    "🐢",
    "the",
    "a",
)


def many_stories(n, seed=0, longest=60):
    random = np.random.default_rng(seed)
    return [" ".join(random.choice(WORDS, size=random.integers(1, longest))) for _ in range(n)]


def test_a_story_is_a_sequence_that_starts_with_end_of_text():
    found = list(corpus_of(list(STORIES), TOKENIZER, 97).sequences())
    assert [sequence.story for sequence in found] == list(STORIES)
    assert [sequence.number for sequence in found] == [0, 1, 2]
    for sequence, story in zip(found, STORIES, strict=True):
        assert sequence.tokens[0] == END
        assert sequence.tokens[1:].tolist() == TOKENIZER.encode(story).ids
        assert sequence.offsets.shape == (len(sequence.tokens), 2)
        assert (sequence.side, sequence.block) == side_and_block(story)
        assert sequence.start == 0


def test_offsets_give_the_characters_back():
    for sequence in corpus_of(list(STORIES), TOKENIZER, 97).sequences():
        assert sequence.offsets[0].tolist() == [0, 0]
        for token, (start, end) in zip(sequence.tokens[1:], sequence.offsets[1:], strict=True):
            text = TOKENIZER.token_text(int(token))
            if not text.startswith("<0x"):
                assert sequence.story[start:end] == text


@given(n_ctx=st.integers(2, 31), seed=st.integers(0, 99))
def test_a_long_story_is_cut_without_loss(n_ctx, seed):
    [story] = many_stories(1, seed)
    pieces = list(corpus_of([story], TOKENIZER, n_ctx).sequences())
    encoding = TOKENIZER.encode(story)
    assert all(1 < len(piece.tokens) <= n_ctx for piece in pieces)
    assert all(len(piece.tokens) == n_ctx for piece in pieces[:-1])
    assert all(piece.tokens[0] == END for piece in pieces)
    assert [t for piece in pieces for t in piece.tokens[1:]] == encoding.ids
    assert [tuple(o) for piece in pieces for o in piece.offsets[1:]] == encoding.offsets
    assert [piece.start for piece in pieces] == list(range(0, len(encoding.ids), n_ctx - 1))
    assert len({(piece.number, piece.side, piece.block, piece.story) for piece in pieces}) == 1


@pytest.mark.parametrize("limit", [1, 40, 500, 10**6])
def test_reading_stops_after_the_story_in_which_the_limit_is_reached(limit):
    stories = many_stories(30)
    lengths = [len(TOKENIZER.encode(story).ids) for story in stories]
    corpus = Corpus("text", lambda: stories, TOKENIZER, 997, max_tokens=limit)
    read = [len(sequence.tokens) - 1 for sequence in corpus.sequences()]
    assert read == lengths[: len(read)]
    assert sum(read[:-1]) < limit
    assert sum(read) >= min(limit, sum(lengths))


def test_micro_batches_hold_every_sequence_once():
    corpus = corpus_of(many_stories(700), TOKENIZER, 61)
    batches = list(corpus.micro_batches())
    found = Counter((s.number, s.start) for batch in batches for s in batch.sequences)
    assert found == Counter((s.number, s.start) for s in corpus.sequences())
    assert set(found.values()) == {1}
    halves = [sum(len(b.sequences) for b in corpus.micro_batches(side)) for side in Side]
    assert sum(halves) == len(found)
    assert {s.side for b in corpus.micro_batches(Side.TEST) for s in b.sequences} == {Side.TEST}
    assert {s.side for s in corpus.sequences(Side.FIT)} == {Side.FIT}


def test_micro_batches_are_of_similar_length_and_keep_their_limits(monkeypatch):
    monkeypatch.setattr(corpora, "STORIES_AT_ONCE", 300)
    stories = many_stories(600, longest=40) + many_stories(1, seed=5, longest=1500) * 1
    corpus = corpus_of(stories, TOKENIZER, 3000)
    batches = list(corpus.micro_batches())
    for batch in batches:
        assert batch.tokens.shape == (len(batch.sequences), max(batch.lengths))
        assert batch.lengths == sorted(batch.lengths)
        assert len(batch.sequences) <= MICRO_BATCH_SEQUENCES
        assert batch.tokens.numel() <= MICRO_BATCH_TOKENS or len(batch.sequences) == 1
        for row, sequence in zip(batch.tokens, batch.sequences, strict=True):
            n = len(sequence.tokens)
            assert torch.equal(row[:n], torch.from_numpy(sequence.tokens))
            assert (row[n:] == END).all()
    chunks = Counter(max(s.number for s in batch.sequences) // 300 for batch in batches)
    assert len(chunks) == 3
    first = [batch for batch in batches if batch.sequences[0].number < 300]
    for after, before in pairwise(first):  # long ones first
        assert before.lengths[-1] <= after.lengths[0]
        wider = len(before.sequences) + 1
        assert wider > MICRO_BATCH_SEQUENCES or wider * after.lengths[0] > MICRO_BATCH_TOKENS
    assert any(len(batch.sequences) == MICRO_BATCH_SEQUENCES for batch in batches)


def test_micro_batches_are_the_same_every_time():
    corpus = corpus_of(many_stories(100), TOKENIZER, 61)
    for one, other in zip(corpus.micro_batches(), corpus.micro_batches(), strict=True):
        assert torch.equal(one.tokens, other.tokens)
        assert [s.number for s in one.sequences] == [s.number for s in other.sequences]


def test_side_and_block_are_decided_by_the_text_alone():
    stories = list(dict.fromkeys(many_stories(50)))
    there = {s.story: (s.side, s.block) for s in corpus_of(stories, TOKENIZER, 61).sequences()}
    back = corpus_of(stories[::-1], TOKENIZER, 13).sequences()
    assert {s.story: (s.side, s.block) for s in back} == there
    assert side_and_block(STORIES[0]) == (Side.FIT, 18)  # and stays so from version to version


def test_sides_and_blocks_are_roughly_even():
    pairs = [side_and_block(f"story {number}") for number in range(6400)]
    assert sum(side is Side.FIT for side, _ in pairs) == pytest.approx(3200, abs=160)
    for side in Side:  # and one says nothing about the other
        counts = Counter(block for found, block in pairs if found is side)
        assert set(counts) == set(range(N_BLOCKS))
        assert min(counts.values()) > 20
        assert max(counts.values()) < 85


def test_a_survey_counts_what_is_read():
    stories = many_stories(40)
    corpus = corpus_of(stories, TOKENIZER, 61)
    survey, sequences = corpus.survey(), list(corpus.sequences())
    assert survey.sequences == len(sequences)
    assert survey.tokens == sum(len(s.tokens) for s in sequences)
    assert survey.longest == max(len(s.tokens) for s in sequences)
    assert survey.two_sided
    assert survey.test_sequences == len(list(corpus.sequences(Side.TEST)))
    alone = corpus_of(stories[:1], TOKENIZER, 61).survey()
    assert (alone.two_sided, alone.test_sequences) == (False, alone.sequences)


def test_a_file_is_opened_and_its_mojibake_repaired(tmp_path):
    path = tmp_path / "some.txt"
    path.write_text("One.\n<|endoftext|>\nâ€œHi,â€\x9d she said.\n<|endoftext|>\n", "utf-8")
    corpus = open_corpus(TOKENIZER, 97, text=path, max_tokens=99)
    assert (corpus.name, corpus.n_ctx, corpus.max_tokens) == ("some.txt", 97, 99)
    assert [s.story for s in corpus.sequences()] == ["One.", "“Hi,” she said."]
    assert [s.story for s in corpus.sequences()] == ["One.", "“Hi,” she said."]  # once more


def test_without_a_file_the_bundled_stories_are_read(tmp_path, monkeypatch):
    path = tmp_path / "stories.txt"
    path.write_text("One.\n", "utf-8")
    monkeypatch.setattr(source, "bundled_stories", lambda: path)
    corpus = open_corpus(TOKENIZER, 97)
    assert corpus.name == "bundled stories (drawn from the bundled model)"
    assert [s.story for s in corpus.sequences()] == ["One."]


def test_a_data_set_is_read_by_name(monkeypatch):
    monkeypatch.setattr(source, "read_dataset", lambda name, split, **_: iter([f"{split} {name}."]))
    corpus = open_corpus(TOKENIZER, 97, dataset="some/stories")
    assert corpus.name == "some/stories"
    assert [s.story for s in corpus.sequences()] == ["train some/stories."]
    monkeypatch.setattr(source, "read_dataset", lambda *_, **__: iter([]))
    with pytest.raises(CorpusError, match="some/stories holds no story"):
        open_corpus(TOKENIZER, 97, dataset="some/stories")


def test_two_texts_at_once_are_refused(tmp_path):
    with pytest.raises(CorpusError, match="choose one"):
        open_corpus(TOKENIZER, 97, text=tmp_path / "a.txt", dataset="some/stories")


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "holds no story"),
        (b"\n <|endoftext|>\n", "no story"),
    ],
)
def test_a_text_that_cannot_be_read_is_refused_at_once(tmp_path, content, message):
    path = tmp_path / "bad.txt"
    path.write_bytes(content)
    with pytest.raises(CorpusError, match=message):
        open_corpus(TOKENIZER, 97, text=path)


def test_a_missing_text_is_refused(tmp_path):
    with pytest.raises(CorpusError, match="not a file"):
        open_corpus(TOKENIZER, 97, text=tmp_path / "nowhere.txt")


@pytest.mark.parametrize("stories", [[], ["", " \n"]])
def test_no_story_at_all_is_refused(stories):
    with pytest.raises(CorpusError, match="no story"):
        corpus_of(stories, TOKENIZER, 97)


@pytest.mark.parametrize("n_ctx", [1, 0, -3])
def test_a_context_without_room_for_a_story_is_refused(n_ctx):
    with pytest.raises(CorpusError, match=f"a context of {n_ctx} has no room for a story"):
        open_corpus(TOKENIZER, n_ctx)


def test_no_tokens_at_all_are_refused():
    with pytest.raises(CorpusError, match="max_tokens is 0; expected at least 1"):
        open_corpus(TOKENIZER, 97, max_tokens=0)
