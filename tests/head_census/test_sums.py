"""The compiled sums over patterns, against the same with tensors."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from tests.models import tiny_config
from tinyinterp.head_census.kernel import Surrogate
from tinyinterp.head_census.patterns import Pattern, number_of_keys, without_sink
from tinyinterp.head_census.sums import FitAccumulator, ScoreAccumulator, Sum
from tinyinterp.text.sequences import N_BLOCKS, MicroBatch, Sequence, Side

HEADS, LONGEST = 3, 19
LENGTHS = [17, 11, 2, 5]
BLOCKS = [6, 13, 7, 6]


def batch_and_pattern(window, seed=0):
    """A micro-batch of sequences that differ in length, and one layer's patterns on it."""
    width = max(LENGTHS)
    sequences = tuple(
        Sequence(np.ones(n, dtype=np.int64), np.zeros((n, 2), dtype=np.int64), "", i, Side.FIT, b)
        for i, (n, b) in enumerate(zip(LENGTHS, BLOCKS, strict=True))
    )
    batch = MicroBatch(sequences, torch.ones(len(LENGTHS), width, dtype=torch.int64))
    generator = torch.Generator().manual_seed(seed)
    scores = 3 * torch.randn(len(LENGTHS), HEADS, width, width, generator=generator)
    scores[:, 0, :, 0] += 5  # a head with rows that have hardly anything left
    query, key = torch.arange(width)[:, None], torch.arange(width)[None, :]
    allowed = (key <= query) if window is None else (key <= query) & (key > query - window)
    pattern = scores.masked_fill(~allowed, -torch.inf).softmax(-1)
    return batch, Pattern(pattern, batch.lengths)


def config_of(window):
    attention = ("global",) if window is None else ("local",)
    return tiny_config(
        n_layers=1, n_heads=HEADS, d_model=6, attention=attention, window=window or 256
    )


def accumulate(accumulator, batch, pattern):
    accumulator.take(batch, 0, pattern)
    accumulator.take(batch, 0, pattern)
    return accumulator


@pytest.mark.parametrize("window", [None, 4, 1])
def test_sums_of_fit_are_those_of_the_obvious_way(window):
    batch, pattern = batch_and_pattern(window)
    fit = accumulate(FitAccumulator(config_of(window), LONGEST), batch, pattern)
    clean, width = without_sink(pattern.raw, LENGTHS), max(LENGTHS)
    assert (window == 1) == clean.rows[:, 0].equal(clean.rows[:, 1])
    for half in (0, 1):
        chosen = torch.tensor([block % 2 == half for block in BLOCKS])
        found = fit.sums(0)
        assert not found.weights[half, :, width:].any()
        weights = 2 * clean.weights[chosen].double().sum(0)
        torch.testing.assert_close(found.weights[half, :, :width, :width], weights)
        assert found.rows[half, :, :width].equal(2 * clean.rows[chosen].double().sum(0))
    at_3 = pattern.raw[[0, 1, 3], :, 3, 0].double().mean(0)  # the third is too short
    torch.testing.assert_close(fit.mean_sink(0)[:, 3], at_3, rtol=1e-6, atol=0)


@pytest.mark.parametrize("window", [None, 4, 1])
def test_scores_are_those_of_the_obvious_way(window):
    batch, pattern = batch_and_pattern(window)
    random = torch.Generator().manual_seed(1)
    kernel = torch.rand(HEADS, LONGEST, dtype=torch.float64, generator=random)
    by_position = torch.rand(HEADS, LONGEST, LONGEST, dtype=torch.float64, generator=random)
    by_position[0, 3, 2] = 0  # as good as never, but not minus infinity
    surrogate = Surrogate(kernel, 1, by_position, torch.ones(HEADS), window)
    config = config_of(window)
    scores = accumulate(ScoreAccumulator(config, [surrogate]), batch, pattern).block_sums()[:, 0]
    clean, width = without_sink(pattern.raw, LENGTHS), max(LENGTHS)
    w = clean.weights.double()
    keys = number_of_keys(width, window).clamp_min(1).double()
    place, distance = (
        table.clamp_min(1e-12).log()[:, :width, :width]
        for table in (by_position, surrogate.by_distance)
    )
    sees = torch.zeros(len(LENGTHS), width, dtype=torch.float64)
    for row, length in enumerate(LENGTHS):
        sees[row, 2 : min(length, window or length)] = 1
    expected = {
        Sum.ROWS: clean.rows.double().sum(-1),
        Sum.ENTROPY: torch.special.entr(w).sum((-1, -2)),
        Sum.UNIFORM: clean.rows.double() @ keys.log(),
        Sum.DISTANCE: -(w * distance).sum((-1, -2)),
        Sum.POSITION: -(w * place).sum((-1, -2)),
        Sum.CURRENT: w.diagonal(dim1=-2, dim2=-1).sum(-1),
        Sum.PREVIOUS: w.diagonal(-1, -2, -1).sum(-1),
        Sum.SINK: (pattern.raw[..., 0].double() * sees[:, None]).sum(-1),
        Sum.SINK_ROWS: sees.sum(-1)[:, None].expand(-1, HEADS),
    }
    assert set(expected) == set(Sum)
    for kind, by_sequence in expected.items():
        by_block = torch.zeros(N_BLOCKS, HEADS, dtype=torch.float64)
        by_block.index_add_(0, torch.tensor(BLOCKS), 2 * by_sequence)
        np.testing.assert_allclose(
            scores[..., kind], by_block.numpy(), rtol=2e-6, atol=1e-6, err_msg=kind.name
        )
