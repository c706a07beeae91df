from __future__ import annotations

from pathlib import Path

import pytest
import torch
from models import N_VOCAB, random_tokens, tiny_checkpoint

from tinyinterp import model
from tinyinterp.checkpoint import hooked
from tinyinterp.errors import CheckpointError
from tinyinterp.model import Model


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("runs") / "tiny"
    tiny_checkpoint(path)
    return path


def test_a_folder_opens_with_all_that_belongs_to_it(folder):
    opened = model.load(folder)
    assert opened.name == "tiny"
    assert opened.folder == folder
    assert opened.config is opened.decoder.config
    assert opened.tokenizer.n_vocab == opened.config.n_vocab == N_VOCAB
    assert opened.checkpoint.training == {"step": 3}
    assert len(opened.fingerprint) == 64


def test_the_name_is_what_was_asked_for(folder, monkeypatch):
    monkeypatch.chdir(folder)
    assert model.load(".").name == "tiny"
    monkeypatch.setattr("tinyinterp.model.loading.find", lambda _ckpt: folder)
    assert model.load(None).name == "bundled"
    assert model.load("somebody/tiny").name == "somebody/tiny"


def test_the_hooked_form_is_made_once_and_certified(folder, monkeypatch):
    opened, calls, convert = model.load(folder), [], hooked.convert
    monkeypatch.setattr(hooked, "convert", lambda one: calls.append(one) or convert(one))
    certificate = opened.certificate
    assert certificate.passed
    assert certificate.fingerprint == opened.fingerprint
    assert opened.hooked is opened.hooked
    assert calls == [opened.checkpoint]
    assert opened.hooked.cfg.normalization_type == "LN"  # unprocessed
    tokens = random_tokens()
    torch.testing.assert_close(opened.hooked(tokens), opened.decoder(tokens), rtol=0, atol=1e-4)


def test_it_says_what_it_is(folder, tmp_path):
    opened = model.load(folder)
    assert repr(opened) == (
        "Model('tiny', gpt_neo, 3 layers (1 local, window 7), 26 wide, 2 heads, 97 positions, "
        f"281 tokens, 23,389 parameters, fingerprint {opened.fingerprint[:12]})"
    )
    gpt2 = Model(tiny_checkpoint(tmp_path, "gpt2"), "other")
    assert "gpt2, 3 layers (all global), 26 wide" in repr(gpt2)


def test_a_model_that_does_not_exist(tmp_path):
    with pytest.raises(CheckpointError, match="there is no folder"):
        model.load(tmp_path / "nowhere")
