"""What gathers patterns on a device gives what the loops give: run here on tensors of the CPU."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from models import STORIES, tiny_checkpoint, tiny_config
from planted.patterns import random_words

import tinyinterp
from tinyinterp.head_census import HeadSettings, census_heads, nulls
from tinyinterp.head_census import measure as passes
from tinyinterp.head_census.kernel import Surrogate
from tinyinterp.head_census.kernels import compare_rows
from tinyinterp.head_census.on_device import (
    FitOnDevice,
    ScoreOnDevice,
    compare_patterns,
    fit_accumulator,
    score_accumulator,
)
from tinyinterp.head_census.patterns import Pattern
from tinyinterp.head_census.sums import FitAccumulator, ScoreAccumulator, Sum
from tinyinterp.model import Model
from tinyinterp.text.sequences import MicroBatch, Sequence, Side

CPU = torch.device("cpu")
HEADS, LONGEST = 3, 23
LENGTHS, BLOCKS = [19, 11, 2, 5, 3], [6, 13, 7, 6, 63]
CLOSE = 1e-4


def batch_and_pattern(window: int | None) -> tuple[MicroBatch, Pattern]:
    width = max(LENGTHS)
    sequences = tuple(
        Sequence(np.ones(n, dtype=np.int64), np.zeros((n, 2), dtype=np.int64), "", i, Side.FIT, b)
        for i, (n, b) in enumerate(zip(LENGTHS, BLOCKS, strict=True))
    )
    tokens = torch.ones(len(LENGTHS), width, dtype=torch.int64)
    return MicroBatch(sequences, tokens), Pattern(patterns(len(LENGTHS), width, window), LENGTHS)


def patterns(n: int, width: int, window: int | None) -> torch.Tensor:
    generator = torch.Generator().manual_seed(7)
    scores = 3 * torch.randn(n, HEADS, width, width, generator=generator)
    scores[:, 0, :, 0] += 5  # a head with rows that have hardly anything left
    query, key = torch.arange(width)[:, None], torch.arange(width)[None, :]
    allowed = (key <= query) & (key > query - (window or width))
    return scores.masked_fill(~allowed, -torch.inf).softmax(-1)


def config_of(window: int | None) -> Any:
    attention = ("global",) if window is None else ("local",)
    return tiny_config(
        n_layers=1, n_heads=HEADS, d_model=6, attention=attention, window=window or 256
    )


@pytest.mark.parametrize("window", [None, 4, 1])
def test_sums_of_fit(window):
    batch, pattern = batch_and_pattern(window)
    config = config_of(window)
    loops, there = FitAccumulator(config, LONGEST), FitOnDevice(config, LONGEST, CPU)
    for each in (loops, there, loops, there):
        each.take(batch, 0, pattern)
    one, other = loops.sums(0), there.sums(0)
    torch.testing.assert_close(one.weights, other.weights, rtol=1e-6, atol=1e-6)
    assert torch.equal(one.rows, other.rows)
    for x, y in zip(loops.sink_sums(0), there.sink_sums(0), strict=True):
        torch.testing.assert_close(x, y, rtol=1e-6, atol=1e-6)
    torch.testing.assert_close(loops.mean_sink(0), there.mean_sink(0), rtol=1e-6, atol=1e-6)


@pytest.mark.parametrize("window", [None, 4, 1])
def test_scores_of_test(window):
    batch, pattern = batch_and_pattern(window)
    config, generator = config_of(window), torch.Generator().manual_seed(1)
    table = torch.rand(HEADS, LONGEST, LONGEST, generator=generator, dtype=torch.float64)
    kernel = torch.rand(HEADS, LONGEST, generator=generator, dtype=torch.float64)
    table[:, 5, 3] = kernel[:, 2] = 0
    surrogate = Surrogate(kernel, 5, table, torch.ones(HEADS), window)
    loops = ScoreAccumulator(config, [surrogate])
    there = ScoreOnDevice(config, [surrogate], CPU)
    for each in (loops, there, loops, there):
        each.take(batch, 0, pattern)
    one, other = loops.block_sums(), there.block_sums()
    assert one[..., Sum.ROWS].any()
    np.testing.assert_allclose(one, other, rtol=2e-6, atol=2e-5)


@pytest.mark.parametrize("window", [17, 4])
@pytest.mark.parametrize("own", [True, False])
def test_comparison_of_patterns(window, own):
    one, other = patterns(2, 17, window)
    order = np.concatenate([[0], 1 + np.random.default_rng(2).permutation(16)])
    for moved in (np.arange(17), order):
        sums = np.zeros((HEADS, 4))
        compare_rows(one.numpy(), other.numpy(), moved, window, own, sums, 0, HEADS)
        found = compare_patterns(one, other, torch.from_numpy(moved), window, own=own)
        np.testing.assert_allclose(found.numpy(), sums, rtol=1e-9, atol=1e-12)
        assert sums[:, 0].any() or (window == 4 and not own)  # too few keys in both orders


def test_the_cpu_keeps_its_loops():
    config, cuda = config_of(None), torch.device("meta")
    for device in (CPU, torch.device("mps")):
        assert type(fit_accumulator(config, LONGEST, device)) is FitAccumulator
        assert type(score_accumulator(config, [], device)) is ScoreAccumulator
    assert type(fit_accumulator(config, LONGEST, cuda)) is FitOnDevice
    assert type(score_accumulator(config, [], cuda)) is ScoreOnDevice


def in_torch(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(
        passes, "fit_accumulator", lambda config, longest, _: FitOnDevice(config, longest, CPU)
    )
    monkeypatch.setattr(
        passes, "score_accumulator", lambda config, found, _: ScoreOnDevice(config, found, CPU)
    )


def assert_same(one: Any, other: Any) -> None:
    """The same words and counts; numbers closely."""
    for x, y in zip(one, other, strict=True):
        for name, value in x.items():
            if isinstance(value, float):
                np.testing.assert_allclose(y[name], value, rtol=CLOSE, atol=CLOSE, err_msg=name)
            else:
                assert y[name] == value, name


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Model:
    folder: Path = tmp_path_factory.mktemp("heads") / "model"
    tiny_checkpoint(folder)
    return tinyinterp.load(folder)


def test_whole_tables(model, monkeypatch):
    random, words = np.random.default_rng(0), np.array([*random_words(20), *STORIES[0].split()])
    stories = [" ".join(random.choice(words, size=int(random.integers(5, 15)))) for _ in range(53)]
    census = partial(census_heads, model, model.corpus(stories), HeadSettings(null_tokens=500))
    loops = census()
    in_torch(monkeypatch)
    found = census()
    assert_same(loops.table, found.table)
    np.testing.assert_allclose(loops.profiles, found.profiles, atol=CLOSE)


def test_the_bundled_model(monkeypatch):
    monkeypatch.setattr(nulls, "MOST_MODELS", 1)
    model = tinyinterp.load()
    settings = HeadSettings(causal=False, null_tokens=200)
    census = partial(census_heads, model, model.corpus(max_tokens=1500, n_ctx=128), settings)
    loops = census()
    in_torch(monkeypatch)
    assert_same(loops.table, census().table)
