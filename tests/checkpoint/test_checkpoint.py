from __future__ import annotations

import json
import os
import shutil
from pathlib import Path

import pytest
import torch
import transformers
from models import N_VOCAB, STORIES, random_tokens, tiny_checkpoint, tiny_decoder, tiny_tokenizer
from safetensors.torch import load_file, save_file

from tinyinterp import checkpoint
from tinyinterp.errors import CheckpointError, TokenizerError
from tinyinterp.text.tokenizer import Tokenizer

FAMILIES = [(family, tied) for family in ("gpt_neo", "gpt2") for tied in (True, False)]


@pytest.fixture(autouse=True, scope="module")
def quiet():
    transformers.utils.logging.disable_progress_bar()


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("written")
    tiny_checkpoint(folder)
    return folder


@pytest.fixture
def folder(written: Path, tmp_path: Path) -> Path:
    """A whole checkpoint that the test may damage."""
    return Path(shutil.copytree(written, tmp_path / "checkpoint"))


def open_with_transformers(folder: Path) -> torch.nn.Module:
    model = transformers.AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32)
    return model.eval()


def change_config(folder: Path, **changes: object) -> None:
    raw = json.loads((folder / "config.json").read_text())
    (folder / "config.json").write_text(json.dumps(raw | changes))


@pytest.mark.parametrize(("family", "tied"), FAMILIES)
def test_what_is_saved_comes_back_and_transformers_computes_the_same(tmp_path, family, tied):
    decoder, tokens = tiny_decoder(family, tied=tied), random_tokens()
    checkpoint.save(tmp_path, decoder, tiny_tokenizer(), {"step": 17})
    again = checkpoint.load(tmp_path)
    assert again.decoder.config == decoder.config
    assert again.training == {"step": 17}
    assert torch.equal(again.decoder(tokens), decoder(tokens))
    assert (again.decoder.unembed.weight is again.decoder.embed.weight) == tied
    theirs = open_with_transformers(tmp_path)(tokens).logits
    torch.testing.assert_close(again.decoder(tokens), theirs, rtol=0, atol=1e-4)


@pytest.mark.parametrize(("family", "tied"), FAMILIES)
@pytest.mark.parametrize("shard", ["1GB", "20KB"])
def test_what_transformers_writes_is_read(tmp_path, family, tied, shard):
    if family == "gpt2":
        config = transformers.GPT2Config(
            vocab_size=N_VOCAB, n_positions=97, n_embd=26, n_layer=3, n_head=2
        )
    else:
        config = transformers.GPTNeoConfig(
            vocab_size=N_VOCAB,
            max_position_embeddings=97,
            hidden_size=26,
            num_layers=4,
            num_heads=2,
            attention_types=[[["global", "local"], 2]],
            window_size=7,
        )
    config.tie_word_embeddings = tied
    config.bos_token_id = config.eos_token_id = 0
    torch.manual_seed(5)
    model = transformers.AutoModelForCausalLM.from_config(config).eval()
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.add_(torch.randn(parameter.shape), alpha=0.2)
    model.save_pretrained(tmp_path, max_shard_size=shard)
    tiny_tokenizer().save(tmp_path)
    assert (tmp_path / "model.safetensors.index.json").exists() == (shard == "20KB")
    ours, tokens = checkpoint.load(tmp_path).decoder, random_tokens()
    assert ours.config.d_mlp == 4 * 26
    torch.testing.assert_close(ours(tokens), model(tokens).logits, rtol=0, atol=1e-4)


def test_our_tokenizer_and_that_of_transformers_agree(written):
    theirs = transformers.AutoTokenizer.from_pretrained(written)
    ours = Tokenizer.open(written)
    for text in ("Lily saw a cat.\n\nThe “end”.", "  two  spaces, ñ and 🐢", "<|endoftext|>Tim"):
        assert theirs(text, split_special_tokens=True)["input_ids"] == ours.encode(text).ids
        assert theirs.decode(ours.encode(text).ids) == text
    assert theirs.eos_token_id == ours.end_of_text


def test_sixteen_bits_in_the_file_are_fp32_in_memory(tmp_path):
    opened = tiny_checkpoint(tmp_path, dtype=torch.float16)
    stored = load_file(tmp_path / "model.safetensors")
    assert {tensor.dtype for tensor in stored.values()} == {torch.float16}
    original = tiny_decoder()
    for name, parameter in opened.decoder.named_parameters():
        assert parameter.dtype == torch.float32
        assert torch.equal(parameter, original.get_parameter(name).half().float())
    assert checkpoint.load(tmp_path, torch.float64).decoder.embed.weight.dtype == torch.float64


def test_a_loaded_decoder_is_for_reading(written):
    decoder = checkpoint.load(written).decoder
    assert not decoder.training
    assert not any(parameter.requires_grad for parameter in decoder.parameters())


@pytest.mark.parametrize("family", ["gpt2", "gpt_neo"])
def test_no_weight_holds_on_to_the_file(tmp_path, family):
    tiny_checkpoint(tmp_path, family)
    decoder = checkpoint.load(tmp_path).decoder
    for weight in decoder.parameters():
        assert weight.untyped_storage().nbytes() == weight.nbytes


def test_a_tied_head_is_stored_once(written, tmp_path):
    assert "lm_head.weight" not in load_file(written / "model.safetensors")
    tiny_checkpoint(tmp_path, tied=False)
    assert "lm_head.weight" in load_file(tmp_path / "model.safetensors")


def test_old_files_that_keep_the_mask_are_read(folder):
    weights = load_file(folder / "model.safetensors")
    weights["transformer.h.0.attn.attention.bias"] = torch.ones(1, 1, 97, 97, dtype=torch.bool)
    weights["transformer.h.0.attn.attention.masked_bias"] = torch.tensor(-1e9)
    save_file(weights, folder / "model.safetensors")
    assert checkpoint.load(folder).decoder.config.n_layers == 3


def test_saving_again_replaces_the_model_and_nothing_else(folder):
    (folder / "notes.txt").write_text("mine")
    (folder / "resume").mkdir()
    (folder / "resume" / "state.json").write_text("{}")
    first = checkpoint.fingerprint(folder)
    second = tiny_checkpoint(folder, seed=1)
    assert (folder / "notes.txt").read_text() == "mine"
    assert (folder / "resume" / "state.json").read_text() == "{}"
    assert second.fingerprint == checkpoint.fingerprint(folder) != first
    assert sorted(path.name for path in folder.iterdir()) == [
        "config.json",
        "model.safetensors",
        "notes.txt",
        "resume",
        "tokenizer.json",
        "tokenizer_config.json",
        "training.json",
    ]


def test_the_fingerprint_is_of_configuration_and_weights_alone(folder):
    first = checkpoint.fingerprint(folder)
    (folder / "training.json").write_text("{}")
    assert checkpoint.fingerprint(folder) == first
    change_config(folder, window_size=8)
    assert checkpoint.fingerprint(folder) != first


def test_a_folder_without_training_notes_is_a_foreign_model(folder):
    (folder / "training.json").unlink()
    assert checkpoint.load(folder).training == {}


def test_what_is_missing_is_named(folder, tmp_path):
    with pytest.raises(CheckpointError, match=r"nowhere is not a folder"):
        checkpoint.load(tmp_path / "nowhere")
    (folder / "model.safetensors").rename(tmp_path / "kept")
    with pytest.raises(CheckpointError, match=r"holds no model\.safetensors; copy"):
        checkpoint.load(folder)
    (folder / "config.json").unlink()
    with pytest.raises(CheckpointError, match=r"holds no config\.json"):
        checkpoint.load(folder)


def test_a_pickle_is_never_opened(folder):
    (folder / "model.safetensors").unlink()
    (folder / "pytorch_model.bin").write_bytes(b"\x80\x04.")
    with pytest.raises(CheckpointError, match="is a pickle and is never opened"):
        checkpoint.load(folder)


@pytest.mark.parametrize("kept", [0, 7, 8, 300, -1])
def test_a_truncated_file_is_refused(folder, kept):
    path = folder / "model.safetensors"
    path.write_bytes(path.read_bytes()[:kept])
    with pytest.raises(CheckpointError, match="truncated"):
        checkpoint.load(folder)


def test_weights_that_do_not_fit_the_configuration_are_refused(folder):
    weights = load_file(folder / "model.safetensors")
    path = folder / "model.safetensors"

    lost = {n: t for n, t in weights.items() if n != "transformer.h.1.mlp.c_fc.bias"}
    save_file(lost, path)
    with pytest.raises(CheckpointError, match=r"lacks 1 of .* blocks\.1\.mlp\.up\.bias"):
        checkpoint.load(folder)

    save_file(weights | {"transformer.h.7.ln_1.bias": torch.zeros(26)}, path)
    with pytest.raises(CheckpointError, match=r"a gpt_neo does not have: \['h\.7\.ln_1\.bias'\]"):
        checkpoint.load(folder)

    save_file(weights | {"transformer.ln_f.bias": torch.zeros(25)}, path)
    with pytest.raises(CheckpointError, match=r"ln_final\.bias has shape \[25\].* \[26\]"):
        checkpoint.load(folder)

    save_file(weights, path)
    change_config(folder, tie_word_embeddings=False)
    with pytest.raises(CheckpointError, match=r"lacks 1 of .* unembed\.weight"):
        checkpoint.load(folder)


def test_a_sharded_model_that_lacks_a_shard_is_refused(folder):
    path = folder / "model.safetensors"
    path.rename(folder / "model-00001-of-00002.safetensors")
    weight_map = {"a": "model-00001-of-00002.safetensors", "b": "model-00002-of-00002.safetensors"}
    index = folder / "model.safetensors.index.json"
    index.write_text(json.dumps({"weight_map": weight_map}))
    with pytest.raises(CheckpointError, match=r"holds no model-00002-of-00002\.safetensors"):
        checkpoint.load(folder)
    index.write_text("{}")
    with pytest.raises(CheckpointError, match="weight_map"):
        checkpoint.load(folder)


def test_a_compressor_says_what_it_is(folder):
    change_config(folder, model_type="tinyinterp-compressor")
    with pytest.raises(CheckpointError, match="holds a compressor; this command needs a decoder"):
        checkpoint.load(folder)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"model_type": "mamba"}, "model_type 'mamba'; only gpt_neo, gpt2, gpt_neox, llama"),
        ({"model_type": None}, "model_type None"),
        ({"num_heads": 3}, "does not divide into 3 heads"),
        ({"hidden_size": "wide"}, "does not describe a decoder"),
        ({"attention_types": [["global"], 3]}, "does not describe a decoder"),
        ({"attention_types": [[["sparse"], 3]]}, "'sparse'"),
        ({"activation_function": "mish"}, "'mish' is not one of"),
        ({"model_type": "gpt2"}, "does not divide into 12 heads"),
    ],
)
def test_a_foreign_configuration_is_refused(folder, changes, message):
    change_config(folder, **changes)
    with pytest.raises(CheckpointError, match=message):
        checkpoint.load(folder)


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b"\xff\xfe"])
def test_a_configuration_that_is_no_json_object_is_refused(folder, content):
    (folder / "config.json").write_bytes(content)
    with pytest.raises(CheckpointError, match=r"config\.json"):
        checkpoint.load(folder)


def test_a_tokenizer_of_another_model_is_refused(folder):
    Tokenizer.train(STORIES, N_VOCAB + 2).save(folder)
    with pytest.raises(CheckpointError, match=f"tokenizer has {N_VOCAB + 2} tokens.*{N_VOCAB}"):
        checkpoint.load(folder)
    (folder / "tokenizer.json").unlink()
    with pytest.raises(TokenizerError, match="holds no tokenizer"):
        checkpoint.load(folder)


@pytest.mark.parametrize("umask", [0o022, 0o027, 0o002])
def test_all_files_may_be_read_by_whom_the_umask_lets(tmp_path, umask):
    before = os.umask(umask)
    try:
        tiny_checkpoint(tmp_path)
    finally:
        os.umask(before)
    modes = {path.name: path.stat().st_mode & 0o777 for path in tmp_path.iterdir()}
    assert modes == dict.fromkeys(modes, 0o666 & ~umask)
    assert checkpoint.WEIGHTS in modes
