from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from tinyinterp.neuron_census.activations import Rows
from tinyinterp.neuron_census.kernels import STORY_SHIFT
from tinyinterp.neuron_census.sides import FittedSide
from tinyinterp.neuron_census.top_activations import UNFILLED, Extremes
from tinyinterp.processes import Processes

N_NEURONS, N_TYPES, N_CTX = 67, 3, 5  # more than two groups of neurons, the last not full


def take(extremes: Extremes, values: np.ndarray, ids: np.ndarray) -> None:
    """Through the loop that a census uses, with padding between the rows."""
    side = FittedSide(values.shape[1], N_TYPES, N_CTX)
    padded = np.full((2 * len(values) + 1, values.shape[1]), 1e9, np.float32)
    rows = 1 + 2 * np.arange(len(values))
    padded[rows] = values
    other = np.zeros(len(values), dtype=np.int64)
    side.add(padded, Rows((), rows, ids, other, other, other), ids % N_TYPES, extremes)


def sort_everything(
    values: np.ndarray, ids: np.ndarray, k: int, *, sign: int, per_story: bool
) -> tuple[list[list[float]], list[list[int]]]:
    """The definition: largest first (smallest, with sign -1), of equal ones the smallest id."""
    found_values, found_ids = [], []
    for column in values.T:
        ranked = sorted(zip((-sign * column).tolist(), ids.tolist(), strict=True))
        if per_story:
            best: dict[int, tuple[float, int]] = {}
            for value, number in ranked:
                best.setdefault(number >> STORY_SHIFT, (value, number))
            ranked = list(best.values())
        found_values.append([-sign * value for value, _ in ranked[:k]])
        found_ids.append([number for _, number in ranked[:k]])
    return found_values, found_ids


def check(extremes: Extremes, values: np.ndarray, ids: np.ndarray) -> None:
    k, per_story = extremes.high.shape[1], extremes.per_story
    for sign, held, held_ids in (
        (1, extremes.high, extremes.high_ids),
        (-1, extremes.low, extremes.low_ids),
    ):
        wanted = sort_everything(values, ids, k, sign=sign, per_story=per_story)
        filled = len(wanted[0][0])
        assert held[:, :filled].tolist() == wanted[0]
        assert held_ids[:, :filled].tolist() == wanted[1]
        assert (held_ids[:, filled:] == UNFILLED).all()
        assert (held[:, filled:] == -sign * np.inf).all()


@given(
    seed=st.integers(0, 10**6),
    n_rows=st.integers(1, 60),
    k=st.integers(1, 12),
    n_levels=st.sampled_from([1, 2, 5, 1000]),
    per_story=st.booleans(),
    cuts=st.lists(st.integers(0, 60), max_size=6),
)
def test_streaming_equals_sorting_whatever_the_parts_and_their_order(
    *, seed: int, n_rows: int, k: int, n_levels: int, per_story: bool, cuts: list[int]
):
    random = np.random.default_rng(seed)
    levels = random.integers(-n_levels, 1, (n_rows, N_NEURONS))  # at or below 0, and full of ties
    values = (levels / 3).astype(np.float32)
    ids = random.permutation(10 * n_rows)[:n_rows]
    ids = (ids // 7 << STORY_SHIFT) + ids % 7 + 1
    extremes = Extremes(N_NEURONS, k, per_story=per_story)
    bounds = sorted({0, n_rows, *(min(cut, n_rows) for cut in cuts)})
    pieces = [slice(a, b) for a, b in pairwise(bounds)]
    for index in random.permutation(len(pieces)):
        take(extremes, values[pieces[index]], ids[pieces[index]])
    check(extremes, values, ids)


@dataclass(frozen=True)
class Beside(Processes):
    """Gives what this process and the others hold."""

    held: Iterator[list[np.ndarray]]

    @classmethod
    def of(cls, others: list[Extremes]) -> Beside:
        parts = ("high", "high_ids", "negated_low", "low_ids")
        held = [[getattr(other, part).copy() for other in others] for part in parts]
        return cls(0, 1 + len(others), torch.device("cpu"), iter(held))

    def gather(self, item: Any) -> list[Any]:
        return [item.copy(), *next(self.held)]


@given(
    seed=st.integers(0, 10**6),
    n_rows=st.integers(1, 60),
    k=st.integers(1, 12),
    n_levels=st.sampled_from([1, 3, 1000]),
    per_story=st.booleans(),
)
def test_merged_lists_are_those_of_all_tokens(
    *, seed: int, n_rows: int, k: int, n_levels: int, per_story: bool
):
    random = np.random.default_rng(seed)
    values = (random.integers(-n_levels, 1, (n_rows, N_NEURONS)) / 3).astype(np.float32)
    ids = random.permutation(10 * n_rows)[:n_rows]
    ids = (ids // 7 << STORY_SHIFT) + ids % 7 + 1
    parts = [Extremes(N_NEURONS, k, per_story=per_story) for _ in range(3)]
    owners = random.integers(3, size=n_rows)
    for number, part in enumerate(parts):
        mine = (owners == number) | (random.random(n_rows) < 0.2)  # some were read by several
        take(part, values[mine], ids[mine])
    first, *others = parts
    first.merge(Beside.of(others))
    check(first, values, ids)
    assert (first.upper == first.high[:, -1]).all()
    assert (first.lower == -first.negated_low[:, -1]).all()


def test_nothing_changes_nothing():
    extremes = Extremes(3, 2)
    take(extremes, np.zeros((0, 3), np.float32), np.zeros(0, dtype=np.int64))
    assert (extremes.high_ids == UNFILLED).all()
    assert (extremes.low_ids == UNFILLED).all()


@pytest.mark.parametrize("value", [0.0, -0.17, 2.5])
def test_a_constant_neuron_lists_the_first_tokens(value: float):
    extremes = Extremes(2, 3)
    for start in (40, 0, 20):
        take(extremes, np.full((20, 2), value, np.float32), np.arange(start, start + 20))
    assert extremes.high_ids.tolist() == extremes.low_ids.tolist() == [[0, 1, 2]] * 2
    assert (np.signbit(extremes.low) == (value < 0)).all()
