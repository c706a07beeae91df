"""Layers, heads and neurons: what is taken as a number of one, everywhere."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import numpy as np
import pytest
import torch
from models import STORIES, tiny_checkpoint

import tinyinterp
from tinyinterp import view
from tinyinterp.errors import SelectionError
from tinyinterp.model import Model
from tinyinterp.neuron_census import NeuronSettings
from tinyinterp.neuron_census.activations import hook_of
from tinyinterp.results import Heads, Neurons
from tinyinterp.selection import choose, choose_among, choose_one

pytestmark = pytest.mark.usefixtures("unchecked")  # wrong types are given on purpose

NO_NUMBERS = [True, np.True_, torch.tensor(data=True), 1.0, np.float64(1), "1", b"1", object()]
SEVERAL = [
    ([0, 2], (0, 2)),
    ((2, 0, 2), (2, 0)),
    (range(3), (0, 1, 2)),
    (np.array([1, 2]), (1, 2)),
    (torch.tensor([1, 2]), (1, 2)),
    ((number for number in (1, 2)), (1, 2)),
    (np.int64(1), (1,)),
    (np.array(1), (1,)),
    (torch.tensor(1), (1,)),
    (1, (1,)),
    (None, tuple(range(8))),
]


@pytest.mark.parametrize(("given", "chosen"), SEVERAL, ids=lambda value: type(value).__name__)
def test_whatever_holds_whole_numbers_is_taken(given: Any, chosen: tuple[int, ...]):
    found = choose("layer", given, 8)
    assert found == chosen
    assert {type(number) for number in found} == {int}


@pytest.mark.parametrize("given", NO_NUMBERS, ids=lambda value: type(value).__name__)
def test_what_is_no_whole_number_is_refused_in_a_sentence(given: Any):
    with pytest.raises(SelectionError, match=r"^layer is .*; expected a whole number from 0 to 7"):
        choose_one("layer", given, 8)
    with pytest.raises(SelectionError, match=r"^layer is .*; expected .* from 0 to 7, or several$"):
        choose("layer", given, 8)
    with pytest.raises(SelectionError, match=r"^layer is .*; expected a whole number from 0 to 7$"):
        choose("layer", [given], 8)
    with pytest.raises(
        SelectionError, match=r"^layer .* is not in this census; choose one of 1, 4$"
    ):
        choose_among("layer", given, {1: "a", 4: "b"}, of="this census")


@pytest.mark.parametrize("given", [[], (), range(0), np.zeros(0, dtype=int), iter([])])
def test_nothing_is_not_everything(given: Iterable[int]):
    with pytest.raises(SelectionError, match="no layer was given; give at least one, a whole"):
        choose("layer", given, 8)


@pytest.mark.parametrize("number", [-1, 8, np.int64(9)])
def test_what_is_not_there_is_named_with_what_is(number: int):
    message = f"^there is no layer {number}; this model has 8, counted from 0 to 7$"
    for call in (choose_one, choose):
        with pytest.raises(SelectionError, match=message):
            call("layer", number, 8)


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Model:
    return tinyinterp.load(tiny_checkpoint(tmp_path_factory.mktemp("tiny") / "model").folder)


@pytest.fixture(scope="module")
def heads(model: Model) -> Heads:
    return tinyinterp.heads(model, STORIES, causal=False)


@pytest.fixture(scope="module")
def neurons(model: Model) -> Neurons:
    return tinyinterp.neurons(model, STORIES, layer=[0, 1], top=2, null_tokens=0)


Call = Callable[[Model, Heads, Neurons, Any], object]
ONE: dict[str, Call] = {
    "layer of view.attention": lambda m, _h, _n, at: view.attention(m, "Tim ran.", at).data,
    "layer of view.neurons": lambda m, _h, _n, at: view.neurons(m, "Tim ran.", at, 0).data,
    "layer of view.top_tokens": lambda m, _h, _n, at: view.top_tokens(m, at, 0, text=STORIES).data,
    "layer of a reading": lambda m, _h, _n, at: hook_of(m.decoder, at, "post")[0],
    "layer of head_lines": lambda _m, h, _n, at: h.head_lines(at, 0),
    "head of head_lines": lambda _m, h, _n, at: h.head_lines(0, at),
    "layer of a census shown": lambda _m, _h, n, at: view.top_tokens(n, at, 0).data,
    "layer of neuron_lines": lambda _m, _h, n, at: n.neuron_lines(0, at),
    "neuron of neuron_lines": lambda _m, _h, n, at: n.neuron_lines(at, 0),
}
SOME: dict[str, Call] = {
    "layers of neurons": lambda m, _h, _n, at: tinyinterp.neurons(
        m, STORIES, layer=at, top=2, null_tokens=0
    ).table.to_json(),
    "layers of the settings": lambda m, _h, _n, at: NeuronSettings(layers=at).chosen_layers(
        m.config.n_layers
    ),
    "heads of view.attention": lambda m, _h, _n, at: view.attention(m, "Tim ran.", 0, at).data,
    "neurons of view.neurons": lambda m, _h, _n, at: view.neurons(m, "Tim ran.", 0, at).data,
    "neurons of view.top_tokens": lambda m, _h, _n, at: (
        view.top_tokens(m, 0, at, text=STORIES).data
    ),
    "neurons of a census shown": lambda _m, _h, n, at: view.top_tokens(n, 0, at).data,
}


@pytest.mark.parametrize("call", (ONE | SOME).values(), ids=(ONE | SOME).keys())
def test_every_index_takes_numpy_integers_and_refuses_the_rest(
    model: Model, heads: Heads, neurons: Neurons, call: Call
):
    expected = call(model, heads, neurons, 1)
    assert call(model, heads, neurons, np.int64(1)) == expected
    for wrong in (True, 1.0, "1", -1, 99):
        with pytest.raises(SelectionError) as caught:
            call(model, heads, neurons, wrong)
        assert str(caught.value).count("\n") == 0


@pytest.mark.parametrize("call", SOME.values(), ids=SOME.keys())
def test_several_are_any_sequence_but_an_empty_one(
    model: Model, heads: Heads, neurons: Neurons, call: Call
):
    assert call(model, heads, neurons, [1]) == call(model, heads, neurons, 1)
    both = call(model, heads, neurons, [0, 1])
    assert both != call(model, heads, neurons, 1)
    for same in (range(2), (0, 1), np.arange(2)):
        assert call(model, heads, neurons, same) == both
    for empty in ([], range(0)):
        with pytest.raises(SelectionError, match="was given; give at least one"):
            call(model, heads, neurons, empty)


def test_layer_0_as_a_numpy_integer_is_one_layer(model: Model):
    census = tinyinterp.neurons(model, STORIES, layer=np.int64(0), top=2, null_tokens=0)
    assert list(census.layers) == [0]
    everything = tinyinterp.neurons(model, STORIES, layer=None, top=2, null_tokens=0)
    assert list(everything.layers) == [0, 1, 2]
