from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
import torch
from models import (
    N_VOCAB,
    STORIES,
    random_tokens,
    tiny_checkpoint,
    tiny_compressor,
    tiny_compressor_checkpoint,
    tiny_decoder,
    tiny_tokenizer,
)
from safetensors.torch import load_file, save_file

from tinyinterp import checkpoint
from tinyinterp.checkpoint import Checkpoint, CompressorCheckpoint
from tinyinterp.errors import CheckpointError
from tinyinterp.model import CompressorModel, Model, load_any
from tinyinterp.text.tokenizer import Tokenizer


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tiny_compressor_checkpoint(tmp_path_factory.mktemp("written")).folder


@pytest.fixture
def folder(written: Path, tmp_path: Path) -> Path:
    """A whole checkpoint that the test may damage."""
    return Path(shutil.copytree(written, tmp_path / "compressor"))


def change_config(folder: Path, **changes: object) -> None:
    raw = json.loads((folder / "config.json").read_text())
    (folder / "config.json").write_text(json.dumps(raw | changes))


@pytest.mark.parametrize("tied", [True, False])
def test_what_is_saved_comes_back(tmp_path, tied):
    compressor, tokens = tiny_compressor(tied=tied), random_tokens()
    checkpoint.save(tmp_path, compressor, tiny_tokenizer(), {"step": 17})
    again = checkpoint.load_any(tmp_path)
    assert isinstance(again, CompressorCheckpoint)
    assert again.compressor.config == compressor.config
    assert again.training == {"step": 17}
    assert again.fingerprint == checkpoint.fingerprint(tmp_path)
    assert torch.equal(again.compressor(tokens), compressor(tokens))
    assert (again.compressor.unembed.weight is again.compressor.embed.weight) == tied
    assert not again.compressor.training
    assert not any(parameter.requires_grad for parameter in again.compressor.parameters())


def test_a_folder_says_that_it_is_a_compressor_and_has_our_names(written):
    assert sorted(path.name for path in written.iterdir()) == [
        "config.json",
        "model.safetensors",
        "tokenizer.json",
        "tokenizer_config.json",
        "training.json",
    ]
    config = json.loads((written / "config.json").read_text())
    assert config["model_type"] == "tinyinterp-compressor"
    assert (config["n_layers"], config["d_mlp"], config["tied"]) == (2, 31, True)
    names = load_file(written / "model.safetensors").keys()
    assert names == dict(tiny_compressor().named_parameters()).keys()
    assert "encoder.join.weight" in names
    assert "unembed.weight" not in names  # a tied head is stored once


def test_load_any_opens_a_decoder_as_load_does(tmp_path):
    decoder = tiny_checkpoint(tmp_path).decoder
    again = checkpoint.load_any(tmp_path)
    assert isinstance(again, Checkpoint)
    assert torch.equal(again.decoder(random_tokens()), decoder(random_tokens()))


def test_a_model_of_either_kind_opens_with_what_belongs_to_it(written, tmp_path):
    tiny_checkpoint(tmp_path / "small")
    decoder, compressor = load_any(tmp_path / "small"), load_any(written)
    assert isinstance(decoder, Model)
    assert decoder.network is decoder.decoder
    assert isinstance(compressor, CompressorModel)
    assert compressor.name == written.name
    assert compressor.folder == written
    assert compressor.config is compressor.network.config
    assert compressor.tokenizer.n_vocab == compressor.config.n_vocab == N_VOCAB


def test_what_needs_a_decoder_refuses_it(written):
    with pytest.raises(CheckpointError, match="holds a compressor; this command needs a decoder"):
        checkpoint.load(written)


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
def test_sixteen_bits_in_the_file_are_fp32_in_memory(tmp_path, dtype):
    checkpoint.save(tmp_path, tiny_compressor(), tiny_tokenizer(), {}, dtype)
    opened = checkpoint.load_any(tmp_path)
    assert isinstance(opened, CompressorCheckpoint)
    original = tiny_compressor()
    for name, parameter in opened.compressor.named_parameters():
        assert parameter.dtype == torch.float32
        assert torch.equal(parameter, original.get_parameter(name).to(dtype).float())


@pytest.mark.parametrize("kept", [0, 7, 300, -1])
def test_a_truncated_file_is_refused(folder, kept):
    path = folder / "model.safetensors"
    path.write_bytes(path.read_bytes()[:kept])
    with pytest.raises(CheckpointError, match="truncated"):
        checkpoint.load_any(folder)


def test_what_is_missing_is_named(folder, tmp_path):
    with pytest.raises(CheckpointError, match="nowhere is not a folder"):
        checkpoint.load_any(tmp_path / "nowhere")
    (folder / "model.safetensors").unlink()
    with pytest.raises(CheckpointError, match=r"holds no model\.safetensors"):
        checkpoint.load_any(folder)
    (folder / "config.json").unlink()
    with pytest.raises(CheckpointError, match=r"holds no config\.json"):
        checkpoint.load_any(folder)


def test_weights_that_do_not_fit_the_configuration_are_refused(folder):
    path = folder / "model.safetensors"
    weights = load_file(path)
    save_file({n: t for n, t in weights.items() if n != "decoder.first"}, path)
    with pytest.raises(CheckpointError, match=r"lacks 1 of .*decoder\.first"):
        checkpoint.load_any(folder)
    save_file(weights | {"blocks.2.ln1.bias": torch.zeros(26)}, path)
    with pytest.raises(
        CheckpointError, match=r"the model does not have: \['blocks\.2\.ln1\.bias'\]"
    ):
        checkpoint.load_any(folder)
    save_file(weights | {"pos_embed.weight": torch.zeros(48, 26)}, path)
    with pytest.raises(CheckpointError, match=r"shape \[48, 26\], config.json wants \[49, 26\]"):
        checkpoint.load_any(folder)
    checkpoint.save(folder, tiny_decoder(), tiny_tokenizer(), {})
    change_config(folder, model_type="tinyinterp-compressor")
    with pytest.raises(CheckpointError, match=r"does not describe a compressor .*has no field"):
        checkpoint.load_any(folder)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"d_model": "wide"}, "does not describe a compressor: d_model is .wide"),
        ({"n_ctx": None}, "does not describe a compressor: n_ctx is None"),
        ({"n_heads": 3}, "does not divide into 3 heads"),
        ({"n_layers": 0}, "n_layers is 0"),
        ({"tied": False}, r"lacks 1 of .* unembed\.weight"),
        ({"model_type": "compressor"}, "only gpt_neo, gpt2, gpt_neox, llama"),
    ],
)
def test_a_foreign_configuration_is_refused(folder, changes, message):
    change_config(folder, **changes)
    with pytest.raises(CheckpointError, match=message):
        checkpoint.load_any(folder)


def test_a_tokenizer_of_another_model_is_refused(folder):
    Tokenizer.train(STORIES, N_VOCAB + 2).save(folder)
    with pytest.raises(CheckpointError, match=f"tokenizer has {N_VOCAB + 2} tokens.*{N_VOCAB}"):
        checkpoint.load_any(folder)
