from __future__ import annotations

import numpy as np
import pytest
import torch
from models import STORIES, tiny_checkpoint

import tinyinterp
from tinyinterp import view
from tinyinterp.errors import CorpusError, SelectionError
from tinyinterp.model import Model
from tinyinterp.neuron_census import NeuronCensus
from tinyinterp.run import value_at
from tinyinterp.views.quantise import pack_pattern

TEXT = "Tim saw a dog.\nIt said “\U0001f600”"


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Model:
    return tinyinterp.load(tiny_checkpoint(tmp_path_factory.mktemp("tiny") / "model").folder)


@pytest.fixture(scope="module")
def census(model: Model) -> NeuronCensus:
    return tinyinterp.neurons(model, STORIES, layer=1, null_tokens=0)


def test_view_is_reached_from_the_package():
    assert tinyinterp.view is view
    assert "view" in dir(tinyinterp)


def test_attention_is_that_of_the_hooked_model(model: Model):
    read = model.read(TEXT)
    expected = model.hooked.run_with_cache(read.ids[None])[1]["pattern", 1][0].numpy()
    patterns = value_at(model.decoder, read.ids, "blocks.1.attn.hook_pattern").numpy()
    np.testing.assert_allclose(patterns, expected, atol=1e-5)
    widget = view.attention(model, TEXT, layer=1)
    assert widget.data["names"] == ["Head 0", "Head 1"]
    found = [pack_pattern(pattern) for pattern in patterns]
    assert widget.data["patterns"] == found
    assert view.attention(model, TEXT, layer=1, heads=1).data["patterns"] == found[1:]
    assert widget.title == "Attention of layer 1 (local) of model"


def test_a_text_starts_with_the_token_that_stories_start_with(model: Model):
    read = model.read(TEXT)
    assert read.tokens[0] == "<|endoftext|>"
    assert int(read.ids[0]) == model.tokenizer.end_of_text
    assert "<0xF0>" in read.tokens
    assert read.ids.dtype == torch.int64


def test_neurons_are_those_of_the_hooked_model(model: Model):
    read = model.read(TEXT)
    expected = model.hooked.run_with_cache(read.ids[None])[1]["post", 2][0].numpy()
    data = view.neurons(model, TEXT, layer=2, neuron=(7, 3)).data
    assert [choice["name"] for choice in data["choices"]] == ["neuron 2.7", "neuron 2.3"]
    values = data["choices"][1]["texts"][0]["values"]
    np.testing.assert_allclose(values, expected[:, 3], rtol=0.006, atol=1e-5)


def test_top_tokens_of_a_model_are_its_largest_values(model: Model):
    data = view.top_tokens(model, 2, 5, text=STORIES, k=4).data
    found = [max(v for v in text["values"]) for text in data["choices"][0]["texts"]]
    every = []
    for story in STORIES:
        read = model.read(story)
        every += value_at(model.decoder, read.ids, "blocks.2.mlp.hook_post")[1:, 5].tolist()
    np.testing.assert_allclose(found, sorted(every, reverse=True)[:4], rtol=0.006)


def test_top_tokens_of_a_census_are_those_it_kept(census: NeuronCensus):
    data = view.top_tokens(census, 1, [4, 2], k=3).data
    assert [choice["name"] for choice in data["choices"]] == ["neuron 1.4", "neuron 1.2"]
    hits = [hit for hit in census.top if hit["neuron"] == 2][:3]
    texts = data["choices"][1]["texts"]
    assert [text["values"][1] for text in texts] == [
        float(f"{hit['activation']:.3g}") for hit in hits
    ]
    assert [text["values"][::2] for text in texts] == [[None, None]] * 3
    assert [text["tokens"][1] for text in texts] == [hit["token"] for hit in hits]


def test_a_census_and_a_model_agree_on_the_best_place(model: Model, census: NeuronCensus):
    for neuron in range(7):
        of_census = view.top_tokens(census, 1, neuron, k=1).data["choices"][0]["texts"][0]
        of_model = view.top_tokens(model, 1, neuron, k=1, text=STORIES).data
        values = of_model["choices"][0]["texts"][0]["values"]
        assert max(values) == pytest.approx(of_census["values"][1], abs=1e-3)


@pytest.mark.parametrize("text", ["", " \n\t"])
def test_an_empty_text_is_refused(model: Model, text: str):
    with pytest.raises(CorpusError, match="the text is empty; give at least one word"):
        view.attention(model, text, 0)


def test_half_of_a_surrogate_pair_is_refused(model: Model):
    with pytest.raises(CorpusError, match="half of a surrogate pair; give whole characters"):
        view.attention(model, "a \ud83d b", 0)
    with pytest.raises(CorpusError, match="half of a surrogate pair"):
        tinyinterp.generate(model, "\ud83d")


def test_numbers_may_come_from_a_data_frame(model: Model):
    found = view.neurons(model, TEXT, 0, np.int64(3)).data
    assert found == view.neurons(model, TEXT, 0, 3).data
    assert view.neurons(model, TEXT, 0, [np.int64(3)]).data == found
    assert len(view.attention(model, TEXT, 0, heads=np.int64(1)).data["names"]) == 1


def test_a_text_beyond_the_context_is_refused(model: Model):
    longest = "\n" * 96
    assert len(model.read(f"x{longest[1:]}").ids) <= 97
    with pytest.raises(CorpusError, match=r"holds 97, one of them .* give at most 96"):
        view.neurons(model, " dog" * 97, 0, 0)


def test_what_does_not_exist_is_refused(model: Model, census: NeuronCensus):
    with pytest.raises(SelectionError, match="no layer 3; this model has 3, counted from 0 to 2"):
        view.attention(model, TEXT, 3)
    with pytest.raises(SelectionError, match="no head 2"):
        view.attention(model, TEXT, 0, heads=[0, 2])
    with pytest.raises(SelectionError, match="no layer -1"):
        view.neurons(model, TEXT, -1, 0)
    with pytest.raises(SelectionError, match="no neuron 31"):
        view.neurons(model, TEXT, 0, 31)
    with pytest.raises(SelectionError, match="no neuron was given"):
        view.neurons(model, TEXT, 0, [])
    with pytest.raises(SelectionError, match="layer 0 is not in this census; choose one of 1"):
        view.top_tokens(census, 0, 0)
    with pytest.raises(SelectionError, match="no neuron 31"):
        view.top_tokens(census, 1, 31)
    with pytest.raises(SelectionError, match="k is 0; expected a whole number, at least 1"):
        view.top_tokens(model, 0, 0, k=0)
    with pytest.raises(SelectionError, match="no layer 5"):
        view.top_tokens(model, 5, 0)


def test_widgets_of_the_smallest_model(tmp_path_factory: pytest.TempPathFactory):
    folder = tmp_path_factory.mktemp("one") / "model"
    one = tiny_checkpoint(folder, "gpt2", n_layers=1, n_heads=1, d_model=6, d_mlp=1)
    model = tinyinterp.load(one.folder)
    assert len(view.attention(model, TEXT, 0).data["patterns"]) == 1
    assert len(view.neurons(model, TEXT, 0, 0).data["choices"]) == 1


def test_a_model_is_no_census(model: Model):
    for show in (view.kinds, view.scores, view.profiles, view.causal):
        with pytest.raises(SelectionError, match="take one with"):
            show(model)
