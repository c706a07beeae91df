from __future__ import annotations

from pathlib import Path

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from pyarrow import parquet

from tests.models import STORIES, tiny_checkpoint
from tinyinterp.model import Model
from tinyinterp.neuron_census import NeuronSettings, census_neurons
from tinyinterp.neuron_census.range_activations import BANDS, EACH, pick_range
from tinyinterp.text.corpus import corpus_of

TOP, UPPER, MIDDLE, LOWER, BELOW = range(5)


def test_every_band_gives_examples_evenly_spaced_in_reading_order():
    column = [4.0, 3.0, 2.9, 2.0, 1.0, 0.9, 0.0, -0.1, -5.0] + [-1.0] * 8
    picks = pick_range(np.array([column], dtype=np.float32).T, np.array([4.0], dtype=np.float32))
    found = np.stack([picks.bands, picks.ranks, picks.rows], axis=1).tolist()
    above = [[TOP, 1, 0], [TOP, 2, 1], [UPPER, 1, 2], [UPPER, 2, 3], [MIDDLE, 1, 4]]
    below = [[BELOW, 1, 8], [BELOW, 2, 12], [BELOW, 3, 15]]  # of ten, from row 7
    assert found == [*above, [LOWER, 1, 5], [LOWER, 2, 6], *below]
    assert picks.shares[-1] == 10 / 17


def test_a_neuron_that_is_never_above_zero_has_one_band():
    values = np.array([[-1.0, 0.0], [-2.0, 0.0]], dtype=np.float32)
    picks = pick_range(values, np.array([-1.0, 0.0], dtype=np.float32))
    assert picks.bands[picks.neurons == 0].tolist() == [BELOW, BELOW]
    assert set(picks.bands[picks.neurons == 1].tolist()) == {TOP}  # zero is the largest


@given(st.integers(0, 2**32), st.integers(1, 41), st.integers(1, 5))
def test_picks_are_in_their_bands_and_shares_add_up(seed: int, n_rows: int, n_neurons: int):
    values = np.random.default_rng(seed).normal(size=(n_rows, n_neurons)).astype(np.float32)
    largest = values.max(0)
    picks = pick_range(values, largest)
    starts = np.array(list(BANDS.values()))
    for neuron, band, row in zip(picks.neurons, picks.bands, picks.rows, strict=True):
        bound = starts[band] * max(largest[neuron], 0) if band < BELOW else -np.inf
        assert values[row, neuron] >= bound
        assert band == TOP or values[row, neuron] < starts[band - 1] * max(largest[neuron], 0)
    for neuron in range(n_neurons):
        mine = picks.neurons == neuron
        first = mine & (picks.ranks == 1)
        assert np.isclose(picks.shares[first].sum(), 1)
        assert np.bincount(picks.bands[mine]).max() <= EACH


def test_bands_of_many_rows_are_those_of_a_loop_in_python():
    """More rows than are counted together, bounds that fp32 cannot hold, and equal values."""
    random = np.random.default_rng(11)
    values = (random.integers(-7, 40, (1789, 3)) * np.float32(0.1)).astype(np.float32)
    largest = np.array([3.9, 0.7, 3.3], dtype=np.float32)
    picks = pick_range(values, largest)
    starts = np.array(list(BANDS.values())[:-1])
    expected = []
    for neuron, top in enumerate(largest.tolist()):
        bands = (values[:, neuron, None].astype(np.float64) < starts * top).sum(1)
        for band in range(len(BANDS)):
            rows = np.flatnonzero(bands == band)
            count = min(EACH, len(rows))
            wanted = [int((k + 0.5) * len(rows) / count) for k in range(count)]
            expected += [
                (neuron, band, k + 1, rows[at], len(rows) / len(values))
                for k, at in enumerate(wanted)
            ]
    columns = (picks.neurons, picks.bands, picks.ranks, picks.rows, picks.shares)
    assert list(zip(*columns, strict=True)) == expected


def test_the_table_has_the_activations_of_its_tokens(tmp_path: Path):
    model = Model(tiny_checkpoint(tmp_path / "model"), "tiny")
    corpus = corpus_of([f"{STORIES[i % 3]} {i}" for i in range(17)], model.tokenizer, 89)
    census = census_neurons(model, corpus, NeuronSettings(layers=(1,), top=400, null_tokens=0))
    census.write(tmp_path)
    rows = parquet.read_table(tmp_path / "range_activations_layer1.parquet").to_pylist()
    top = {
        (row["neuron"], row["story"], row["position"]): row
        for row in census.layers[1].top.to_pylist()
    }
    compared = 0
    for row in rows:
        same = top.get((row["neuron"], row["story"], row["position"]))
        if same is not None:
            compared += 1
            names = ("activation", "token", "before", "after", "tag")
            assert [row[name] for name in names] == [same[name] for name in names]
    assert compared > len(rows) / 2
    assert {row["neuron"] for row in rows} == set(range(model.config.d_mlp))
