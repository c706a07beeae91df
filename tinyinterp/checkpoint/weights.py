"""Weights in safetensors files, one or several, and their way into a model."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import Tensor

from tinyinterp.checkpoint.description import WEIGHTS, read_json
from tinyinterp.errors import CheckpointError
from tinyinterp.network.compressor import Compressor
from tinyinterp.network.decoder import Decoder

WEIGHTS_INDEX = "model.safetensors.index.json"


def read_weights(folder: Path) -> dict[str, Tensor]:
    """All tensors of the folder, under the names they have in its files.

    Raises:
        CheckpointError: a file is missing, truncated or not safetensors.
    """
    names = [WEIGHTS]
    if not (folder / WEIGHTS).is_file() and (folder / WEIGHTS_INDEX).is_file():
        weight_map = read_json(folder / WEIGHTS_INDEX).get("weight_map")
        if not isinstance(weight_map, dict) or not weight_map:
            raise CheckpointError(f"{folder / WEIGHTS_INDEX} has no weight_map that names files")
        names = sorted({str(name) for name in weight_map.values()})
    weights: dict[str, Tensor] = {}
    for name in names:
        path = folder / name
        if not path.is_file():
            pickled = (folder / "pytorch_model.bin").is_file()
            hint = "; pytorch_model.bin is a pickle and is never opened: convert it to safetensors"
            raise CheckpointError(f"{folder} holds no {name}{hint if pickled else ''}")
        try:
            weights |= load_file(path)
        except (SafetensorError, OSError, ValueError) as error:
            raise CheckpointError(
                f"cannot read {path}: {error}; the file is truncated or not safetensors: "
                "copy or train it again"
            ) from error
    return weights


def fill(
    model: Decoder | Compressor, weights: Mapping[str, Tensor], dtype: torch.dtype, folder: Path
) -> None:
    """Give ``model``, built on the meta device, its weights, and make it one for reading.

    Raises:
        CheckpointError: a weight is missing, too many, or has another shape.
    """
    expected = {name: p.shape for name, p in model.named_parameters()}
    _compare_shapes({name: t.shape for name, t in weights.items()}, expected, folder)
    model.load_state_dict({n: t.to(dtype) for n, t in weights.items()}, strict=False, assign=True)
    if model.config.tied:
        model.unembed.weight = model.embed.weight
    model.eval().requires_grad_(requires_grad=False)


def _compare_shapes(
    found: Mapping[str, torch.Size], expected: Mapping[str, torch.Size], folder: Path
) -> None:
    missing = sorted(expected.keys() - found.keys())
    if missing:
        raise CheckpointError(
            f"{folder}/{WEIGHTS} lacks {len(missing)} of {len(expected)} weights, such as "
            f"{missing[0]}; the file is truncated or belongs to another config.json"
        )
    extra = sorted(found.keys() - expected.keys())
    if extra:
        raise CheckpointError(
            f"{folder}/{WEIGHTS} holds weights that the model does not have: {extra[:3]}"
        )
    for name, shape in expected.items():
        if found[name] != shape:
            raise CheckpointError(
                f"{folder}/{WEIGHTS}: {name} has shape {list(found[name])}, config.json wants "
                f"{list(shape)}"
            )
