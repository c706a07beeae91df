"""The wrong kind of thing is refused in one sentence that says what is wanted."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from models import STORIES, tiny_checkpoint

import tinyinterp
from tests.views.examples import make_census
from tinyinterp import view
from tinyinterp.errors import CorpusError, SelectionError
from tinyinterp.model import Model

pytestmark = pytest.mark.usefixtures("unchecked")  # wrong types are given on purpose

TEXT = "Tim saw a dog."
OF_TEXT: dict[str, Callable[..., Any]] = {
    "text": view.text,
    "lens": view.lens,
    "logit_attribution": view.logit_attribution,
    "attention": lambda model, text: view.attention(model, text, 0),
    "head_lines": lambda model, text: view.head_lines(model, text, 0, 0),
    "neurons": lambda model, text: view.neurons(model, text, 0, 0),
}
OF_MODEL: dict[str, Callable[..., Any]] = {
    **{name: (lambda model, show=show: show(model, TEXT)) for name, show in OF_TEXT.items()},
    "heads": tinyinterp.heads,
    "census of neurons": lambda model: tinyinterp.neurons(model, layer=0),
    "account": tinyinterp.account,
    "generate": lambda model: tinyinterp.generate(model, TEXT),
}
OF_CENSUS: dict[str, Callable[..., Any]] = {
    "kinds": view.kinds,
    "scores": view.scores,
    "profiles": view.profiles,
    "causal": view.causal,
}


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Model:
    return tinyinterp.load(tiny_checkpoint(tmp_path_factory.mktemp("tiny") / "model").folder)


@pytest.fixture(scope="module")
def neurons(model: Model) -> Any:
    return tinyinterp.neurons(model, STORIES, layer=1, null_tokens=0)


@pytest.mark.parametrize("text", [None, 5, ["Tim", "saw"], b"Tim"], ids=repr)
@pytest.mark.parametrize("show", OF_TEXT.values(), ids=OF_TEXT.keys())
def test_a_text_that_is_no_string(model: Model, show: Callable[..., Any], text: Any):
    with pytest.raises(CorpusError, match=r"^the text is .*; expected a string, such as 'Once"):
        show(model, text)


@pytest.mark.parametrize("show", OF_MODEL.values(), ids=OF_MODEL.keys())
def test_a_model_by_name(show: Callable[..., Any]):
    for name in ("gpt2", Path("gpt2")):
        with pytest.raises(SelectionError, match=r"'gpt2' is a name, .* tinyinterp.load\('gpt2'\)"):
            show(name)
    with pytest.raises(SelectionError, match=r"expected what tinyinterp.load\(\) returns"):
        show(None)


@pytest.mark.parametrize("layer", ["4", 2.0, [0, 1], None], ids=repr)
def test_a_layer_that_is_no_number(model: Model, layer: Any):
    for show in (
        lambda: view.attention(model, TEXT, layer=layer),
        lambda: view.head_lines(model, TEXT, layer, 0),
        lambda: view.neurons(model, TEXT, layer, 0),
        lambda: view.top_tokens(model, layer, 0),
    ):
        with pytest.raises(
            SelectionError, match=r"^layer is .*; expected a whole number from 0 to 2"
        ):
            show()


@pytest.mark.parametrize("heads", ["3", 1.0, [0.0]], ids=repr)
def test_heads_that_are_no_numbers(model: Model, heads: Any):
    with pytest.raises(SelectionError, match=r"^head is .*; expected a whole number from 0 to 1"):
        view.attention(model, TEXT, 0, heads=heads)


@pytest.mark.parametrize("k", ["3", 1.5, 0, None, True], ids=repr)
def test_a_k_that_is_no_count(model: Model, k: Any):
    for show in (lambda: view.top_tokens(model, 0, 0, k=k), lambda: view.lens(model, TEXT, k=k)):
        with pytest.raises(SelectionError, match=r"^k is .*; expected a whole number, at least 1$"):
            show()


@pytest.mark.parametrize(
    "given", ["x", None, 5, [], {}, object()], ids=lambda given: type(given).__name__
)
@pytest.mark.parametrize("show", OF_CENSUS.values(), ids=OF_CENSUS.keys())
def test_what_is_no_census(show: Callable[..., Any], given: Any):
    says = r"given, but this shows a census: take one with tinyinterp.heads\(model\) or"
    with pytest.raises(SelectionError, match=says):
        show(given)


@pytest.mark.parametrize("show", [view.profiles, view.causal])
def test_a_census_of_neurons_where_heads_are_shown(neurons: Any, show: Callable[..., Any]):
    says = r"^a census of neurons was given, but .* of heads: take .* tinyinterp.heads\(model\)$"
    with pytest.raises(SelectionError, match=says):
        show(neurons)


def test_a_census_of_heads_where_neurons_are_shown():
    with pytest.raises(SelectionError, match=r"^Census is neither a model nor a census of neurons"):
        view.top_tokens(make_census(2, 3, 5), 0, 0)
    with pytest.raises(SelectionError, match=r"^'gpt2' is a name"):
        view.top_tokens("gpt2", 0, 0)


@pytest.mark.parametrize("given", ["x", None, make_census(2, 3, 5)], ids=["x", "None", "census"])
def test_what_is_no_account_and_no_table_of_training(given: Any):
    with pytest.raises(SelectionError, match=r"shows an account: take one with tinyinterp.account"):
        view.account(given)
    with pytest.raises(SelectionError, match="shows an account"):
        view.ladder(given, 0, head=0)
    with pytest.raises(SelectionError, match=r"the table of tinyinterp.head_census.formation"):
        view.formation(given)


@pytest.mark.parametrize("text", [5, 1.5, b"x"], ids=repr)
def test_what_is_neither_a_path_nor_stories(model: Model, text: Any):
    for show in (lambda: view.top_tokens(model, 0, 0, text=text), lambda: model.corpus(text)):
        with pytest.raises(CorpusError, match="expected the path of a file or folder, or a list"):
            show()


@pytest.mark.parametrize("prompt", [None, 5, ["Once"]], ids=repr)
def test_a_prompt_that_is_no_text(model: Model, prompt: Any):
    with pytest.raises(CorpusError, match=r"^the prompt is .*; expected a string"):
        tinyinterp.generate(model, prompt)


@pytest.mark.parametrize(
    "array",
    [
        np.zeros((2, 3)),
        np.zeros((3, 2)),
        np.zeros(3),
        np.zeros((0, 3, 3)),
        np.zeros((2, 1, 3, 3)),
        1,
    ],
    ids=lambda array: str(np.shape(array)),
)
def test_a_pattern_of_another_shape(array: Any):
    with pytest.raises(
        SelectionError, match=r"expected \[3, 3\] or \[heads, 3, 3\], as there are 3"
    ):
        view.pattern(["a", "b", "c"], array)


@pytest.mark.parametrize("array", [np.zeros(2), np.zeros((3, 2)), np.zeros((0, 3)), 1.0], ids=repr)
def test_values_of_another_shape(array: Any):
    with pytest.raises(
        SelectionError, match=r"expected \[3\] or \[rows, 3\], as there are 3 tokens"
    ):
        view.values(["a", "b", "c"], array)


@pytest.mark.parametrize("array", ["x", [[1, 2], [3]], {"a": 1}, [["a"]]], ids=repr)
def test_what_is_no_array(array: Any):
    with pytest.raises(SelectionError, match="is no array of numbers: give a torch tensor"):
        view.pattern(["a"], array)


@pytest.mark.parametrize("tokens", ["abc", None, [], [1, 2, 3], 5], ids=repr)
def test_what_are_no_tokens(tokens: Any):
    for show in (view.pattern, view.values):
        with pytest.raises(SelectionError, match="expected a list with the text of each token"):
            show(tokens, np.zeros((3, 3)))


@pytest.mark.parametrize("names", ["ab", ["a"], 5], ids=repr)
def test_names_that_do_not_fit(names: Any):
    with pytest.raises(SelectionError, match="expected 2 names, one for each head"):
        view.pattern(["a"], np.zeros((2, 1, 1)), names=names)
