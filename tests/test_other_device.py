"""Whole analyses on a device that refuses what a card refuses, beside the same on the CPU."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from models import STORIES, tiny_checkpoint, tiny_compressor_checkpoint
from other_device import DEVICE, MismatchError, other_device
from typer.testing import CliRunner

import tinyinterp
from tinyinterp import devices
from tinyinterp.cli.app import app
from tinyinterp.devices import moved, on_the_cpu
from tinyinterp.errors import SelectionError
from tinyinterp.evaluation.loss import measure_text_loss
from tinyinterp.evaluation.loss_parts import measure_loss_by
from tinyinterp.head_census import nulls, shuffled
from tinyinterp.model import Model, load_any
from tinyinterp.model_account import account as accounts
from tinyinterp.neuron_census.effects import ablate
from tinyinterp.tagging import TagReader

CLOSE = 1e-4


def stories() -> list[str]:
    random = np.random.default_rng(0)
    words = " ".join(STORIES).split()
    return [" ".join(random.choice(words, size=int(random.integers(7, 19)))) for _ in range(47)]


TEXT = stories()


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("device") / "gpt_neo"
    tiny_checkpoint(path)
    return path


@pytest.fixture(scope="module")
def rotary(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("device") / "llama"
    tiny_checkpoint(path, "llama")
    return path


@pytest.fixture
def device() -> Iterator[torch.device]:
    with other_device() as found:
        yield found


def there(folder: Path) -> Model:
    """The model on the other device."""
    model = tinyinterp.load(folder)
    model.decoder.to(DEVICE)
    assert model.device == DEVICE
    return model


def both(folder: Path, work: Callable[[Model], Any]) -> tuple[Any, Any]:
    """What the CPU gives, and the device."""
    want = work(tinyinterp.load(folder))
    with other_device():
        return want, work(there(folder))


def assert_same(want: Any, got: Any) -> None:
    """The same rows: words and counts exactly, numbers closely."""
    want, got = list(want), list(got)
    assert len(want) == len(got)
    for one, other in zip(want, got, strict=True):
        assert one.keys() == other.keys()
        for name, value in one.items():
            if isinstance(value, float):
                assert math.isclose(value, other[name], abs_tol=CLOSE, rel_tol=CLOSE) or (
                    math.isnan(value) and math.isnan(other[name])
                ), name
            else:
                assert value == other[name], name


def test_the_device_refuses_what_a_card_refuses(device):
    here, on_device = torch.ones(3), torch.arange(3.0, device=device)
    assert (on_device + 1).tolist() == [1, 2, 3]
    assert (on_device * torch.tensor(2.0)).cpu().tolist() == [0, 2, 4]  # a number may be anywhere
    with pytest.raises(MismatchError):
        on_device + here
    with pytest.raises(MismatchError):
        here[on_device.long()]
    with pytest.raises(RuntimeError):
        on_device.numpy()


@pytest.fixture(autouse=True)
def few_null_models(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(nulls, "MOST_MODELS", 2)
    monkeypatch.setattr(shuffled, "MOST_SHUFFLED", 1)


def test_heads(folder):
    assert_same(*both(folder, lambda model: tinyinterp.heads(model, TEXT, null_tokens=400).table))


@pytest.mark.parametrize("settings", [{}, {"per_story": True, "reading": "report"}])
def test_neurons(folder, settings):
    def work(model: Model) -> Any:
        return tinyinterp.neurons(model, TEXT, layer=[0, 2], top=5, null_tokens=300, **settings)

    want, got = both(folder, work)
    assert_same(want.table, got.table)
    assert "device" not in want.table.notes
    assert got.table.notes["device"] == str(DEVICE)
    for layer, tables in want.layers.items():
        for name in ("top", "bottom", "associations", "histograms", "whole_range"):
            rows = (getattr(each, name).to_pylist() for each in (tables, got.layers[layer]))
            if name != "histograms":
                assert_same(*rows)


def test_account(folder, monkeypatch):
    # torch has no gradients for such a device, so these are taken on the CPU here.
    attributions = accounts.neuron_attributions

    def on_cpu(decoder, fitted, *others):
        return attributions(on_the_cpu(decoder), moved(fitted, torch.device("cpu")), *others)

    monkeypatch.setattr(accounts, "neuron_attributions", on_cpu)

    def work(model: Model) -> Any:
        return tinyinterp.account(
            model, TEXT, test_tokens=300, effect_tokens=60, exact_neurons=5, rules=False
        )

    want, got = both(folder, work)
    for name in ("table", "heads", "neurons", "layers"):
        assert_same(getattr(want, name), getattr(got, name))


@pytest.mark.parametrize("settings", [{}, {"temperature": 0.0}, {"top_k": 7, "top_p": None}])
def test_generate(folder, settings):
    want, got = both(
        folder, lambda model: tinyinterp.generate(model, "Once", max_tokens=9, **settings)
    )
    assert want == got


@pytest.mark.parametrize("architecture", ["folder", "rotary"])
def test_loss(architecture, request):
    def work(model: Model) -> Any:
        whole = measure_text_loss(model.network, model.tokenizer, TEXT)
        return [vars(whole), *measure_loss_by(model, TEXT, "tag")]

    assert_same(*both(request.getfixturevalue(architecture), work))


def test_a_compressor_measures_and_writes(tmp_path):
    tiny_compressor_checkpoint(tmp_path / "compressor")

    def work(model: Any) -> Any:
        return [vars(measure_text_loss(model.network, model.tokenizer, TEXT[:9]))]

    want = work(load_any(tmp_path / "compressor"))
    with other_device():
        model = load_any(tmp_path / "compressor")
        model.network.to(DEVICE)
        assert_same(want, work(model))


@pytest.mark.parametrize("architecture", ["folder", "rotary"])
def test_run_lens_and_attribution(architecture, request):
    from tinyinterp.run.attribution import attribute, attribute_neurons
    from tinyinterp.run.lens import logit_lens

    def work(model: Model) -> Any:
        run = model.run("Once upon a time", off=["L1H1", "L2N3"])
        lens = logit_lens(model.decoder, run, 3)
        found = attribute(model.decoder, run, 3, 7)
        neurons = attribute_neurons(model.decoder, run, 3, 7)
        return [run.losses, run.patterns, run.stream, lens.probabilities, found.heads, neurons]

    for one, other in zip(*both(request.getfixturevalue(architecture), work), strict=True):
        torch.testing.assert_close(one, other, rtol=CLOSE, atol=CLOSE)


def test_ablation_of_neurons(folder):
    def work(model: Model) -> Any:
        batches = model.corpus(TEXT).micro_batches()
        means, hook = {3: 0.1, 5: 0.2}, "blocks.1.mlp.hook_post"
        found = ablate(model.decoder, batches, TagReader(), 1, means, hook_name=hook, seed=0)
        return [vars(row) for row in found]

    assert_same(*both(folder, work))


def test_a_certificate_is_of_the_weights_on_the_cpu(folder):
    want, got = both(folder, lambda model: (model.comparison, model.certificate))
    assert want == got
    assert got[1].passed


@pytest.fixture
def without_fp64(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setattr(devices, "WITHOUT_FP64", {DEVICE.type})
    with other_device(fp64=False):
        yield


@pytest.mark.usefixtures("without_fp64")
def test_without_fp64_sums_are_made_on_the_cpu(tmp_path):
    tiny_checkpoint(tmp_path)
    cpu, model = tinyinterp.load(tmp_path), there(tmp_path)
    with pytest.raises(MismatchError, match="fp64"):
        next(model.decoder.parameters()).double()
    assert_same(
        *(tinyinterp.heads(each, TEXT[:21], null_tokens=100).table for each in (cpu, model)),
    )
    assert_same(
        *(tinyinterp.neurons(each, TEXT, layer=1, null_tokens=0).table for each in (cpu, model)),
    )
    assert tinyinterp.generate(cpu, "Once", max_tokens=5) == tinyinterp.generate(
        model, "Once", max_tokens=5
    )
    assert_same(
        *(
            [vars(measure_text_loss(each.network, each.tokenizer, TEXT[:5]))]
            for each in (cpu, model)
        )
    )
    torch.testing.assert_close(
        *(each.run("Once", off=["L0H1"]).losses for each in (cpu, model)), rtol=CLOSE, atol=CLOSE
    )
    with pytest.raises(SelectionError, match="no fp64"):
        tinyinterp.account(model, TEXT)


def test_an_atlas_by_its_command(folder, tmp_path, monkeypatch):
    monkeypatch.setattr("tinyinterp.model.loading.choose_device", lambda _: DEVICE)
    text = tmp_path / "stories.txt"
    text.write_text("\n<|endoftext|>\n".join(TEXT))
    command = ["atlas", "--quick", "--ckpt", str(folder), "--text", str(text), "--device", "cuda"]
    with other_device():
        found = CliRunner().invoke(app, [*command, "--out", str(tmp_path / "atlas")])
    assert found.exit_code == 0, found.exception
    assert f"computing on {DEVICE}" in found.stderr
    assert (tmp_path / "atlas" / "index.html").is_file()
