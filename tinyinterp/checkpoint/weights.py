"""Weights in safetensors files, one or several, and their way into a model."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path, PureWindowsPath

import torch
from safetensors import SafetensorError, safe_open
from torch import Tensor

from tinyinterp.checkpoint.description import WEIGHTS, read_json
from tinyinterp.checkpoint.names import NOT_PARAMETERS
from tinyinterp.checkpoint.stored import require_finite, require_plain, unwrapped
from tinyinterp.errors import CheckpointError
from tinyinterp.network.compressor import Compressor
from tinyinterp.network.decoder import Decoder

WEIGHTS_INDEX = "model.safetensors.index.json"


def read_weights(folder: Path) -> dict[str, Tensor]:
    """All weights of the folder, under the names they have in its files; masks are left out.

    Raises:
        CheckpointError: a file is missing, truncated or not safetensors, lies outside the folder,
            or holds quantised weights or some that are NaN or infinite.
    """
    weights: dict[str, Tensor] = {}
    for path in weight_files(folder):
        try:
            weights |= _read_file(path)
        except (SafetensorError, OSError, ValueError) as error:
            raise CheckpointError(
                f"cannot read {path}: {error}; the file is truncated or not safetensors: "
                "copy or train it again"
            ) from error
    return weights


def read_decoder_weights(folder: Path) -> dict[str, Tensor]:
    """:func:`read_weights` without the prefixes that wrappers add: ``h.0.ln_1.weight``.

    Raises:
        CheckpointError: as there; or the file holds a weight twice, with different numbers.
    """
    return unwrapped(read_weights(folder), folder / WEIGHTS)


def weight_files(folder: Path) -> list[Path]:
    """The folder's safetensors files: one, or those that its index names.

    Raises:
        CheckpointError: one is missing or would lie outside the folder, or the index names none.
    """
    names = [WEIGHTS]
    if not (folder / WEIGHTS).is_file() and (folder / WEIGHTS_INDEX).is_file():
        names = list(_files_of_index(folder / WEIGHTS_INDEX))
    for name in names:
        if not (folder / name).is_file():
            raise CheckpointError(f"{folder} holds no {name}; copy the whole folder again")
    return [folder / name for name in names]


def _files_of_index(index: Path) -> Iterator[str]:
    weight_map = read_json(index).get("weight_map")
    if not isinstance(weight_map, dict) or not weight_map:
        raise CheckpointError(f"{index} has no weight_map that names files")
    for name in sorted({str(name) for name in weight_map.values()}):
        parts = PureWindowsPath(name)  # reads both separators, on every system
        if parts.anchor or ".." in parts.parts:
            raise CheckpointError(
                f"{index} names {name!r}, which lies outside the folder; it is not opened: "
                "put every file of weights beside the index"
            )
        yield name


def _read_file(path: Path) -> dict[str, Tensor]:
    with safe_open(path, framework="pt") as file:
        stored = {name: file.get_slice(name).get_dtype() for name in file.keys()}  # noqa: SIM118
        kept = {name: kind for name, kind in stored.items() if not NOT_PARAMETERS.search(name)}
        require_plain(kept, path)
        weights = {name: file.get_tensor(name) for name in kept}
    require_finite(weights, path)
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
