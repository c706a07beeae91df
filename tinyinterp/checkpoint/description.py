"""The JSON files of a checkpoint folder: what the model is, and how it was trained.

A decoder's ``config.json`` is the one that ``transformers`` writes for its family, a compressor's
has the names of :class:`tinyinterp.network.compressor.CompressorConfig`.
"""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path
from typing import Any

import torch

from tinyinterp.checkpoint.hugging_face import CLASSES, config_to_hugging_face, decoder_config
from tinyinterp.errors import CheckpointError, ConfigError
from tinyinterp.network.compressor import CompressorConfig
from tinyinterp.network.config import DecoderConfig
from tinyinterp.text.tokenizer import Tokenizer

WEIGHTS = "model.safetensors"
COMPRESSOR = "tinyinterp-compressor"  # model_type of a folder that holds no decoder


def read_config(folder: Path) -> DecoderConfig:
    """The decoder's shape from ``config.json``.

    Raises:
        CheckpointError: missing, unreadable, or of an architecture that is not supported.
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
    if model_type not in CLASSES:
        raise CheckpointError(
            f"{folder}/config.json says model_type {model_type!r}; only "
            f"{', '.join(CLASSES)} are supported"
        )
    try:
        return decoder_config(raw, model_type)
    except (AttributeError, TypeError, ValueError, ConfigError) as error:
        raise CheckpointError(
            f"{folder}/config.json does not describe a decoder: {error!r}"
        ) from error


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
