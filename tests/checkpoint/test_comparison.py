"""A model that another program wrote is compared with transformers; a wrong one is refused."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import torch
import transformers
from models import tiny_checkpoint

import tinyinterp
from tests.checkpoint.foreign import FAMILIES, change_weights, random_model, written
from tinyinterp.errors import CertificateError, UncheckedError
from tinyinterp.model import Model


def wrong(model: Model) -> Model:
    """The same model with one bias of its decoder changed: it is read otherwise than stored."""
    with torch.no_grad():
        model.decoder.block(1).attn.o.bias[3] += 0.5
    return model


@pytest.mark.parametrize("family", FAMILIES)
def test_what_is_read_right_passes_in_silence(tmp_path, family, capsys):
    model = tinyinterp.load(written(tmp_path, random_model(family)))
    model.check_if_foreign()
    assert capsys.readouterr().err == ""
    assert model.comparison.worst.keys() == {"logits", "residual", "pattern"}
    assert max(model.comparison.worst.values()) < 1e-5


@pytest.mark.parametrize("prefix", ["", "model.", "_orig_mod.transformer."])
@pytest.mark.parametrize("tied", [True, False])
def test_names_that_transformers_would_not_find_are_compared_too(tmp_path, prefix, tied, capsys):
    written(tmp_path, random_model(tied=tied))
    change_weights(tmp_path, lambda w: {f"{prefix}{name}": t for name, t in w.items()})
    tinyinterp.load(tmp_path).check_if_foreign()
    assert capsys.readouterr().err == ""


def test_a_head_stored_beside_a_tied_embedding_is_compared(tmp_path):
    written(tmp_path, random_model())
    for prefix in ("", "model."):
        change_weights(
            tmp_path,
            lambda w, prefix=prefix: {
                f"{prefix}{n}": t
                for n, t in (w | {"lm_head.weight": w["transformer.wte.weight"] + 1}).items()
            },
        )
        tinyinterp.load(tmp_path).check_if_foreign()


def test_what_is_read_wrong_is_refused_with_numbers(tmp_path):
    model = wrong(tinyinterp.load(written(tmp_path, random_model())))
    with pytest.raises(CertificateError, match=r"logits [0-9.]+e[+-]\d+.*NOT all below 1e-04") as c:
        model.check_if_foreign()
    assert "\n" not in str(c.value)
    assert "config.json" in str(c.value)
    for census in (tinyinterp.heads, lambda model: tinyinterp.neurons(model, layer=0)):
        with pytest.raises(CertificateError, match="NOT all below"):
            census(model)


def test_what_our_trainer_wrote_is_not_compared(tmp_path):
    tiny_checkpoint(tmp_path)
    wrong(tinyinterp.load(tmp_path)).check_if_foreign()
    (tmp_path / "training.json").write_text(json.dumps({"imported_from": "nanoGPT"}))
    with pytest.raises(CertificateError):
        wrong(tinyinterp.load(tmp_path)).check_if_foreign()


def test_what_transformers_cannot_open_is_said_to_be_unchecked(tmp_path, monkeypatch, capsys):
    model = tinyinterp.load(written(tmp_path, random_model()))

    def fail(*_: object, **__: object) -> None:
        raise ValueError("not\nthis one")

    monkeypatch.setattr(transformers.AutoModelForCausalLM, "from_pretrained", fail)
    model.check_if_foreign()
    (line,) = capsys.readouterr().err.splitlines()
    assert line.endswith("so the numbers cannot be compared: not this one")
    with pytest.raises(UncheckedError):
        _ = model.comparison


def test_the_report_on_missing_weights_is_not_printed(tmp_path: Path, capfd):
    written(tmp_path, random_model())
    change_weights(tmp_path, lambda w: {f"model.{name}": t for name, t in w.items()})
    tinyinterp.load(tmp_path).check_if_foreign()
    captured = capfd.readouterr()
    assert captured.out + captured.err == ""
