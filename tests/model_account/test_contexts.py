from __future__ import annotations

from collections import Counter

import numpy as np
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from tinyinterp.model_account.contexts import LEAST, find_contexts
from tinyinterp.model_account.means import PULL, ContextSums, rows_for

N_VOCAB, ORDER = 5, 3
SEQUENCES = st.lists(
    st.lists(st.integers(1, N_VOCAB - 1), min_size=1, max_size=23), min_size=3, max_size=17
)


def with_start(sequences: list[list[int]]) -> list[np.ndarray]:
    return [np.array([0, *sequence]) for sequence in sequences]


def context_of(tokens: np.ndarray, position: int, order: int, counts: Counter) -> tuple[int, ...]:
    """The longest known context of at most ``order`` tokens, as one would find it by hand."""
    for length in range(min(order, position + 1), 0, -1):
        context = tuple(int(t) for t in tokens[position - length + 1 : position + 1])
        if counts[context] >= (LEAST if length > 1 else 1):
            return context
    return ()


def count(sequences: list[np.ndarray]) -> Counter:
    return Counter(
        tuple(int(t) for t in tokens[i - n + 1 : i + 1])
        for tokens in sequences
        for i in range(len(tokens))
        for n in range(1, min(ORDER, i + 1) + 1)
    )


@settings(max_examples=60, deadline=None)
@given(SEQUENCES, st.lists(st.integers(0, N_VOCAB - 1), min_size=1, max_size=29))
def test_every_position_has_its_longest_known_context(given_sequences, asked):
    sequences = with_start(given_sequences)
    counts = count(sequences)
    contexts = find_contexts(sequences, N_VOCAB, ORDER)
    tokens = np.array([0, *asked])
    found = contexts.nodes(tokens)
    names: dict[int, tuple[int, ...]] = {}
    for order in range(1, ORDER + 1):
        for position in range(len(tokens)):
            expected = context_of(tokens, position, order, counts)
            node = int(found[order - 1, position])
            assert names.setdefault(node, expected) == expected  # a node is one context
            assert contexts.counts[node] == (
                counts[expected] if expected else sum(map(len, sequences))
            )
    assert sum(contexts.sizes()) == sum(
        times >= (LEAST if len(context) > 1 else 1) for context, times in counts.items()
    )


@settings(max_examples=25, deadline=None)
@given(SEQUENCES)
def test_means_are_those_of_the_slow_way(given_sequences):
    sequences = with_start(given_sequences)
    counts = count(sequences)
    width = max(map(len, sequences))
    tokens = torch.zeros(len(sequences), width, dtype=torch.int64)
    mask = torch.zeros(len(sequences), width, dtype=torch.bool)
    for row, each in enumerate(sequences):
        tokens[row, : len(each)], mask[row, : len(each)] = torch.from_numpy(each), True
    values = torch.randn(*tokens.shape, 2, generator=torch.Generator().manual_seed(1))
    contexts = find_contexts(sequences, N_VOCAB, ORDER)
    rows = rows_for(contexts, [tokens[:2]])  # only what the first two need
    sums = ContextSums(rows.tree, 2, width)
    sums.add(values, rows.of(tokens)[-1], mask)
    means = sums.means()

    def mean_of(context: tuple[int, ...]) -> np.ndarray:
        n = len(context)
        chosen = [
            values[r, i].double().numpy()
            for r, each in enumerate(sequences)
            for i in range(max(n - 1, 0), len(each))
            if not n or tuple(int(t) for t in each[i - n + 1 : i + 1]) == context
        ]
        if not n:
            return np.mean(chosen, axis=0)
        return (np.sum(chosen, axis=0) + PULL * mean_of(context[1:])) / (len(chosen) + PULL)

    found = rows.of(tokens[:2])
    for order in range(ORDER):
        predicted = means.predict(found[order], with_position=False).numpy()
        for row in range(2):
            for position in range(len(sequences[row])):
                context = context_of(sequences[row], position, order + 1, counts)
                np.testing.assert_allclose(predicted[row, position], mean_of(context), atol=1e-5)


def test_a_position_adds_what_is_special_about_it():
    sequences = [np.array([0, 1, 2, 1, 2])] * 40
    tokens = torch.from_numpy(np.stack(sequences))
    values = torch.zeros(40, 5, 1)
    values[:, 3] = 7.0
    contexts = find_contexts(sequences, N_VOCAB, 1)
    rows = rows_for(contexts, [tokens])
    sums = ContextSums(rows.tree, 1, 11)
    sums.add(values, rows.of(tokens)[-1], torch.ones(40, 5, dtype=torch.bool))
    means = sums.means()
    overall = 7.0 / 5
    expected = overall + (40 * 7.0 - 40 * overall) / (40 + 5)
    at = means.at_positions(11)[:, 0]
    assert abs(float(at[3]) - expected) < 1e-5
    assert abs(float(at[7]) - overall) < 1e-5  # no sequence is so long
