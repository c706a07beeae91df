from __future__ import annotations

from collections import defaultdict
from fractions import Fraction
from itertools import product

import numpy as np
import pytest
import torch
from models import tiny_tokenizer
from planted.neurons import stories
from scipy import stats

from tests.model_account.read_slowly import HOOK, activations, index_of, rows_of_pattern, tags_of
from tinyinterp.model_account.rules import (
    ClaimCounter,
    Claims,
    RuleSettings,
    TextIndex,
    choose_patterns,
    choose_tokens,
)
from tinyinterp.model_account.rules import find as finding
from tinyinterp.model_account.rules.hits import Hits
from tinyinterp.model_account.rules.patterns import DEMANDS, FORMS
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


def hits_on(index: TextIndex, pattern_of: list[int], seed: int) -> Hits:
    """Most of the rows of some patterns, and a few others."""
    random = np.random.default_rng(seed)
    lists = []
    for pattern in pattern_of:
        chosen = index.rows[index.starts[pattern] : index.starts[pattern + 1]]
        more = random.integers(0, len(index.at), 9)
        lists.append(np.union1d(chosen[random.random(len(chosen)) < 0.8], more).astype(np.int32))
    starts = np.cumsum([0, *map(len, lists)])
    limits = np.full(len(lists), len(index.at), dtype=np.int32)
    return Hits(np.zeros(len(lists), np.float32), starts, np.concatenate(lists), limits)


class SlowChoice:
    """What ``choose`` does for one neuron, with sets of rows."""

    def __init__(
        self, index: TextIndex, own: set[int], limit: int, settings: RuleSettings, n_forms: int
    ) -> None:
        self.index, self.own, self.settings = index, own, settings
        self.rows: dict[int, set[int]] = defaultdict(set)
        for row, form in product(range(limit), range(n_forms)):
            if index.at[row, form] >= 0:
                self.rows[int(index.at[row, form])].add(row)
        self.candidates = [pattern for pattern in sorted(self.rows) if self.may_be(pattern)]

    def may_be(self, pattern: int) -> bool:
        right = self.rows[pattern] & self.own
        sequences = {int(self.index.sequences[row]) for row in right}
        return len(right) >= self.settings.support and len(sequences) >= self.settings.spread

    def f1(self, patterns: list[int]) -> Fraction:
        union = set().union(*(self.rows[pattern] for pattern in patterns))
        longer = sum(int(DEMANDS[self.index.forms[p]]) - 1 for p in patterns)
        whole = len(union) + len(self.own) + self.settings.cost * longer
        return Fraction(2 * len(union & self.own), whole)

    def best(self, beside: list[int], among: list[int]) -> list[int]:
        if not among:
            return []
        score, pattern = max((self.f1([*beside, p]), -p) for p in among)
        return [-pattern] if score > self.f1(beside) else []

    def filled(self, chosen: list[int]) -> list[int]:
        while len(chosen) < self.settings.most and (more := self.best(chosen, self.candidates)):
            chosen = chosen + more
        return chosen

    def in_order(self, chosen: list[int]) -> list[int]:
        ordered: list[int] = []
        while left := [p for p in chosen if p not in ordered]:
            ordered += self.best(ordered, left) or [min(left)]
        return ordered

    def chosen(self) -> list[int]:
        chosen = self.filled([])
        for _ in range(finding.ROUNDS):
            before = chosen
            for pattern in before:
                at = chosen.index(pattern)
                beside = chosen[:at] + chosen[at + 1 :]
                chosen = chosen[:at] + self.best(beside, self.candidates) + chosen[at + 1 :]
            if chosen == before:
                break
            chosen = self.filled(chosen)
        return self.in_order(chosen)


@pytest.mark.parametrize("seed", range(2))
@pytest.mark.parametrize(("cost", "support", "spread", "most"), [(2, 2, 2, 10), (0, 3, 1, 4)])
def test_the_search_finds_what_trying_everything_finds(
    corpus: Corpus,
    tag_reader: TagReader,
    seed: int,
    cost: int,
    support: int,
    spread: int,
    most: int,
):
    settings = RuleSettings(most=most, support=support, spread=spread, cost=cost)
    few = Corpus(corpus.name, lambda: list(corpus.stories())[:16], corpus.tokenizer, 97)
    index = index_of(few, tag_reader, rare=support)
    random = np.random.default_rng(seed)
    patterns = random.integers(0, len(index.patterns), 5).tolist()
    hits = hits_on(index, [0, *patterns], seed)
    hits.limits[-1] = hits.rows[hits.starts[-2] : hits.starts[-1]][-4]
    own = [set(hits.rows[a:b].tolist()) for a, b in zip(hits.starts, hits.starts[1:], strict=False)]
    own[-1] = {row for row in own[-1] if row < hits.limits[-1]}
    kept = Hits(
        hits.level,
        np.cumsum([0, *map(len, own)]),
        np.concatenate([np.array(sorted(rows), np.int32) for rows in own]),
        hits.limits,
    )
    chosen = choose_patterns(index, kept, settings)
    tokens = choose_tokens(index, kept, settings, np.full(len(own), 3))
    three = RuleSettings(most=3, support=support, spread=spread, cost=cost)
    for neuron, rows in enumerate(own):
        limit = int(hits.limits[neuron])
        forms = SlowChoice(index, rows, limit, settings, len(FORMS))
        plain = SlowChoice(index, rows, limit, settings, 1)
        expected, of_tokens = forms.chosen(), plain.chosen()
        if plain.f1(of_tokens) > forms.f1(expected):
            expected = of_tokens
        assert chosen[neuron][chosen[neuron] >= 0].tolist() == expected
        expected = SlowChoice(index, rows, limit, three, 1).chosen()
        assert tokens[neuron][tokens[neuron] >= 0].tolist() == expected
    assert (chosen >= 0).any()


def test_what_is_due_to_chance_does_not_hold_on_other_stories(
    corpus: Corpus, tag_reader: TagReader
):
    """Neurons that fire anywhere have rules that look well on FIT alone."""
    index = index_of(corpus, tag_reader)
    n_rows, n_hits = len(index.at), len(index.at) // 100
    random = np.random.default_rng(4)
    own = [np.sort(random.choice(n_rows, n_hits, replace=False)) for _ in range(N_NEURONS)]
    starts, limits = n_hits * np.arange(N_NEURONS + 1), np.full(N_NEURONS, n_rows, np.int32)
    hits = Hits(
        np.ones(N_NEURONS, np.float32), starts, np.concatenate(own).astype(np.int32), limits
    )
    chosen = choose_patterns(index, hits, RuleSettings())
    f1 = []
    for neuron, rows in enumerate(own):
        claimed = {row for p in chosen[neuron] if p >= 0 for row in rows_of_pattern(index, p)}
        f1.append(2 * len(claimed & set(rows)) / (len(claimed) + n_hits))
    claims = Claims.of({0: chosen}, index.patterns, index.forms)
    level = np.full(N_NEURONS, stats.gamma(0.3).isf(0.01), np.float32)
    counter = ClaimCounter(index.words, tags_of(tag_reader), {0: level}, [claims])
    for batch, value, _ in activations(corpus, Side.TEST, 5, N_NEURONS):
        counter.observe(batch, HOOK, torch.from_numpy(value))
    assert np.median(f1) > 0.1
    assert np.nanmedian(counter.counts[0][0].f1) < 0.04
