"""Models of all families that ``transformers`` writes: the same logits, certified, saved again."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
import transformers
from models import N_CTX, N_VOCAB, random_tokens, tiny_checkpoint, tiny_decoder, tiny_tokenizer
from transformers.activations import ACT2FN

from tinyinterp import checkpoint
from tinyinterp.checkpoint import hooked
from tinyinterp.checkpoint.hooked import convert, hooked_config, to_hooked_transformer
from tinyinterp.checkpoint.hugging_face import ACTIVATIONS, CLASSES, decoder_config
from tinyinterp.errors import CertificateError, CheckpointError, ConfigError
from tinyinterp.network import config as network
from tinyinterp.network.attention import Tap
from tinyinterp.network.config import Architecture, DecoderConfig
from tinyinterp.scan import kept

SHAPE: dict[str, dict[str, Any]] = {
    "gpt2": {"n_embd": 26, "n_layer": 3, "n_head": 2, "n_inner": 31, "n_positions": N_CTX},
    "gpt_neo": {
        "hidden_size": 26,
        "num_layers": 3,
        "num_heads": 2,
        "intermediate_size": 31,
        "max_position_embeddings": N_CTX,
        "window_size": 7,
        "attention_types": [[["local", "global"], 1], [["local"], 1]],
    },
    "gpt_neox": {
        "hidden_size": 26,
        "num_hidden_layers": 3,
        "num_attention_heads": 2,
        "intermediate_size": 31,
        "max_position_embeddings": N_CTX,
    },
    "llama": {
        "hidden_size": 35,
        "num_hidden_layers": 3,
        "num_attention_heads": 5,
        "num_key_value_heads": 1,
        "head_dim": 6,
        "intermediate_size": 31,
        "max_position_embeddings": N_CTX,
    },
}
WRITTEN: list[tuple[str, dict[str, Any]]] = [
    ("gpt2", {}),
    ("gpt2", {"scale_attn_by_inverse_layer_idx": True, "tie_word_embeddings": False}),
    ("gpt2", {"scale_attn_weights": False, "activation_function": "gelu_pytorch_tanh"}),
    ("gpt_neo", {}),
    ("gpt_neo", {"window_size": N_CTX}),
    ("gpt_neox", {}),  # rotates 3 of 13 dimensions, which are 4
    ("gpt_neox", {"use_parallel_residual": False, "attention_bias": False, "rotary_pct": 0.7}),
    ("gpt_neox", {"tie_word_embeddings": True, "hidden_act": "gelu_fast", "rotary_emb_base": 500}),
    ("llama", {}),
    ("llama", {"attention_bias": True, "mlp_bias": True, "tie_word_embeddings": True}),
    ("llama", {"num_attention_heads": 7, "num_key_value_heads": 7, "head_dim": None}
     | {"hidden_size": 42, "rope_theta": 300.0}),
    ("llama", {"hidden_size": 42, "num_attention_heads": 6, "num_key_value_heads": 2}),
]  # fmt: skip
FAMILIES: tuple[Architecture, ...] = ("gpt2", "gpt_neo", "gpt_neox", "llama")


def config_of(family: Architecture, **changes: Any) -> transformers.PreTrainedConfig:
    config = transformers.AutoConfig.for_model(
        family, vocab_size=N_VOCAB, bos_token_id=0, eos_token_id=0, **(SHAPE[family] | changes)
    )
    config.architectures = [CLASSES[family]]
    return config


def write(folder: Path, family: Architecture, **changes: Any) -> torch.nn.Module:
    """A model whose every parameter is random, in ``folder`` with the tiny tokenizer."""
    torch.manual_seed(5)
    model = transformers.AutoModelForCausalLM.from_config(config_of(family, **changes)).eval()
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.add_(torch.randn(parameter.shape), alpha=0.2)
    model.save_pretrained(folder)
    tiny_tokenizer().save(folder)
    return model


def change(folder: Path, *dropped: str, **changes: Any) -> None:
    path = folder / "config.json"
    raw = json.loads(path.read_text()) | changes
    path.write_text(json.dumps({k: v for k, v in raw.items() if k not in dropped}))


@pytest.mark.parametrize(("family", "changes"), WRITTEN)
def test_the_logits_are_those_of_transformers(tmp_path, family, changes):
    model, tokens = write(tmp_path, family, **changes), random_tokens()
    ours = checkpoint.load(tmp_path)
    expected = model(tokens).logits
    torch.testing.assert_close(ours.decoder(tokens), expected, rtol=0, atol=1e-4)

    checkpoint.save(tmp_path / "again", ours.decoder, ours.tokenizer, {})
    again = transformers.AutoModelForCausalLM.from_pretrained(tmp_path / "again")
    torch.testing.assert_close(again(tokens).logits, expected, rtol=0, atol=1e-4)
    assert checkpoint.read_config(tmp_path / "again") == ours.decoder.config


@pytest.mark.parametrize(("family", "changes"), WRITTEN)
def test_a_conversion_is_certified(tmp_path, family, changes):
    write(tmp_path, family, **changes)
    opened = checkpoint.load(tmp_path)
    model, proof = convert(opened)
    assert max(proof.fp32.worst.values()) < 1e-4
    assert max(proof.fp64.worst.values()) < 1e-12
    assert max(proof.transformers.worst.values()) < 1e-4
    taps = [name for name, module in opened.decoder.named_modules() if isinstance(module, Tap)]
    with kept(opened.decoder, taps) as seen:
        opened.decoder(random_tokens())
    _, cache = model.run_with_cache(random_tokens())
    assert set(seen) == set(taps) <= set(cache)
    for name, value in seen.items():
        found = cache[name]
        torch.testing.assert_close(value.expand_as(found), found, rtol=1e-3, atol=1e-3)


@pytest.mark.parametrize("family", ["gpt_neox", "llama"])
def test_processing_keeps_log_probabilities(tmp_path, family):
    biased = {"attention_bias": True, "mlp_bias": True} if family == "llama" else {}
    write(tmp_path, family, **biased)
    model = to_hooked_transformer(tmp_path, process=True, dtype=torch.float64)
    assert model.cfg.normalization_type in {"LNPre", "RMSPre"}
    ours = checkpoint.load(tmp_path).decoder(random_tokens()).double().log_softmax(dim=-1)
    torch.testing.assert_close(model(random_tokens()).log_softmax(dim=-1), ours, rtol=0, atol=1e-4)


@pytest.mark.parametrize(
    ("family", "wrong"),
    [
        ("gpt_neox", {"parallel_attn_mlp": False}),
        ("gpt_neox", {"rotary_adjacent_pairs": True}),
        ("gpt_neox", {"eps": 1e-4}),
        ("llama", {"use_attn_scale": False}),
        ("llama", {"act_fn": "gelu"}),
        ("gpt2", {"scale_attn_by_inverse_layer_idx": True}),
    ],
)
def test_a_wrong_configuration_is_refused(tmp_path, monkeypatch, family, wrong):
    opened = tiny_checkpoint(tmp_path, family, tied=False)

    def mistaken(decoder, name):
        config = hooked_config(decoder, name)
        for key, value in wrong.items():
            setattr(config, key, value)
        return config

    monkeypatch.setattr(hooked, "hooked_config", mistaken)
    with pytest.raises(CertificateError):
        convert(opened)


def test_one_wrong_angle_is_refused(tmp_path, monkeypatch):
    opened = tiny_checkpoint(tmp_path, "llama", tied=False)
    right = hooked._set_rotations

    def moved(model, decoder):
        right(model, decoder)
        model.blocks[2].attn.rotary_sin[-1, -1] += 1e-3  # no text of the certificate is so long

    monkeypatch.setattr(hooked, "_set_rotations", moved)
    with pytest.raises(CertificateError, match="embeddings"):
        convert(opened)


@pytest.mark.parametrize("family", FAMILIES)
def test_what_config_json_leaves_out_is_what_transformers_takes(family):
    theirs = transformers.AutoConfig.for_model(family)
    if family == "gpt_neo":
        theirs.architectures = None
    full = json.loads(theirs.to_json_string(use_diff=False))
    assert decoder_config({"model_type": family}, family) == decoder_config(full, family)
    empty = dict.fromkeys(SHAPE[family])
    assert decoder_config(empty, family) == decoder_config({}, family)


@pytest.mark.parametrize("family", ["gpt2", "gpt_neo"])
def test_general_names_of_sizes_are_read(tmp_path, family):
    write(tmp_path, family)
    before = checkpoint.read_config(tmp_path)
    own = {"n_embd", "n_layer", "n_head", "n_positions", "num_layers", "num_heads"}
    general = {
        "hidden_size": 26,
        "num_hidden_layers": 3,
        "num_attention_heads": 2,
        "max_position_embeddings": N_CTX,
    }
    change(tmp_path, *own, **general)
    assert checkpoint.read_config(tmp_path) == before
    model = transformers.AutoModelForCausalLM.from_pretrained(tmp_path)
    ours = checkpoint.load(tmp_path).decoder(random_tokens())
    torch.testing.assert_close(ours, model(random_tokens()).logits, rtol=0, atol=1e-4)


def test_of_two_names_the_general_one_holds():
    raw = {"model_type": "gpt2", "hidden_size": 26, "n_embd": 32, "n_head": 2}
    theirs = transformers.AutoConfig.for_model(**raw)
    assert decoder_config(raw, "gpt2").d_model == theirs.n_embd == 26


def test_layers_of_a_gpt_neo_are_named_by_either_list(tmp_path):
    write(tmp_path, "gpt_neo")
    kinds = ["local", "global", "local"]
    change(tmp_path, "attention_types", attention_layers=kinds)
    assert checkpoint.read_config(tmp_path).attention == tuple(kinds)
    assert transformers.AutoConfig.from_pretrained(tmp_path).attention_layers == kinds
    change(tmp_path, attention_types=[[["global"], 3]])
    assert checkpoint.read_config(tmp_path).attention == tuple(kinds)
    change(tmp_path, "attention_layers", "attention_types")
    assert checkpoint.read_config(tmp_path).attention == ("global", "local", "global")


@pytest.mark.parametrize("family", ["gpt_neox", "llama"])
@pytest.mark.parametrize(
    "given",
    [
        {},
        {"rope_theta": 5000.0},
        {"rotary_pct": 0.5, "rotary_emb_base": 500},
        {"rope_parameters": {"rope_theta": 70.0, "rope_type": "default"}},
        {"rope_parameters": {"rope_theta": 70.0}, "rope_theta": 6.0, "rotary_emb_base": 6.0},
        {"rope_scaling": {"type": "default"}, "rope_theta": 6.0},
        {"rope_scaling": None, "rope_parameters": None},
    ],
)
def test_rotary_positions_are_those_of_transformers(family, given):
    raw = {"hidden_size": 64, "num_attention_heads": 4, **given}
    theirs = transformers.AutoConfig.for_model(family, **raw).rope_parameters
    ours = decoder_config(raw, family)
    assert ours.rotary_base == pytest.approx(theirs["rope_theta"])
    share = theirs.get("partial_rotary_factor", 1.0) if family == "gpt_neox" else 1.0
    assert ours.rotary_dim == 16 * share


@pytest.mark.parametrize("name", ACTIVATIONS)
def test_an_activation_is_the_function_of_its_name(name):
    x = torch.linspace(-7, 7, 997)
    ours = network.ACTIVATIONS[ACTIVATIONS[name]]
    torch.testing.assert_close(ours(x), ACT2FN[name](x), rtol=0, atol=1e-6)


@pytest.mark.parametrize(
    ("family", "given", "message"),
    [
        ("llama", {"rope_scaling": {"type": "linear", "factor": 2.0}}, "scaled by 'linear'"),
        ("llama", {"rope_parameters": {"rope_type": "llama3", "factor": 8.0}}, "by 'llama3'"),
        ("gpt_neox", {"rope_scaling": {"type": "yarn", "factor": 2.0}}, "scaled by 'yarn'"),
        ("gpt_neox", {"rotary_pct": 0.01}, "none of them"),
        ("llama", {"head_dim": 7}, "even number"),
        ("llama", {"num_key_value_heads": 2}, "evenly"),
        ("llama", {"hidden_act": "mish"}, "'mish' is not one of"),
        ("gpt2", {"add_cross_attention": True}, "add_cross_attention"),
    ],
)
def test_what_is_not_computed_is_refused(tmp_path, family, given, message):
    tmp_path.joinpath("config.json").write_text(
        json.dumps({"model_type": family, **SHAPE[family], **given})
    )
    with pytest.raises(CheckpointError, match=message):
        checkpoint.read_config(tmp_path)


def test_a_window_that_holds_the_context_is_global(tmp_path):
    write(tmp_path, "gpt_neo", window_size=N_CTX)
    config = checkpoint.read_config(tmp_path)
    assert config.attention == ("global",) * 3
    assert config.window_of(0) is None
    change(tmp_path, window_size=N_CTX - 1)
    assert checkpoint.read_config(tmp_path).attention == ("local", "global", "local")


@pytest.mark.parametrize(
    ("family", "fact", "value"),
    [
        ("gpt_neo", "scale_scores", True),
        ("gpt2", "rotary_dim", 4),
        ("gpt2", "gated", True),
        ("gpt_neox", "norm", "rms"),
        ("gpt_neox", "n_key_value_heads", 1),
        ("llama", "parallel", True),
    ],
)
def test_a_fact_that_no_model_of_the_family_has_is_refused(family, fact, value):
    config = tiny_decoder(family).config
    with pytest.raises(ConfigError, match=f"a {family} always has {fact}"):
        replace(config, **{fact: value})


def test_old_files_of_a_gpt_neox_keep_masks_and_frequencies(tmp_path):
    from safetensors.torch import load_file, save_file

    model = write(tmp_path, "gpt_neox")
    path = tmp_path / checkpoint.WEIGHTS
    old = {
        f"gpt_neox.layers.1.attention.{name}": torch.ones(3)
        for name in ("bias", "masked_bias", "rotary_emb.inv_freq")
    }
    save_file(load_file(path) | old, path)
    ours = checkpoint.load(tmp_path).decoder(random_tokens())
    torch.testing.assert_close(ours, model(random_tokens()).logits, rtol=0, atol=1e-4)


def test_a_llama_of_published_shape_counts_its_parameters():
    config = DecoderConfig(
        n_vocab=32000, n_ctx=256, d_model=288, n_layers=6, n_heads=6, d_mlp=768,
        architecture="llama", tied=True,
    )  # fmt: skip
    by_hand = 32000 * 288 + 6 * (4 * 288**2 + 3 * 288 * 768 + 2 * 288) + 288
    from tinyinterp.network.decoder import count_parameters

    assert count_parameters(config).total == by_hand == 15_191_712
