"""Our parameter names and those of Hugging Face's families, both ways.

The tables below are the whole difference, except that two families store queries, keys and values
as one matrix: GPT-2 side by side, and transposed like others of its matrices; GPT-NeoX head by
head.
"""

from __future__ import annotations

import re
from pathlib import Path

import torch
from einops import rearrange
from torch import Tensor

from tinyinterp.errors import CheckpointError
from tinyinterp.network.config import Architecture, DecoderConfig
from tinyinterp.network.decoder import Decoder

# Our name -> Hugging Face's, without the prefix of the family. "{}" is the layer.
GPT_NAMES = {
    "embed": "wte",
    "pos_embed": "wpe",
    "blocks.{}.ln1": "h.{}.ln_1",
    "blocks.{}.ln2": "h.{}.ln_2",
    "blocks.{}.mlp.up": "h.{}.mlp.c_fc",
    "blocks.{}.mlp.down": "h.{}.mlp.c_proj",
    "ln_final": "ln_f",
}
NAMES: dict[Architecture, dict[str, str]] = {
    "gpt_neo": GPT_NAMES
    | {
        "blocks.{}.attn.q": "h.{}.attn.attention.q_proj",
        "blocks.{}.attn.k": "h.{}.attn.attention.k_proj",
        "blocks.{}.attn.v": "h.{}.attn.attention.v_proj",
        "blocks.{}.attn.o": "h.{}.attn.attention.out_proj",
    },
    "gpt2": GPT_NAMES
    | {
        "blocks.{}.attn.qkv": "h.{}.attn.c_attn",
        "blocks.{}.attn.o": "h.{}.attn.c_proj",
    },
    "gpt_neox": {
        "embed": "embed_in",
        "blocks.{}.ln1": "layers.{}.input_layernorm",
        "blocks.{}.ln2": "layers.{}.post_attention_layernorm",
        "blocks.{}.attn.qkv": "layers.{}.attention.query_key_value",
        "blocks.{}.attn.o": "layers.{}.attention.dense",
        "blocks.{}.mlp.up": "layers.{}.mlp.dense_h_to_4h",
        "blocks.{}.mlp.down": "layers.{}.mlp.dense_4h_to_h",
        "ln_final": "final_layer_norm",
    },
    "llama": {
        "embed": "embed_tokens",
        "blocks.{}.ln1": "layers.{}.input_layernorm",
        "blocks.{}.ln2": "layers.{}.post_attention_layernorm",
        "blocks.{}.attn.q": "layers.{}.self_attn.q_proj",
        "blocks.{}.attn.k": "layers.{}.self_attn.k_proj",
        "blocks.{}.attn.v": "layers.{}.self_attn.v_proj",
        "blocks.{}.attn.o": "layers.{}.self_attn.o_proj",
        "blocks.{}.mlp.gate": "layers.{}.mlp.gate_proj",
        "blocks.{}.mlp.up": "layers.{}.mlp.up_proj",
        "blocks.{}.mlp.down": "layers.{}.mlp.down_proj",
        "ln_final": "norm",
    },
}
PREFIXES: dict[Architecture, str] = {
    "gpt_neo": "transformer.",
    "gpt2": "transformer.",
    "gpt_neox": "gpt_neox.",
    "llama": "model.",
}
HEADS = ("lm_head.weight", "embed_out.weight")  # a GPT-NeoX is stored with the second
FUSED = {"gpt2": "n (h d) ... -> (n h d) ...", "gpt_neox": "n (h d) ... -> (h n d) ..."}
TRANSPOSED_IN_GPT2 = (".attn.qkv.weight", ".attn.o.weight", ".mlp.up.weight", ".mlp.down.weight")
NOT_PARAMETERS = re.compile(  # old files keep masks and frequencies
    r"\.(attn|attention)\.(attention\.)?(bias|masked_bias)$|\.rotary_emb\.inv_freq$"
)


def head_name(config: DecoderConfig) -> str:
    """The name of the output head's weight in a file."""
    return HEADS[config.architecture == "gpt_neox"]


def to_hugging_face(decoder: Decoder) -> dict[str, Tensor]:
    """Parameters under Hugging Face's names; a tied head appears once, as the embedding."""
    state: dict[str, Tensor] = dict(decoder.named_parameters())
    config = decoder.config
    order = FUSED.get(config.architecture, "")
    for layer in range(config.n_layers if order else 0):
        for part in ("weight", "bias"):
            names = [f"blocks.{layer}.attn.{name}.{part}" for name in "qkv"]
            if names[0] in state:
                qkv = torch.stack([state.pop(name) for name in names])
                fused = rearrange(qkv, order, h=config.n_heads)
                state[f"blocks.{layer}.attn.qkv.{part}"] = fused
    if config.architecture == "gpt2":
        state = {n: t.T if n.endswith(TRANSPOSED_IN_GPT2) else t for n, t in state.items()}
    translated = {}
    for ours, theirs in _name_pairs(config).items():
        for part in ("weight", "bias"):
            if f"{ours}.{part}" in state:
                name = f"{PREFIXES[config.architecture]}{theirs}.{part}"
                translated[name] = state.pop(f"{ours}.{part}")
    if not config.tied:
        translated[head_name(config)] = state.pop("unembed.weight")
    if state:
        raise AssertionError(f"parameters without a Hugging Face name: {sorted(state)}")
    return translated


def from_hugging_face(
    weights: dict[str, Tensor], config: DecoderConfig, folder: Path
) -> dict[str, Tensor]:
    """Undo :func:`to_hugging_face`; unknown names are an error, masks are dropped."""
    state = {
        name.removeprefix(PREFIXES[config.architecture]): tensor
        for name, tensor in weights.items()
        if not NOT_PARAMETERS.search(name)
    }
    heads = [state.pop(name) for name in HEADS if name in state]
    names = {theirs: ours for ours, theirs in _name_pairs(config).items()}
    unknown = sorted(name for name in state if name.rpartition(".")[0] not in names)
    if unknown:
        raise CheckpointError(
            f"{folder}: weights that a {config.architecture} does not have: {unknown[:3]}"
        )
    translated = {}
    for name, tensor in state.items():
        stem, _, part = name.rpartition(".")
        translated[f"{names[stem]}.{part}"] = tensor
    if config.architecture == "gpt2":
        translated = {
            n: t.T.contiguous() if n.endswith(TRANSPOSED_IN_GPT2) else t
            for n, t in translated.items()
        }
    if config.architecture in FUSED:
        translated = _apart(translated, config, folder)
    if not config.tied and heads:
        translated["unembed.weight"] = heads[0]
    return translated


def _apart(state: dict[str, Tensor], config: DecoderConfig, folder: Path) -> dict[str, Tensor]:
    """Queries, keys and values of each layer as matrices of their own."""
    joined, _, apart = FUSED[config.architecture].partition(" -> ")
    parts = ("weight", "bias") if config.qkv_bias else ("weight",)
    for layer in range(config.n_layers):
        for part in parts:
            ours = f"blocks.{layer}.attn.qkv.{part}"
            qkv = state.pop(ours, None)
            if qkv is None or len(qkv) != 3 * config.n_heads * config.d_head:
                theirs = NAMES[config.architecture]["blocks.{}.attn.qkv"].rpartition(".")[2]
                raise CheckpointError(f"{folder}: layer {layer} has no complete {theirs}.{part}")
            three = rearrange(qkv, f"{apart} -> {joined}", n=3, h=config.n_heads)
            for name, tensor in zip("qkv", three, strict=True):
                state[f"blocks.{layer}.attn.{name}.{part}"] = tensor.contiguous()
    return state


def _name_pairs(config: DecoderConfig) -> dict[str, str]:
    return {
        ours.format(layer): theirs.format(layer)
        for ours, theirs in NAMES[config.architecture].items()
        for layer in (range(config.n_layers) if "{}" in ours else [0])
    }
