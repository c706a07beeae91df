"""Our parameter names and those of Hugging Face's GPT-Neo and GPT-2, both ways.

The tables below are the whole difference, except that GPT-2 transposes some matrices and stores
queries, keys and values side by side.
"""

from __future__ import annotations

import re
from pathlib import Path

import torch
from torch import Tensor

from tinyinterp.errors import CheckpointError
from tinyinterp.network.config import DecoderConfig
from tinyinterp.network.decoder import Decoder

# Our name -> Hugging Face's, without the "transformer." prefix. "{}" is the layer.
SHARED_NAMES = {
    "embed": "wte",
    "pos_embed": "wpe",
    "blocks.{}.ln1": "h.{}.ln_1",
    "blocks.{}.ln2": "h.{}.ln_2",
    "blocks.{}.mlp.up": "h.{}.mlp.c_fc",
    "blocks.{}.mlp.down": "h.{}.mlp.c_proj",
    "ln_final": "ln_f",
}
NEO_NAMES = SHARED_NAMES | {
    "blocks.{}.attn.q": "h.{}.attn.attention.q_proj",
    "blocks.{}.attn.k": "h.{}.attn.attention.k_proj",
    "blocks.{}.attn.v": "h.{}.attn.attention.v_proj",
    "blocks.{}.attn.o": "h.{}.attn.attention.out_proj",
}
GPT2_NAMES = SHARED_NAMES | {
    "blocks.{}.attn.qkv": "h.{}.attn.c_attn",  # q, k and v side by side
    "blocks.{}.attn.o": "h.{}.attn.c_proj",
}
TRANSPOSED_IN_GPT2 = (".attn.qkv.weight", ".attn.o.weight", ".mlp.up.weight", ".mlp.down.weight")
NOT_PARAMETERS = re.compile(r"\.attn\.(attention\.)?(bias|masked_bias)$")  # old files keep the mask


def to_hugging_face(decoder: Decoder) -> dict[str, Tensor]:
    """Parameters under Hugging Face's names; a tied head appears once, as the embedding."""
    state: dict[str, Tensor] = dict(decoder.named_parameters())
    config = decoder.config
    if config.architecture == "gpt2":
        for layer in range(config.n_layers):
            for part in ("weight", "bias"):
                qkv = [state.pop(f"blocks.{layer}.attn.{name}.{part}") for name in "qkv"]
                state[f"blocks.{layer}.attn.qkv.{part}"] = torch.cat(qkv)
        state = {n: t.T if n.endswith(TRANSPOSED_IN_GPT2) else t for n, t in state.items()}
    translated = {}
    for ours, theirs in _name_pairs(config).items():
        for part in ("weight", "bias"):
            if f"{ours}.{part}" in state:
                translated[f"transformer.{theirs}.{part}"] = state.pop(f"{ours}.{part}")
    if not config.tied:
        translated["lm_head.weight"] = state.pop("unembed.weight")
    if state:
        raise AssertionError(f"parameters without a Hugging Face name: {sorted(state)}")
    return translated


def from_hugging_face(
    weights: dict[str, Tensor], config: DecoderConfig, folder: Path
) -> dict[str, Tensor]:
    """Undo :func:`to_hugging_face`; unknown names are an error, masks are dropped."""
    state = {
        name.removeprefix("transformer."): tensor
        for name, tensor in weights.items()
        if not NOT_PARAMETERS.search(name)
    }
    head = state.pop("lm_head.weight", None)
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
        for layer in range(config.n_layers):
            for part in ("weight", "bias"):
                qkv = translated.pop(f"blocks.{layer}.attn.qkv.{part}", None)
                if qkv is None or len(qkv) != 3 * config.d_model:
                    raise CheckpointError(f"{folder}: layer {layer} has no complete c_attn.{part}")
                for name, tensor in zip("qkv", qkv.chunk(3), strict=True):
                    translated[f"blocks.{layer}.attn.{name}.{part}"] = tensor.contiguous()
    if not config.tied and head is not None:
        translated["unembed.weight"] = head
    return translated


def _name_pairs(config: DecoderConfig) -> dict[str, str]:
    table = GPT2_NAMES if config.architecture == "gpt2" else NEO_NAMES
    return {
        ours.format(layer): theirs.format(layer)
        for ours, theirs in table.items()
        for layer in (range(config.n_layers) if "{}" in ours else [0])
    }
