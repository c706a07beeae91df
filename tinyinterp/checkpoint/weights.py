"""Weights in safetensors files, one or several, and their way into a model."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import torch
from safetensors import SafetensorError, safe_open
from torch import Tensor

from tinyinterp.checkpoint.description import WEIGHTS
from tinyinterp.checkpoint.names import NOT_PARAMETERS
from tinyinterp.checkpoint.stored import require_finite, require_plain, unwrapped
from tinyinterp.errors import CheckpointError
from tinyinterp.io.described import read_described
from tinyinterp.io.paths import is_file, is_inside, leads_out
from tinyinterp.network.compressor import Compressor
from tinyinterp.network.decoder import Decoder

WEIGHTS_INDEX = "model.safetensors.index.json"


@dataclass(frozen=True)
class _Index:
    weight_map: Mapping[str, str]  # the file of each weight


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
    if not is_file(folder / WEIGHTS) and is_file(folder / WEIGHTS_INDEX):
        names = _files_of_index(folder / WEIGHTS_INDEX)
    for name in names:
        if not is_file(folder / name):
            raise CheckpointError(f"{folder} holds no {name:.200}; copy the whole folder again")
        if not any(is_inside(folder / name, place) for place in (folder, *_cache_of(folder))):
            raise CheckpointError(
                f"{folder / name} is a link that leads out of the folder; it is not opened: copy "
                "the file that it leads to into the folder"
            )
    return [folder / name for name in names]


def _files_of_index(index: Path) -> list[str]:
    names = sorted(set(read_described(_Index, index, CheckpointError).weight_map.values()))
    if not names:
        raise CheckpointError(f"{index} has no weight_map that names files")
    for name in names:
        if leads_out(name):
            raise CheckpointError(
                f"{index} names {name!r:.200}, which lies outside the folder; it is not opened: "
                "put every file of weights beside the index"
            )
    return names


def _cache_of(folder: Path) -> list[Path]:
    """Where the links lead in a snapshot of the hub's cache, MODEL/snapshots/REVISION."""
    place = folder.resolve()
    return [place.parents[1] / "blobs"] if place.parent.name == "snapshots" else []


def _read_file(path: Path) -> dict[str, Tensor]:
    with safe_open(path, framework="pt") as file:
        stored = {name: file.get_slice(name).get_dtype() for name in file.keys()}  # noqa: SIM118
        kept = {name: kind for name, kind in stored.items() if not NOT_PARAMETERS.search(name)}
        require_plain(kept, path)
        weights = {name: file.get_tensor(name) for name in kept}
    require_finite(weights, path)
    return weights


def require_as_many(weights: Mapping[str, Tensor], n_layers: int, folder: Path) -> None:
    """Refuse a configuration of more layers than there are weights, before a model is built.

    Raises:
        CheckpointError: it has.
    """
    if n_layers > len(weights):
        raise CheckpointError(
            f"{folder}/config.json describes {n_layers} layers, {WEIGHTS} holds {len(weights)} "
            "weights; the file is truncated or belongs to another config.json"
        )


def fill(
    model: Decoder | Compressor, weights: Mapping[str, Tensor], dtype: torch.dtype, folder: Path
) -> None:
    """Give ``model``, built on the meta device, its weights, and make it one for reading.

    Raises:
        CheckpointError: a weight is missing, too many, or has another shape.
    """
    expected = {name: p.shape for name, p in model.named_parameters()}
    _compare_shapes({name: t.shape for name, t in weights.items()}, expected, folder)
    owned = {name: _owned(weight.to(dtype)) for name, weight in weights.items()}
    model.load_state_dict(owned, strict=False, assign=True)
    if model.config.tied:
        model.unembed.weight = model.embed.weight
    model.eval().requires_grad_(requires_grad=False)


def _owned(weight: Tensor) -> Tensor:
    """A copy of what is a part of something larger: one weight would hold the whole file in memory.

    And a file that somebody overwrites would change under a model that reads from it.
    """
    return weight.clone() if weight.untyped_storage().nbytes() > weight.nbytes else weight


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
