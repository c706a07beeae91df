"""A decoder's ``config.json``, as ``transformers`` writes and reads it for each family.

What is missing there is what ``transformers`` takes for it, and where a size has both a name of the
family (``n_embd``) and a general one (``hidden_size``), the general one holds, as it does there.
"""

from __future__ import annotations

import math
from itertools import islice
from typing import Any, cast, get_args

import torch

from tinyinterp.checkpoint.config_json import ConfigJson
from tinyinterp.errors import ConfigError
from tinyinterp.network.config import (
    LARGEST,
    Activation,
    Architecture,
    AttentionKind,
    DecoderConfig,
)
from tinyinterp.text.tokenizer import Tokenizer

CLASSES: dict[Architecture, str] = {
    "gpt_neo": "GPTNeoForCausalLM",
    "gpt2": "GPT2LMHeadModel",
    "gpt_neox": "GPTNeoXForCausalLM",
    "llama": "LlamaForCausalLM",
}
PLAIN_ROTATION = "default"
ACTIVATIONS: dict[str, Activation] = {  # several names of the same functions
    "gelu": "gelu",
    "gelu_python": "gelu",
    "gelu_new": "gelu_new",
    "gelu_fast": "gelu_new",
    "gelu_accurate": "gelu_new",
    "gelu_pytorch_tanh": "gelu_new",
    "gelu_python_tanh": "gelu_new",
    "relu": "relu",
    "silu": "silu",
    "swish": "silu",
}
SIZES: dict[Architecture, dict[str, tuple[tuple[str, ...], int]]] = {  # names, and the default
    "gpt2": {
        "n_vocab": (("vocab_size",), 50257),
        "n_ctx": (("max_position_embeddings", "n_positions", "n_ctx"), 1024),
        "d_model": (("hidden_size", "n_embd"), 768),
        "n_layers": (("num_hidden_layers", "n_layer"), 12),
        "n_heads": (("num_attention_heads", "n_head"), 12),
        "d_mlp": (("n_inner",), 0),
    },
    "gpt_neo": {
        "n_vocab": (("vocab_size",), 50257),
        "n_ctx": (("max_position_embeddings",), 2048),
        "d_model": (("hidden_size",), 2048),
        "n_layers": (("num_hidden_layers", "num_layers"), 24),
        "n_heads": (("num_attention_heads", "num_heads"), 16),
        "d_mlp": (("intermediate_size",), 0),
        "window": (("window_size",), 256),
    },
    "gpt_neox": {
        "n_vocab": (("vocab_size",), 50432),
        "n_ctx": (("max_position_embeddings",), 2048),
        "d_model": (("hidden_size",), 6144),
        "n_layers": (("num_hidden_layers",), 44),
        "n_heads": (("num_attention_heads",), 64),
        "d_mlp": (("intermediate_size",), 24576),
    },
    "llama": {
        "n_vocab": (("vocab_size",), 32000),
        "n_ctx": (("max_position_embeddings",), 2048),
        "d_model": (("hidden_size",), 4096),
        "n_layers": (("num_hidden_layers",), 32),
        "n_heads": (("num_attention_heads",), 32),
        "d_mlp": (("intermediate_size",), 11008),
        "d_head": (("head_dim",), 0),
        "n_key_value_heads": (("num_key_value_heads",), 0),
    },
}


_NAMES: dict[Architecture, tuple[str, str]] = {  # of the activation and of a norm's epsilon
    "gpt2": ("activation_function", "layer_norm_epsilon"),
    "gpt_neo": ("activation_function", "layer_norm_epsilon"),
    "gpt_neox": ("hidden_act", "layer_norm_eps"),
    "llama": ("hidden_act", "rms_norm_eps"),
}


def decoder_config(content: ConfigJson, architecture: Architecture) -> DecoderConfig:
    """The shape that the content of a ``config.json`` describes.

    Raises:
        ConfigError: no decoder has this shape, or ours does not compute what is asked for.
    """
    raw = {name: value for name, value in content.items() if value is not None}
    sizes = {
        name: _first(raw, names, default) for name, (names, default) in SIZES[architecture].items()
    }
    activation, epsilon = _NAMES[architecture]
    facts: dict[str, Any] = {**sizes, "architecture": architecture}
    if activation in raw:
        facts["activation"] = _activation(raw[activation])
    for name, key in (("layer_norm_eps", epsilon), ("tied", "tie_word_embeddings")):
        if key in raw:
            facts[name] = raw[key]
    if architecture == "gpt_neo":
        facts["attention"] = _attention(raw)
    elif architecture == "gpt2":
        facts |= _of_gpt2(raw)
    else:
        facts |= _biases(raw, architecture) | _rotation(raw, facts)
    return DecoderConfig(**facts)


def _first(raw: dict[str, Any], names: tuple[str, ...], default: int) -> int:
    return next((raw[name] for name in names if name in raw), default)


def _activation(name: object) -> Activation:
    if name not in ACTIVATIONS:
        raise ConfigError(f"the activation {name!r} is not one of {sorted(ACTIVATIONS)}")
    return ACTIVATIONS[cast("str", name)]


def _attention(raw: dict[str, Any]) -> tuple[AttentionKind, ...]:
    """Each layer's kind; ``attention_layers`` names them one by one, and holds if both are given.

    None where neither is given: the layers then alternate.
    """
    layers = raw.get("attention_layers")
    if layers is None:
        types = raw.get("attention_types") or []
        each = (kind for kinds, times in types for _ in range(times) for kind in kinds)
        layers = islice(each, LARGEST["n_layers"] + 1)
    found = tuple(layers)
    known: tuple[AttentionKind, ...] = get_args(AttentionKind)
    if others := [kind for kind in found if kind not in known]:
        raise ConfigError(f"attention {others[0]!r} is not one of {', '.join(known)}")
    return found


def _of_gpt2(raw: dict[str, Any]) -> dict[str, Any]:
    if raw.get("add_cross_attention"):
        raise ConfigError("add_cross_attention is true; a model that reads another is no decoder")
    return {
        "scale_scores": raw.get("scale_attn_weights", True),
        "scale_by_layer": raw.get("scale_attn_by_inverse_layer_idx", False),
    }


def _biases(raw: dict[str, Any], architecture: Architecture) -> dict[str, Any]:
    if architecture == "gpt_neox":
        bias = raw.get("attention_bias", True)
        parallel = raw.get("use_parallel_residual", True)
        return {"qkv_bias": bias, "out_bias": bias, "parallel": parallel}
    bias = raw.get("attention_bias", False)
    return {"qkv_bias": bias, "out_bias": bias, "mlp_bias": raw.get("mlp_bias", False)}


def _rotation(raw: dict[str, Any], facts: dict[str, Any]) -> dict[str, Any]:
    """How much of a head positions rotate, and how fast; see ``transformers``' RoPE parameters.

    Of an odd number of dimensions ``transformers`` rotates one more, at the frequencies of the odd
    number: the same as those of the even number with a larger base.
    """
    neox = facts["architecture"] == "gpt_neox"
    rope = raw.get("rope_scaling") or raw.get("rope_parameters") or {}
    kind = rope.get("rope_type") or rope.get("type") or PLAIN_ROTATION
    if kind != PLAIN_ROTATION:
        raise ConfigError(
            f"its rotary positions are scaled by {kind!r}, which is not computed here; only plain "
            f"ones are (rope_type {PLAIN_ROTATION!r})"
        )
    base = rope.get("rope_theta", raw.get("rotary_emb_base" if neox else "rope_theta"))
    base = 10_000.0 if base is None else base
    d_head = facts.get("d_head") or facts["d_model"] // max(1, facts["n_heads"])
    given = rope.get("partial_rotary_factor")
    given = raw.get("rotary_pct", 0.25) if given is None else given
    share = given if neox else 1.0
    rotated = int(d_head * share)
    if not rotated:
        raise ConfigError(
            f"positions rotate {share} of a head of {d_head} dimensions, which is none of them; a "
            "model without positions is not computed here"
        )
    even = rotated + rotated % 2
    return {"rotary_dim": even, "rotary_base": base ** (even / rotated)}


def config_to_hugging_face(
    config: DecoderConfig, tokenizer: Tokenizer | None, dtype: torch.dtype
) -> dict[str, Any]:
    """``config.json`` as ``transformers`` writes it for this architecture."""
    activation, epsilon = _NAMES[config.architecture]
    sizes = {
        names[-1] if names[-1] != "n_ctx" else "n_positions": getattr(config, name)
        for name, (names, _) in SIZES[config.architecture].items()
    }
    return {
        "model_type": config.architecture,
        "architectures": [CLASSES[config.architecture]],
        **sizes,
        activation: config.activation,
        epsilon: config.layer_norm_eps,
        "tie_word_embeddings": config.tied,
        "bos_token_id": tokenizer and tokenizer.begin,
        "eos_token_id": tokenizer and tokenizer.end,
        "initializer_range": 0.02,
        "dtype": str(dtype).removeprefix("torch."),
        **_WRITTEN[config.architecture](config),
    }


def _written_gpt2(config: DecoderConfig) -> dict[str, Any]:
    return {
        "scale_attn_weights": config.scale_scores,
        "scale_attn_by_inverse_layer_idx": config.scale_by_layer,
        "attn_pdrop": config.attention_dropout,
        "embd_pdrop": config.dropout,
        "resid_pdrop": config.dropout,
    }


def _written_neo(config: DecoderConfig) -> dict[str, Any]:
    return {
        "attention_types": [[[kind], 1] for kind in config.attention],
        "attention_dropout": config.attention_dropout,
        "embed_dropout": config.dropout,
        "resid_dropout": config.dropout,
    }


def _written_neox(config: DecoderConfig) -> dict[str, Any]:
    share = config.rotary_dim / config.d_head
    while int(config.d_head * share) < config.rotary_dim:  # rounding, where the ratio is no float
        share = math.nextafter(share, 1)
    return {
        "use_parallel_residual": config.parallel,
        "attention_bias": config.qkv_bias,
        "rotary_pct": share,
        "rotary_emb_base": config.rotary_base,
        "rope_parameters": _rope(config) | {"partial_rotary_factor": share},
        "attention_dropout": config.attention_dropout,
        "hidden_dropout": config.dropout,
    }


def _written_llama(config: DecoderConfig) -> dict[str, Any]:
    return {
        "attention_bias": config.qkv_bias,
        "mlp_bias": config.mlp_bias,
        "rope_theta": config.rotary_base,
        "rope_parameters": _rope(config),
        "attention_dropout": config.attention_dropout,
    }


def _rope(config: DecoderConfig) -> dict[str, Any]:
    return {"rope_type": PLAIN_ROTATION, "rope_theta": config.rotary_base}


_WRITTEN = {
    "gpt2": _written_gpt2,
    "gpt_neo": _written_neo,
    "gpt_neox": _written_neox,
    "llama": _written_llama,
}
