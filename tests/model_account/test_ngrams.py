from __future__ import annotations

from collections import Counter

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tinyinterp.model_account.ngrams import count_ngrams

N_VOCAB, ORDERS = 5, 4
SEQUENCES = st.lists(
    st.lists(st.integers(0, N_VOCAB - 1), min_size=1, max_size=13), min_size=2, max_size=11
)


def probability(text: list[np.ndarray], before: tuple[int, ...], token: int) -> float:
    """Witten and Bell's interpolation, by hand."""
    lower = 1 / N_VOCAB if not before else probability(text, before[1:], token)
    if not before:
        after = Counter(int(t) for each in text for t in each[1:])
    else:
        n = len(before)
        after = Counter(
            int(each[i])
            for each in text
            for i in range(n, len(each))
            if tuple(int(t) for t in each[i - n : i]) == before
        )
    total, kinds = sum(after.values()), len(after)
    if before:
        lower = probability(text, before[1:], token)
    return (after[token] + kinds * lower) / (total + kinds) if total else lower


@settings(max_examples=40, deadline=None)
@given(SEQUENCES, st.lists(st.integers(0, N_VOCAB - 1), min_size=1, max_size=9))
def test_losses_are_those_of_the_definition(given_sequences, asked):
    text = [np.array([0, *each]) for each in given_sequences]
    tokens = np.array([0, *asked])
    found = count_ngrams(text, N_VOCAB, ORDERS).losses(tokens)
    for order in range(1, ORDERS + 1):
        for position in range(1, len(tokens)):
            before = tuple(int(t) for t in tokens[max(0, position - order + 1) : position])
            expected = -np.log(probability(text, before, int(tokens[position])))
            assert found[order - 1, position - 1] == pytest.approx(expected)


def test_probabilities_sum_to_one():
    random = np.random.default_rng(0)
    text = [np.concatenate([[0], random.integers(N_VOCAB, size=n)]) for n in (3, 17, 29)]
    ngrams = count_ngrams(text, N_VOCAB, ORDERS)
    for before in ((0,), (0, 3), (0, 1, 2, 4)):
        last = [ngrams.losses(np.array([*before, token]))[:, -1] for token in range(N_VOCAB)]
        np.testing.assert_allclose(np.exp(-np.array(last)).sum(0), 1)


def test_parameters_are_the_ngrams_that_are_stored():
    ngrams = count_ngrams([np.array([0, 1, 2, 1, 2])], N_VOCAB, 3)
    assert [ngrams.parameters(order) for order in (1, 2, 3)] == [2, 5, 8]
