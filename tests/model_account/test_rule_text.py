from __future__ import annotations

import numpy as np
import pytest
import torch
from models import tiny_tokenizer
from planted.neurons import stories

from tests.model_account.read_slowly import (
    HOOK,
    activations,
    in_order,
    index_of,
    matching,
    rows_of_pattern,
    rows_of_side,
    tags_of,
)
from tinyinterp.model_account.rules import ClaimCounter, Claims, HitLists
from tinyinterp.model_account.rules import hits as hit_lists
from tinyinterp.model_account.rules.patterns import FORMS
from tinyinterp.tagging import TagReader
from tinyinterp.text.corpus import Corpus, corpus_of
from tinyinterp.text.sequences import Side

N_NEURONS = 31


@pytest.fixture(scope="module")
def corpus() -> Corpus:
    return corpus_of(stories(5, 60), tiny_tokenizer(), 97)


@pytest.fixture(scope="module")
def tag_reader() -> TagReader:
    return TagReader()


def test_an_index_has_every_pattern_that_is_not_rare(corpus: Corpus, tag_reader: TagReader):
    index, rows = index_of(corpus, tag_reader), rows_of_side(corpus, tag_reader, Side.FIT)
    assert len(index.at) == len(rows)
    assert np.diff(index.starts).min() == 2
    for pattern in np.random.default_rng(0).integers(0, len(index.patterns), 150):
        where = rows_of_pattern(index, pattern)
        assert where == sorted(matching(index, int(index.patterns[pattern]), rows))
        assert [row for row in where if pattern in index.at[row]] == where
    assert len(np.unique(index.patterns)) == len(index.patterns)
    assert len(set(FORMS)) == 2 * 3**3
    assert (index.at[:, 0] >= 0).mean() > 0.95  # single tokens


def test_claims_are_counted_as_by_hand(corpus: Corpus, tag_reader: TagReader):
    index, rows = index_of(corpus, tag_reader), rows_of_side(corpus, tag_reader, Side.TEST)
    random = np.random.default_rng(3)
    chosen = random.integers(0, len(index.patterns), (N_NEURONS, 6))
    chosen[random.random(chosen.shape) < 0.3] = -1
    claims = Claims.of({0: chosen}, index.patterns, index.forms)
    level = random.uniform(0.5, 2, N_NEURONS).astype(np.float32)
    counter = ClaimCounter(index.words, tags_of(tag_reader), {0: level}, [claims])
    hits, blocks = [], []
    for batch, value, of_rows in activations(corpus, Side.TEST, 3, N_NEURONS):
        counter.observe(batch, HOOK, torch.from_numpy(value))
        hits.append(of_rows >= level)
        for _, sequence in in_order(batch):
            blocks += [sequence.block] * (len(sequence.tokens) - 1)
    hit = np.concatenate(hits)
    counts = counter.counts[0][0]
    for neuron in range(N_NEURONS):
        mine = [int(index.patterns[p]) for p in chosen[neuron] if p >= 0]
        union = set().union(*(matching(index, pattern, rows) for pattern in mine))
        claimed = np.isin(np.arange(len(rows)), sorted(union))
        right = claimed & hit[:, neuron]
        for found, flags in (
            (counts.hits, hit[:, neuron]),
            (counts.claimed, claimed),
            (counts.right, right),
        ):
            assert (found[:, neuron] == np.bincount(blocks, weights=flags, minlength=64)).all()
        assert counts.precision[neuron] == pytest.approx(right.sum() / claimed.sum())
        assert counts.recall[neuron] == pytest.approx(right.sum() / hit[:, neuron].sum())
        both = 2 / (1 / counts.precision[neuron] + 1 / counts.recall[neuron]) if right.any() else 0
        assert counts.f1[neuron] == pytest.approx(both)


def lists_of(corpus: Corpus, seed: int) -> tuple[HitLists, np.ndarray]:
    """Hits of random neurons, of which one is never above zero, and all their activations."""
    lists, seen = HitLists([0], N_NEURONS, 10**6), []
    for batch, value, of_rows in activations(corpus, Side.FIT, seed, N_NEURONS):
        value[..., 3] = -1
        lists.observe(batch, HOOK, torch.from_numpy(value))
        seen.append(of_rows)
    values = np.concatenate(seen)
    values[:, 3] = -1
    return lists, values


@pytest.mark.parametrize("room", [1 << 22, 0])
def test_hits_are_the_rows_at_half_of_the_largest(
    corpus: Corpus, monkeypatch: pytest.MonkeyPatch, room: int
):
    monkeypatch.setattr(hit_lists, "ROOM", room)
    lists, values = lists_of(corpus, 1)
    hits = lists.hits(0)
    for neuron in range(N_NEURONS):
        rows = hits.rows[hits.starts[neuron] : hits.starts[neuron + 1]]
        level = values[:, neuron].max() / 2 if neuron != 3 else np.inf
        assert hits.level[neuron] == np.float32(level)
        assert rows.tolist() == np.flatnonzero(values[:, neuron] >= level).tolist()
    assert (hits.limits == 10**6).all()


def test_a_neuron_with_too_many_hits_is_known_up_to_its_limit(
    corpus: Corpus, monkeypatch: pytest.MonkeyPatch
):
    all_hits = lists_of(corpus, 2)[0].hits(0)
    most = int(np.median(np.diff(all_hits.starts)))
    monkeypatch.setattr(hit_lists, "MOST_HITS", most)
    hits = lists_of(corpus, 2)[0].hits(0)
    many = np.diff(all_hits.starts) > most
    assert many.any()
    assert not many.all()
    for neuron in range(N_NEURONS):
        before = all_hits.rows[all_hits.starts[neuron] : all_hits.starts[neuron + 1]]
        rows = hits.rows[hits.starts[neuron] : hits.starts[neuron + 1]]
        assert rows.tolist() == before[before < hits.limits[neuron]].tolist()
        assert len(rows) == (most if many[neuron] else len(before))
