"""What gathers on a device gives what the compiled loops give: run here on tensors of the CPU."""

from __future__ import annotations

from dataclasses import fields
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from models import STORIES, tiny_checkpoint

import tinyinterp
from tinyinterp.model import Model
from tinyinterp.neuron_census import NeuronSettings, census_neurons, passes
from tinyinterp.neuron_census.activations import rows_of
from tinyinterp.neuron_census.on_device import Gatherers, gatherers, on_device
from tinyinterp.neuron_census.on_device.segments import add_by_key, segments
from tinyinterp.neuron_census.top_activations import UNFILLED, Extremes
from tinyinterp.processes import Processes
from tinyinterp.text.corpus import Corpus

CPU = torch.device("cpu")
TABLES = ("top", "bottom", "associations", "histograms", "whole_range")


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Model:
    folder: Path = tmp_path_factory.mktemp("neurons") / "model"
    tiny_checkpoint(folder, activation="relu")  # many activations are equal: 0
    return tinyinterp.load(folder)


@pytest.fixture(scope="module")
def corpus(model: Model) -> Corpus:
    """Stories of different lengths, some of several sequences."""
    stories = [
        f"{STORIES[i % 3]} {STORIES[i // 3 % 3]} It was day {i}. " * (i % 4 + 1) for i in range(41)
    ]
    return model.corpus(stories, n_ctx=61)


@pytest.fixture
def in_torch(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(passes, "gatherers", on_device)


def both(monkeypatch: pytest.MonkeyPatch, *given: Any, **settings: Any) -> tuple[Any, Any]:
    census = census_neurons(*given, **settings)
    with monkeypatch.context() as patched:
        patched.setattr(passes, "gatherers", on_device)
        return census, census_neurons(*given, **settings)


def assert_same_tables(one: Any, other: Any) -> None:
    assert one.to_json() == other.to_json()  # numbers are written to six digits


@pytest.mark.parametrize(
    "settings",
    [
        {"layers": (0, 2), "top": 7},
        {"layers": (1,), "top": 3, "per_story": True},
        {"layers": (1,), "top": 90, "per_story": True, "reading": "pre"},  # more than stories
        {"layers": (2,), "top": 1, "reading": "report"},
    ],
)
def test_whole_tables(model, corpus, settings, monkeypatch):
    asked = NeuronSettings(null_tokens=300, **settings)
    loops, torch_ = both(monkeypatch, model, corpus, asked)
    for layer, found in loops.layers.items():
        assert_same_tables(found.table, torch_.layers[layer].table)
        for name in TABLES:
            one, other = (getattr(each.layers[layer], name) for each in (loops, torch_))
            assert one.to_pylist() == other.to_pylist()


def test_a_text_of_one_side(model, monkeypatch):
    corpus = model.corpus([STORIES[0]])
    loops, torch_ = both(monkeypatch, model, corpus, NeuronSettings(layers=(1,), null_tokens=0))
    assert_same_tables(loops.table, torch_.table)


def test_the_bundled_model(monkeypatch):
    model = tinyinterp.load()
    asked = NeuronSettings(layers=(3, 4), null_tokens=0)
    loops, torch_ = both(monkeypatch, model, model.corpus(max_tokens=3000), asked)
    assert_same_tables(loops.table, torch_.table)
    for layer in (3, 4):
        one, other = (each.layers[layer].top.to_pylist() for each in (loops, torch_))
        assert one == other


@pytest.mark.usefixtures("in_torch")
def test_an_interrupted_census_resumes(model, corpus, tmp_path, monkeypatch):
    asked = NeuronSettings(layers=(1,), null_tokens=0)
    whole = census_neurons(model, corpus, asked)
    seen = passes.TestPass.observe
    left = [2]

    def stop_later(self, batch, name, value):
        left[0] -= 1
        if not left[0]:
            raise KeyboardInterrupt
        seen(self, batch, name, value)

    monkeypatch.setattr("tinyinterp.neuron_census.checkpointer.SECONDS", 0.0)
    monkeypatch.setattr("tinyinterp.neuron_census.checkpointer.MOST_OF_THE_TIME", 1e9)
    with monkeypatch.context() as patched:
        patched.setattr(passes.TestPass, "observe", stop_later)
        with pytest.raises(KeyboardInterrupt):
            census_neurons(model, corpus, asked, checkpoint_folder=tmp_path)
    assert list(tmp_path.iterdir())
    resumed = census_neurons(model, corpus, asked, checkpoint_folder=tmp_path)
    assert_same_tables(whole.table, resumed.table)
    assert whole.layers[1].top.to_pylist() == resumed.layers[1].top.to_pylist()


@pytest.mark.usefixtures("in_torch")
def test_the_same_bytes_twice(model, corpus):
    asked = NeuronSettings(layers=(1,), null_tokens=0)
    one, other = (census_neurons(model, corpus, asked).table.to_json() for _ in range(2))
    assert one == other


@pytest.mark.parametrize("per_story", [False, True])
def test_lists_of_equal_values(corpus, per_story):
    """Zeros of both signs, infinitely many ties, in any order of micro-batches."""
    random = np.random.default_rng(3)
    batches = list(corpus.micro_batches())
    made: Gatherers = on_device(CPU)
    lists, known = made.extremes(5, 4, per_story=per_story), []
    for number in random.permutation(len(batches)):
        rows = rows_of(batches[number])
        values = random.integers(-1, 2, (len(rows.ids), 5)).astype(np.float32)
        values[:, 1] *= 0.0  # zeros and minus zeros
        values[:, 2] = -3.0
        lists.take(torch.from_numpy(values), rows)
        known.append((values, rows.ids))
    lists.collect()
    values = np.concatenate([each for each, _ in known])
    ids = np.concatenate([each for _, each in known])
    for sign, found, found_ids in (
        (1, lists.high, lists.high_ids),
        (-1, lists.negated_low, lists.low_ids),
    ):
        for neuron in range(5):
            order = np.lexsort((ids, -sign * values[:, neuron]))
            if per_story:
                _, first = np.unique(ids[order] >> 24, return_index=True)
                order = order[np.sort(first)]
            order = order[:4]
            assert found_ids[neuron].tolist() == ids[order].tolist()
            assert np.array_equal(found[neuron], sign * values[order, neuron])
    assert np.array_equal(lists.upper, lists.high[:, -1])
    assert np.array_equal(lists.lower, -lists.negated_low[:, -1])


def test_lists_that_are_not_filled(model):
    rows = rows_of(next(iter(model.corpus(["A dog."]).micro_batches())))
    lists = on_device(CPU).extremes(2, 50)
    lists.take(torch.ones(len(rows.ids), 2), rows)
    lists.collect()
    n = len(rows.ids)
    assert lists.high_ids[0, :n].tolist() == rows.ids.tolist()
    assert (lists.high_ids[:, n:] == UNFILLED).all()
    assert np.isneginf(lists.high[:, n:]).all()


def test_sums_by_key():
    random = np.random.default_rng(0)
    keys = random.integers(0, 5, 31) * 2  # some have no row
    values = torch.from_numpy(random.normal(size=(37, 3)).astype(np.float32))
    rows = random.permutation(37)[:31]
    sums = torch.ones(11, 3, dtype=torch.float64)
    add_by_key(sums, values, segments(keys, CPU, rows))
    expected = np.ones((11, 3))
    np.add.at(expected, keys, values.numpy()[rows].astype(np.float64))
    np.testing.assert_allclose(sums.numpy(), expected, rtol=1e-14)
    add_by_key(sums, values, segments(keys[:0], CPU))
    np.testing.assert_allclose(sums.numpy(), expected, rtol=1e-14)


def test_the_cpu_keeps_its_loops():
    assert gatherers(CPU).extremes is Extremes
    assert gatherers(torch.device("mps")).extremes is Extremes
    names = {each.name for each in fields(Gatherers)}
    assert all(
        getattr(gatherers(torch.device("cuda", 0)), name) is not getattr(gatherers(CPU), name)
        for name in names
    )


class Two(Processes):
    """This process and another that gathered the same."""

    def add(self, *arrays: Any) -> None:
        for array in arrays:
            np.multiply(array, 2, out=array)

    def gather(self, item: Any) -> list[Any]:
        return [item, item]


def test_what_several_processes_gathered_goes_back_to_the_device(corpus):
    made, batch = on_device(CPU), next(corpus.micro_batches())
    rows, fitted, lists = rows_of(batch), made.fitted(3, 281, 97), made.extremes(3, 4)
    generator = torch.Generator().manual_seed(0)
    values = torch.randn(batch.tokens.numel(), 3, generator=generator)
    fitted.add(values, rows, rows.tokens, lists)
    fitted.collect()
    lists.collect()
    alone = fitted.mean(), lists.high.copy(), fitted.n_tokens
    fitted.merge(Two(0, 2, CPU))
    lists.merge(Two(0, 2, CPU))
    for part in (fitted, lists):
        part.collect()
    assert fitted.n_tokens == 2 * alone[2]
    np.testing.assert_allclose(fitted.mean(), alone[0])
    assert np.array_equal(lists.high, alone[1])  # what is in both counts once
