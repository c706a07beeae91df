"""What a model does with one text, drawn: the numbers are those of the run."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from models import STORIES, tiny_checkpoint

import tinyinterp
from tinyinterp import view
from tinyinterp.errors import CorpusError, SelectionError
from tinyinterp.model import Model
from tinyinterp.run import head, neuron
from tinyinterp.views.quantise import pack_pattern
from tinyinterp.views.style import show_token

TEXT = "Tim saw a dog.\nIt said “\U0001f600”"
OFF = [head(1, 0), neuron(2, 7)]


@pytest.fixture(scope="module", params=["gpt_neo", "gpt2"])
def model(tmp_path_factory: pytest.TempPathFactory, request: pytest.FixtureRequest) -> Model:
    folder = tmp_path_factory.mktemp("tiny") / "model"
    return tinyinterp.load(tiny_checkpoint(folder, request.param).folder)


def test_all_heads_are_those_of_the_run_by_layer(model: Model):
    run = model.run(TEXT)
    data = view.text(model, TEXT).data
    assert data["names"] == [f"L{layer}H{head}" for layer in range(3) for head in range(2)]
    expected = [
        pack_pattern(run.patterns[layer, head].numpy()) for layer in range(3) for head in (0, 1)
    ]
    assert data["patterns"] == expected
    np.testing.assert_allclose(data["losses"], run.losses, atol=0.0051)


def test_a_text_of_one_token_is_shown(model: Model):
    assert len(view.text(model, "x").data["losses"]) == 1


def test_a_run_is_taken_in_place_of_a_text_and_named(model: Model):
    run = model.run(TEXT, off=OFF, instead="zero")
    for shown in (
        view.text(model, run),
        view.attention(model, run, 2),
        view.head_lines(model, run, 2, 1),
        view.lens(model, run),
        view.logit_attribution(model, run),
        view.neurons(model, run, 2, 7),
    ):
        assert "model without L1H0, L2N7" in shown.title
    assert view.attention(model, run, 2).data["patterns"] == [
        pack_pattern(each) for each in run.patterns[2].numpy()
    ]
    values = view.neurons(model, run, 2, [7, 3]).data["choices"]
    assert set(values[0]["texts"][0]["values"]) == {0.0}
    np.testing.assert_allclose(
        values[1]["texts"][0]["values"], run.activations[2, :, 3], rtol=0.006, atol=1e-5
    )


@pytest.mark.parametrize("off", [[], OFF], ids=["whole", "off"])
def test_the_same_is_shown_of_a_text_and_of_its_run(model: Model, off: list[Any]):
    run = model.run(TEXT, off=off, instead="zero")
    same = view.attention(model, TEXT, 2).data == view.attention(model, run, 2).data
    assert same == (not off)


def test_the_lens_ends_with_what_the_model_predicts(model: Model):
    run = model.run(TEXT)
    data = view.lens(model, TEXT, k=3).data
    assert data["levels"] == ["layer 2", "layer 1", "layer 0", "embedding"]
    found = run.logits.softmax(-1).topk(3)
    for at, cell in enumerate(data["rows"][0]):
        said = [(data["words"][word], share) for word, share in cell["likeliest"]]
        texts = [model.tokenizer.token_text(int(token)) for token in found.indices[at]]
        assert [share for _, share in said] == [f"{p:.3f}" for p in found.values[at].tolist()]
        assert [word for word, _ in said] == list(map(show_token, texts))
        if cell["next"]:
            assert cell["next"][1] == pytest.approx(np.exp(-float(run.losses[at])), rel=1e-3)


def test_the_parts_of_a_logit_sum_to_it(model: Model):
    run = model.run(TEXT)
    picture = view.logit_attribution(model, TEXT, position=3, token=11)
    heat = picture.plotly.data[0]
    cells = np.asarray(heat.z)
    assert cells.shape == (3, 4)
    said = picture.plotly.layout.annotations[0].text
    assert said.startswith(f"{run.logits[3, 11].item():.2f} = heads {cells[:, :2].sum():+.2f}, ")
    assert f"MLPs {cells[:, 2].sum():+.2f}" in said


def test_without_a_token_it_is_the_likeliest_after_the_last(model: Model):
    run = model.run(TEXT)
    likeliest = int(run.logits[-1].argmax())
    found = view.logit_attribution(model, TEXT).plotly.data[0]
    last = len(run.ids) - 1
    assert found == view.logit_attribution(model, TEXT, last, likeliest).plotly.data[0]


def test_a_token_may_be_written_and_be_held_against_another(model: Model):
    tim, dog = (model.tokenizer.encode(word).ids[0] for word in ("Tim", "."))
    written = view.logit_attribution(model, TEXT, 3, "Tim", ".")
    assert "Tim against ." in written.title
    cells = [
        np.asarray(view.logit_attribution(model, TEXT, 3, each).plotly.data[0].z)
        for each in (tim, dog)
    ]
    found = np.asarray(written.plotly.data[0].z)
    np.testing.assert_allclose(found, cells[0] - cells[1], atol=1e-9)


def test_both_forms_of_an_attribution_show_the_same(model: Model):
    picture = view.logit_attribution(model, TEXT)
    image = picture.matplotlib.axes[0].images[0].get_array()
    np.testing.assert_allclose(np.asarray(image), np.asarray(picture.plotly.data[0].z))
    words = [text.get_text() for text in picture.matplotlib.axes[0].texts]
    assert words == [text for row in picture.plotly.data[0].text for text in row]


def test_everything_is_saved(model: Model, tmp_path: Path):
    assert view.text(model, TEXT).save(tmp_path / "text.html").stat().st_size < 200_000
    assert view.head_lines(model, TEXT, 0, 1).save(tmp_path / "lines.html").stat().st_size > 0
    assert view.lens(model, TEXT).save(tmp_path / "lens.html").stat().st_size > 0
    assert view.logit_attribution(model, TEXT).save(tmp_path / "a.svg").stat().st_size > 0


def test_a_run_of_another_model_is_refused(model: Model, tmp_path: Path):
    other = tinyinterp.load(tiny_checkpoint(tmp_path / "other", n_layers=2).folder)
    for show in (view.text, view.lens, view.logit_attribution):
        with pytest.raises(
            SelectionError, match=r"^the run is of a model with 2 layers of 2 heads"
        ):
            show(model, other.run(TEXT))


@pytest.mark.parametrize(
    ("given", "says"),
    [
        ({"position": -1}, "there is no position -1; this text has"),
        (
            {"token": "Tim saw"},
            r"^token is 'Tim saw', which is \d tokens of this model: \['Tim',",
        ),
        ({"against": 1000}, "there is no against 1000; this model has 281"),
    ],
)
def test_what_has_no_logit_is_refused(model: Model, given: dict[str, Any], says: str):
    with pytest.raises(SelectionError, match=says):
        view.logit_attribution(model, TEXT, **given)


def test_a_text_beyond_the_context_is_refused_everywhere(model: Model):
    for show in (view.text, view.lens, view.logit_attribution):
        with pytest.raises(CorpusError, match="give at most 96"):
            show(model, " dog" * 97)


def test_tensors_of_ones_own_are_shown_as_they_are(model: Model):
    run, off = model.run(TEXT), model.run(TEXT, off=OFF, instead="zero")
    difference = off.patterns[2] - run.patterns[2]
    data = view.pattern(run.tokens, difference).data
    assert data["signed"]
    assert data["most"] == pytest.approx(float(difference.abs().max()), rel=0.01)
    assert data == view.pattern(run.tokens, difference.numpy()).data
    assert data == view.pattern(run.tokens, difference[None]).data
    weights = view.pattern(run.tokens, run.patterns[0, 1].bfloat16(), names=["mine"]).data
    assert weights["names"] == ["mine"]
    assert not weights["whole"]


def test_values_of_ones_own_have_a_scale_of_their_own():
    tokens = ["a", " b", " c"]
    data = view.values(tokens, torch.tensor([0.001, -0.002, torch.nan], requires_grad=True)).data
    (choice,) = data["choices"]
    assert choice["most"] == 0.002
    assert choice["texts"][0]["values"] == [0.001, -0.002, None]
    rows = view.values(tokens, [[0, 0, 0], [1, 2, 3]], names=["none", "some"]).data["choices"]
    assert [(row["name"], row["most"]) for row in rows] == [("none", 1.0), ("some", 3.0)]


def test_a_left_context_that_is_cut_is_marked(model: Model):
    texts = view.top_tokens(model, 2, 5, text=STORIES, k=12).data["choices"][0]["texts"]
    starts = {text["tokens"][0][0] for text in texts}
    assert starts == {"…", "<"}  # in the middle of a story; at its end-of-text
