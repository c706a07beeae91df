"""What other programs store: the logits of transformers, or refused with the cause."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import torch
import transformers
from models import N_VOCAB, random_tokens, tiny_compressor_checkpoint
from safetensors.torch import load_file, save_model

from tests.checkpoint.foreign import FAMILIES, FILE, change_weights, random_model, written
from tinyinterp import checkpoint, load
from tinyinterp.errors import CheckpointError


def same_logits(folder: Path, model: torch.nn.Module) -> checkpoint.Checkpoint:
    opened, tokens = checkpoint.load(folder), random_tokens()
    torch.testing.assert_close(opened.decoder(tokens), model(tokens).logits, rtol=0, atol=1e-4)
    return opened


def refused(folder: Path) -> str:
    with pytest.raises(CheckpointError) as caught:
        checkpoint.load(folder)
    assert "\n" not in str(caught.value)
    return str(caught.value)


@pytest.mark.parametrize("family", FAMILIES)
def test_a_head_that_config_ties_but_the_file_does_not_is_used_as_stored(tmp_path, family, capsys):
    model = random_model(family)
    written(tmp_path, model)
    head = torch.randn(N_VOCAB, 26, generator=torch.Generator().manual_seed(1))
    change_weights(tmp_path, lambda weights: weights | {"lm_head.weight": head})
    theirs = transformers.AutoModelForCausalLM.from_pretrained(tmp_path, dtype=torch.float32).eval()
    capsys.readouterr()
    tokens = random_tokens()
    assert (theirs(tokens).logits - model(tokens).logits).abs().max() > 1
    opened = same_logits(tmp_path, theirs)
    assert not opened.decoder.config.tied
    load(tmp_path)
    (line,) = capsys.readouterr().err.splitlines()
    assert "ties the output head" in line
    assert "stored head is used" in line


@pytest.mark.parametrize("family", FAMILIES)
def test_a_head_that_is_stored_twice_is_still_tied(tmp_path, family):
    model = random_model(family)
    written(tmp_path, model)
    change_weights(tmp_path, lambda w: w | {"lm_head.weight": w["transformer.wte.weight"]})
    opened = same_logits(tmp_path, model)
    assert opened.decoder.config.tied
    assert opened.notes == ()


@pytest.mark.parametrize("family", FAMILIES)
def test_of_a_tied_pair_the_head_alone_is_enough(tmp_path, family):
    model = random_model(family)
    written(tmp_path, model)
    save_model(model, str(tmp_path / FILE))
    stored = load_file(tmp_path / FILE)
    assert ("lm_head.weight" in stored) != ("transformer.wte.weight" in stored)

    def head_alone(weights):
        embedding = weights.pop("transformer.wte.weight", None)
        return weights if embedding is None else weights | {"lm_head.weight": embedding}

    change_weights(tmp_path, head_alone)
    assert same_logits(tmp_path, model).decoder.config.tied


@pytest.mark.parametrize("tied", [True, False])
@pytest.mark.parametrize(
    "prefix",
    [
        "model.",  # Lightning
        "net.",  # Lightning, whatever the attribute is called
        "module.",
        "_orig_mod.",
        "module._orig_mod.model.",
        "_forward_module.model.",
    ],
)
def test_a_wrapper_s_prefix_is_only_a_name(tmp_path, prefix, tied):
    model = random_model(tied=tied)
    written(tmp_path, model)
    change_weights(tmp_path, lambda w: {f"{prefix}{name}": t for name, t in w.items()})
    same_logits(tmp_path, model)


@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize("tied", [True, False])
def test_transformer_may_be_missing_or_doubled_in_a_name(tmp_path, family, tied):
    model = random_model(family, tied=tied)
    written(tmp_path, model)
    change_weights(
        tmp_path, lambda w: {name.removeprefix("transformer."): t for name, t in w.items()}
    )
    same_logits(tmp_path, model)
    change_weights(
        tmp_path, lambda w: {f"transformer.transformer.{name}": t for name, t in w.items()}
    )
    same_logits(tmp_path, model)


def test_compiled_blocks_have_the_wrapper_in_the_middle_of_a_name(tmp_path):
    model = random_model()
    written(tmp_path, model)
    change_weights(
        tmp_path,
        lambda w: {name.replace(".attn.", "._orig_mod.attn."): t for name, t in w.items()},
    )
    same_logits(tmp_path, model)


def test_two_models_in_one_file_are_refused(tmp_path):
    written(tmp_path, random_model())
    change_weights(
        tmp_path,
        lambda w: (
            {f"model.{n}": t for n, t in w.items()}
            | {f"module.model.model.{n}": t + 1 for n, t in w.items()}
        ),
    )
    assert "holds two different weights for" in refused(tmp_path)


@pytest.mark.parametrize("value", [float("nan"), float("inf"), float("-inf")])
@pytest.mark.parametrize("dtype", [torch.float32, torch.float16, torch.bfloat16])
def test_weights_that_are_no_numbers_are_refused(tmp_path, value, dtype):
    written(tmp_path, random_model())

    def spoilt(weights):
        weights = {name: tensor.to(dtype) for name, tensor in weights.items()}
        weights["transformer.h.1.mlp.c_fc.weight"][3, 5] = value
        return weights

    change_weights(tmp_path, spoilt)
    said = refused(tmp_path)
    assert str(tmp_path / FILE) in said
    assert f"1 of {26 * 31} numbers in transformer.h.1.mlp.c_fc.weight" in said
    assert f"the first is {value} at [3, 5]" in said


def test_a_weight_too_large_for_32_bits_is_refused(tmp_path):
    written(tmp_path, random_model())
    change_weights(
        tmp_path,
        lambda w: w | {"transformer.ln_f.bias": torch.full((26,), 1e300, dtype=torch.float64)},
    )
    assert "26 of 26 numbers in transformer.ln_f.bias" in refused(tmp_path)


def test_a_mask_of_minus_infinity_is_no_weight(tmp_path):
    model = random_model("gpt_neo")
    written(tmp_path, model)
    masks = {
        "transformer.h.0.attn.attention.bias": torch.ones(1, 1, 97, 97, dtype=torch.uint8),
        "transformer.h.0.attn.attention.masked_bias": torch.tensor(-1e9).half(),
    }
    assert masks["transformer.h.0.attn.attention.masked_bias"].isinf()
    change_weights(tmp_path, lambda weights: weights | masks)
    same_logits(tmp_path, model)


def test_a_compressor_of_nan_is_refused(tmp_path):
    tiny_compressor_checkpoint(tmp_path)
    change_weights(tmp_path, lambda w: w | {"decoder.first": torch.full((26,), float("nan"))})
    with pytest.raises(CheckpointError, match=r"26 of 26 numbers in decoder\.first are NaN"):
        checkpoint.load_any(tmp_path)


@pytest.mark.parametrize("dtype", [torch.int8, torch.uint8, torch.float8_e4m3fn, torch.int32])
def test_weights_in_another_form_than_plain_floats_are_refused(tmp_path, dtype):
    written(tmp_path, random_model())
    name = "transformer.h.0.mlp.c_fc.weight"
    change_weights(tmp_path, lambda w: w | {name: w[name].to(dtype)})
    said = refused(tmp_path)
    assert "holds quantised weights" in said
    assert name in said
    assert "dequantise" in said


@pytest.mark.parametrize(
    "part",
    ["qweight", "weight.absmax", "weight.quant_state.bitsandbytes__nf4", "SCB", "weight_scale"],
)
def test_what_a_quantiser_stores_beside_a_weight_names_it(tmp_path, part):
    written(tmp_path, random_model())
    name = f"transformer.h.0.mlp.c_fc.{part}"
    change_weights(tmp_path, lambda w: w | {name: torch.ones(31)})
    assert f"quantised weights ({name}" in refused(tmp_path)


@pytest.mark.parametrize(
    "name", ["../model.safetensors", "/etc/passwd", "a/../../b", "C:\\model", "..\\model", "\\x"]
)
def test_an_index_that_leads_out_of_the_folder_is_refused(tmp_path, name):
    folder = written(tmp_path / "inside", random_model())
    (folder / FILE).rename(tmp_path / FILE)
    index = folder / "model.safetensors.index.json"
    index.write_text(json.dumps({"weight_map": {"transformer.wte.weight": name}}))
    said = refused(folder)
    assert repr(name) in said
    assert "outside the folder" in said


def test_a_missing_shard_is_named(tmp_path):
    random_model().save_pretrained(tmp_path, max_shard_size="20KB")
    lost = sorted(tmp_path.glob("model-*.safetensors"))[1]
    lost.unlink()
    assert f"holds no {lost.name}" in refused(tmp_path)


def test_a_pad_token_without_a_row_is_read_and_noted(tmp_path, capsys):
    model = random_model()
    written(tmp_path, model)
    theirs = transformers.AutoTokenizer.from_pretrained(tmp_path)
    assert theirs.add_special_tokens({"pad_token": "[PAD]"}) == 1
    theirs.save_pretrained(tmp_path)
    opened = same_logits(tmp_path, model)
    assert opened.tokenizer.backend.token_to_id("[PAD]") == N_VOCAB
    assert max(opened.tokenizer.encode("He typed [PAD] twice.").ids) < N_VOCAB
    load(tmp_path)
    assert "no row for ('[PAD]')" in capsys.readouterr().err


def test_a_word_without_a_row_is_refused(tmp_path):
    written(tmp_path, random_model())
    theirs = transformers.AutoTokenizer.from_pretrained(tmp_path)
    assert theirs.add_tokens(["Lily"]) == 1
    theirs.save_pretrained(tmp_path)
    assert f"the tokenizer has {N_VOCAB + 1} tokens, the model {N_VOCAB}" in refused(tmp_path)


def test_a_vocabulary_that_was_padded_is_read(tmp_path):
    weights_only = random_model()
    weights_only.resize_token_embeddings(N_VOCAB + 7, mean_resizing=False)
    written(tmp_path, weights_only)
    opened = same_logits(tmp_path, weights_only)
    assert opened.tokenizer.token_text(N_VOCAB + 3) == f"<id {N_VOCAB + 3}>"
