from __future__ import annotations

from collections import Counter

import numpy as np
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from tinyinterp.model_account.contexts import LEAST, find_contexts
from tinyinterp.model_account.means import (
    POSITION_PULL,
    PULL,
    ContextSums,
    Occurrences,
    rows_for,
)

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
        predicted = means.by_row[found[order]].numpy()
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


def test_token_and_position_are_fitted_together():
    """A token that stands at late positions alone is not given what the position does."""
    random = np.random.default_rng(5)
    length, n = 13, 211
    sequences = []
    for _ in range(n):
        early, late = (
            random.integers(0, 3, length // 2),
            random.integers(2, 5, length - length // 2),
        )
        sequences.append(np.concatenate([early, late]))
    tokens = torch.from_numpy(np.stack(sequences))
    of_token = torch.tensor([[1.0], [-2.0], [0.5], [3.0], [-1.0]])
    of_position = torch.linspace(-4, 4, length)[:, None]
    values = of_token[tokens] + of_position
    rows = rows_for(find_contexts(sequences, 5, 1), [tokens])
    sums, at = ContextSums(rows.tree, 1, length), Occurrences(rows.tree, length)
    everywhere = torch.ones(tokens.shape, dtype=torch.bool)
    sums.add(values, rows.of(tokens)[-1], everywhere)
    at.add(rows.of(tokens)[-1], everywhere)
    means = sums.means(at.matrix)
    error = means.predict(rows.of(tokens)[0]) - values
    apart = ContextSums(rows.tree, 1, length)
    apart.add(values, rows.of(tokens)[-1], everywhere)
    error_apart = apart.means().predict(rows.of(tokens)[0]) - values
    assert error.square().mean() < 0.05
    assert error_apart.square().mean() > 1


def test_effects_together_are_those_of_penalised_least_squares():
    """What backfitting converges to: ridge regression on tokens and positions."""
    random = np.random.default_rng(6)
    sequences = [random.integers(0, 3, 7) for _ in range(31)]
    tokens = torch.from_numpy(np.stack(sequences))
    values = torch.from_numpy(random.normal(size=(31, 7, 1))).float()
    rows = rows_for(find_contexts(sequences, 5, 1), [tokens])
    sums, at = ContextSums(rows.tree, 1, 7), Occurrences(rows.tree, 7)
    everywhere = torch.ones(tokens.shape, dtype=torch.bool)
    sums.add(values, rows.of(tokens)[-1], everywhere)
    at.add(rows.of(tokens)[-1], everywhere)
    means = sums.means(at.matrix)
    flat = tokens.numpy().ravel()
    design = np.zeros((len(flat), 10))
    design[np.arange(len(flat)), flat] = 1
    design[np.arange(len(flat)), 3 + np.tile(np.arange(7), 31)] = 1
    target = values.numpy().ravel()
    penalty = np.diag([PULL] * 3 + [POSITION_PULL] * 7)
    centred = target - target.mean()
    found = np.linalg.solve(design.T @ design + penalty, design.T @ centred)
    np.testing.assert_allclose(means.beside[:, 0].numpy(), found[3:], atol=1e-3)
    np.testing.assert_allclose(means.by_row[1:4, 0].numpy() - target.mean(), found[:3], atol=1e-3)
