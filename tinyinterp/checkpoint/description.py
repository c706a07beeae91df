"""The JSON files of a checkpoint folder: what the model is, and how it was trained.

A decoder's ``config.json`` is the one that ``transformers`` writes for GPT-Neo or GPT-2, a
compressor's has the names of :class:`tinyinterp.network.compressor.CompressorConfig`.
"""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path
from typing import Any, cast

import torch

from tinyinterp.errors import CheckpointError, ConfigError
from tinyinterp.network.compressor import CompressorConfig
from tinyinterp.network.config import ACTIVATIONS, Activation, AttentionKind, DecoderConfig
from tinyinterp.text.tokenizer import Tokenizer

WEIGHTS = "model.safetensors"
COMPRESSOR = "tinyinterp-compressor"  # model_type of a folder that holds no decoder


def read_config(folder: Path) -> DecoderConfig:
    """The decoder's shape from ``config.json``.

    Raises:
        CheckpointError: missing, unreadable, or of an architecture that is not GPT-2 or GPT-Neo.
    """
    raw = _read_raw_config(folder)
    if raw.get("model_type") == COMPRESSOR:
        raise CheckpointError(f"{folder} holds a compressor; this command needs a decoder")
    return _decoder_config(raw, folder)


def read_any_config(folder: Path) -> DecoderConfig | CompressorConfig:
    """The shape of a decoder or of a compressor from ``config.json``.

    Raises:
        CheckpointError: missing, unreadable, or of neither.
    """
    raw = _read_raw_config(folder)
    if raw.get("model_type") != COMPRESSOR:
        return _decoder_config(raw, folder)
    try:
        return _compressor_config(raw)
    except (KeyError, TypeError, ValueError, ConfigError) as error:
        raise CheckpointError(
            f"{folder}/config.json does not describe a compressor: {error!r}"
        ) from error


def _read_raw_config(folder: Path) -> dict[str, Any]:
    if not folder.is_dir():
        raise CheckpointError(
            f"{folder} is not a folder; expected a checkpoint folder with config.json, {WEIGHTS} "
            "and tokenizer.json, or a name on the Hugging Face hub"
        )
    return read_json(folder / "config.json")


def _decoder_config(raw: dict[str, Any], folder: Path) -> DecoderConfig:
    model_type = raw.get("model_type")
    try:
        if model_type == "gpt_neo":
            return _neo_config(raw)
        if model_type == "gpt2":
            return _gpt2_config(raw)
    except (KeyError, TypeError, ValueError, ConfigError) as error:
        raise CheckpointError(
            f"{folder}/config.json does not describe a decoder: {error!r}"
        ) from error
    raise CheckpointError(
        f"{folder}/config.json says model_type {model_type!r}; only gpt_neo and gpt2 are supported"
    )


def _compressor_config(raw: dict[str, Any]) -> CompressorConfig:
    return CompressorConfig(
        n_vocab=int(raw["n_vocab"]),
        n_ctx=int(raw["n_ctx"]),
        d_model=int(raw["d_model"]),
        n_layers=int(raw["n_layers"]),
        n_heads=int(raw["n_heads"]),
        d_mlp=int(raw["d_mlp"]),
        tied=bool(raw["tied"]),
        layer_norm_eps=float(raw["layer_norm_eps"]),
    )


def _neo_config(raw: dict[str, Any]) -> DecoderConfig:
    attention = [kind for kinds, times in raw["attention_types"] for kind in list(kinds) * times]
    return DecoderConfig(
        n_vocab=raw["vocab_size"],
        n_ctx=raw["max_position_embeddings"],
        d_model=raw["hidden_size"],
        n_layers=raw["num_layers"],
        n_heads=raw["num_heads"],
        d_mlp=raw.get("intermediate_size") or 0,
        architecture="gpt_neo",
        attention=tuple(cast("list[AttentionKind]", attention)),
        window=raw.get("window_size", 256),
        activation=_activation(raw),
        tied=raw.get("tie_word_embeddings", True),
        layer_norm_eps=raw.get("layer_norm_epsilon", 1e-5),
    )


def _gpt2_config(raw: dict[str, Any]) -> DecoderConfig:
    for key, usual in (("scale_attn_weights", True), ("scale_attn_by_inverse_layer_idx", False)):
        if raw.get(key, usual) != usual:
            raise ConfigError(f"{key} is {raw[key]}; only {usual} is supported")
    return DecoderConfig(
        n_vocab=raw["vocab_size"],
        n_ctx=raw.get("n_positions") or raw["n_ctx"],
        d_model=raw["n_embd"],
        n_layers=raw["n_layer"],
        n_heads=raw["n_head"],
        d_mlp=raw.get("n_inner") or 0,
        architecture="gpt2",
        activation=_activation(raw),
        tied=raw.get("tie_word_embeddings", True),
        layer_norm_eps=raw.get("layer_norm_epsilon", 1e-5),
    )


def _activation(raw: dict[str, Any]) -> Activation:
    name = raw.get("activation_function", "gelu_new")
    if name not in ACTIVATIONS:
        raise ConfigError(f"activation_function {name!r} is not one of {sorted(ACTIVATIONS)}")
    return cast("Activation", name)


def config_to_json(
    config: DecoderConfig | CompressorConfig, tokenizer: Tokenizer, dtype: torch.dtype
) -> dict[str, Any]:
    """What ``config.json`` holds for this model; the tokens that end a text are its tokenizer's."""
    if isinstance(config, DecoderConfig):
        return config_to_hugging_face(config, tokenizer, dtype)
    return {
        "model_type": COMPRESSOR,
        **asdict(config),
        "bos_token_id": tokenizer.begin,
        "eos_token_id": tokenizer.end,
        "dtype": str(dtype).removeprefix("torch."),
    }


def config_to_hugging_face(
    config: DecoderConfig, tokenizer: Tokenizer, dtype: torch.dtype
) -> dict[str, Any]:
    """``config.json`` as ``transformers`` writes it for this architecture."""
    shared = {
        "model_type": config.architecture,
        "vocab_size": config.n_vocab,
        "activation_function": config.activation,
        "layer_norm_epsilon": config.layer_norm_eps,
        "tie_word_embeddings": config.tied,
        "bos_token_id": tokenizer.begin,
        "eos_token_id": tokenizer.end,
        "initializer_range": 0.02,
        "dtype": str(dtype).removeprefix("torch."),
    }
    if config.architecture == "gpt2":
        return shared | {
            "architectures": ["GPT2LMHeadModel"],
            "n_positions": config.n_ctx,
            "n_embd": config.d_model,
            "n_layer": config.n_layers,
            "n_head": config.n_heads,
            "n_inner": config.d_mlp,
            "attn_pdrop": config.attention_dropout,
            "embd_pdrop": config.dropout,
            "resid_pdrop": config.dropout,
        }
    return shared | {
        "architectures": ["GPTNeoForCausalLM"],
        "max_position_embeddings": config.n_ctx,
        "hidden_size": config.d_model,
        "num_layers": config.n_layers,
        "num_heads": config.n_heads,
        "intermediate_size": config.d_mlp,
        "attention_types": [[[kind], 1] for kind in config.attention],
        "window_size": config.window,
        "attention_dropout": config.attention_dropout,
        "embed_dropout": config.dropout,
        "resid_dropout": config.dropout,
    }


def read_training(folder: Path) -> dict[str, Any]:
    """``training.json`` of the folder, or an empty dictionary."""
    path = folder / "training.json"
    return read_json(path) if path.is_file() else {}


def read_json(path: Path) -> dict[str, Any]:
    """The JSON object in ``path``.

    Raises:
        CheckpointError: it is missing, cannot be read, or holds something else.
    """
    try:
        content = json.loads(path.read_text("utf-8"))
    except FileNotFoundError as error:
        raise CheckpointError(
            f"{path.parent} is not a checkpoint: it holds no {path.name}"
        ) from error
    except (OSError, ValueError) as error:
        raise CheckpointError(f"cannot read {path}: {error}") from error
    if not isinstance(content, dict):
        raise CheckpointError(f"{path} should hold a JSON object")
    return content
