"""The JSON files of a checkpoint folder: what the model is, and how it was trained.

A decoder's ``config.json`` is the one that ``transformers`` writes for its family, a compressor's
has the names of :class:`tinyinterp.network.compressor.CompressorConfig`.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Annotated, Any

import torch

from tinyinterp.checkpoint.config_json import ConfigJson
from tinyinterp.checkpoint.hugging_face import CLASSES, config_to_hugging_face, decoder_config
from tinyinterp.errors import CheckpointError, ConfigError
from tinyinterp.io.bounded import read_json_object
from tinyinterp.io.described import Count, Within, described
from tinyinterp.io.paths import is_folder
from tinyinterp.network.compressor import CompressorConfig
from tinyinterp.network.config import Architecture, DecoderConfig
from tinyinterp.text.tokenizer import Tokenizer

WEIGHTS = "model.safetensors"
COMPRESSOR = "tinyinterp-compressor"  # model_type of a folder that holds no decoder


@dataclass(frozen=True, kw_only=True)
class CompressorJson:
    """The fields of a compressor's ``config.json`` that are read."""

    n_vocab: Count
    n_ctx: Count
    d_model: Count
    n_layers: Count
    n_heads: Count
    d_mlp: Count
    tied: bool
    layer_norm_eps: Annotated[float, Within(0, 1)]


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
    where = f"{folder}/config.json does not describe a compressor"
    fields = described(CompressorJson, raw, where, CheckpointError)
    try:
        return CompressorConfig(**asdict(fields))
    except ConfigError as error:
        raise CheckpointError(
            f"{folder}/config.json does not describe a compressor: {error}"
        ) from error


def _read_raw_config(folder: Path) -> dict[str, Any]:
    if not is_folder(folder):
        raise CheckpointError(
            f"{folder} is not a folder; expected a checkpoint folder with config.json, {WEIGHTS} "
            "and tokenizer.json, or a name on the Hugging Face hub"
        )
    return read_json(folder / "config.json")


def _decoder_config(raw: dict[str, Any], folder: Path) -> DecoderConfig:
    model_type = raw.get("model_type")
    architecture: Architecture | None = next((n for n in CLASSES if n == model_type), None)
    if architecture is None:
        raise CheckpointError(
            f"{folder}/config.json says model_type {model_type!r:.100}; only "
            f"{', '.join(CLASSES)} are supported"
        )
    where = f"{folder}/config.json does not describe a decoder"
    fields = described(ConfigJson, raw, where, CheckpointError)
    try:
        return decoder_config(fields, architecture)
    except ConfigError as error:
        raise CheckpointError(
            f"{folder}/config.json does not describe a decoder: {error}"
        ) from error


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
    if not path.is_file() and not path.is_symlink():
        raise CheckpointError(f"{path.parent} is not a checkpoint: it holds no {path.name}")
    return read_json_object(path, CheckpointError)
