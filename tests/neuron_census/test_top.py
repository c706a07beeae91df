from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from tinyinterp.neuron_census.top import NOWHERE, TopActivations


def sort_everything(
    values: torch.Tensor, ids: np.ndarray, k: int
) -> tuple[list[list[float]], list[list[int]]]:
    """The definition: largest first, of equal ones the smallest id first."""
    ranked = [sorted(zip((-column).tolist(), ids.tolist(), strict=True))[:k] for column in values.T]
    return (
        [[-value for value, _ in neuron] for neuron in ranked],
        [[number for _, number in neuron] for neuron in ranked],
    )


@given(
    seed=st.integers(0, 10**6),
    n_rows=st.integers(1, 60),
    k=st.integers(1, 12),
    n_levels=st.sampled_from([1, 2, 5, 1000]),
    cuts=st.lists(st.integers(0, 60), max_size=6),
)
def test_streaming_equals_sorting_whatever_the_batches_and_their_order(
    seed: int, n_rows: int, k: int, n_levels: int, cuts: list[int]
):
    random = np.random.default_rng(seed)
    levels = random.integers(-n_levels, 1, (n_rows, 7))  # at or below 0, and full of ties
    values = torch.from_numpy(levels / 3).float()
    ids = random.permutation(10 * n_rows)[:n_rows]
    top = TopActivations(7, k)
    bounds = sorted({0, n_rows, *(min(cut, n_rows) for cut in cuts)})
    pieces = [slice(a, b) for a, b in pairwise(bounds)]
    for index in random.permutation(len(pieces)):
        top.add(values[pieces[index]], ids[pieces[index]])
    held = min(k, n_rows)
    expected_values, expected_ids = sort_everything(values, ids, k)
    assert top.values[:, :held].tolist() == expected_values
    assert top.ids[:, :held].tolist() == expected_ids
    assert (top.ids[:, held:] == NOWHERE).all()
    assert (top.values[:, held:] == -torch.inf).all()


def test_an_empty_batch_changes_nothing():
    top = TopActivations(3, 2)
    top.add(torch.zeros(0, 3), np.zeros(0, dtype=np.int64))
    assert (top.ids == NOWHERE).all()


@pytest.mark.parametrize("value", [0.0, -0.17, 2.5])
def test_a_constant_neuron_lists_the_first_tokens(value: float):
    top = TopActivations(2, 3)
    for start in (40, 0, 20):
        top.add(torch.full((20, 2), value), np.arange(start, start + 20))
    assert top.ids.tolist() == [[0, 1, 2]] * 2
