"""The state of a run between steps: everything needed to go on as if it had never stopped.

``RUN/resume/state.safetensors`` holds every tensor (weights, running mean, optimizer state, random
state), ``state.json`` every number. The folder is replaced as a whole. Nothing is pickled.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import Tensor

from tinyinterp.decoder import Decoder
from tinyinterp.errors import TrainingError
from tinyinterp.files import replacing_folder, write_text
from train.optimizers import RunningMean

FOLDER = "resume"


def save_state(
    run: Path,
    decoder: Decoder,
    mean: RunningMean,
    optimizers: Sequence[torch.optim.Optimizer],
    numbers: dict[str, Any],
) -> None:
    """Write ``RUN/resume``, whole or not at all."""
    tensors: dict[str, Tensor] = {"random.cpu": torch.get_rng_state()}
    if torch.cuda.is_available():
        tensors["random.cuda"] = torch.cuda.get_rng_state()
    tensors |= {f"weights.{name}": p.detach() for name, p in decoder.named_parameters()}
    tensors |= {f"mean.{name}": t for name, t in mean.weights.items()}
    for index, optimizer in enumerate(optimizers):
        for parameter, state in optimizer.state_dict()["state"].items():
            tensors |= {
                f"optimizer.{index}.{parameter}.{key}": t.detach() for key, t in state.items()
            }
    with replacing_folder(run / FOLDER) as new:
        path = new / "state.json"
        write_text(path, json.dumps(numbers, indent=2) + "\n")
        stored = {n: t.cpu().contiguous().clone() for n, t in tensors.items()}
        save_file(stored, new / "state.safetensors")
        shutil.copymode(path, new / "state.safetensors")  # safetensors lets only the owner read


def read_numbers(run: Path) -> dict[str, Any] | None:
    """The ``numbers`` that :func:`save_state` was given; None where there is nothing to resume.

    Raises:
        TrainingError: they cannot be read.
    """
    folder = run / FOLDER
    if not folder.is_dir():
        return None
    try:
        return json.loads((folder / "state.json").read_text("utf-8"))
    except (OSError, ValueError) as error:
        raise _unusable(folder, error) from error


def load_state(
    run: Path,
    decoder: Decoder,
    mean: RunningMean,
    optimizers: Sequence[torch.optim.Optimizer],
) -> None:
    """Restore in place what :func:`save_state` wrote.

    Raises:
        TrainingError: the state cannot be read or belongs to another model or optimizer.
    """
    folder = run / FOLDER
    try:
        tensors = load_file(folder / "state.safetensors")
        decoder.load_state_dict(_under("weights.", tensors), strict=not decoder.config.tied)
        mean.restore(_under("mean.", tensors))
        for index, optimizer in enumerate(optimizers):
            whole = optimizer.state_dict()
            state: dict[int, dict[str, Tensor]] = {}
            for name, tensor in _under(f"optimizer.{index}.", tensors).items():
                parameter, _, key = name.partition(".")
                state.setdefault(int(parameter), {})[key] = tensor
            optimizer.load_state_dict({"state": state, "param_groups": whole["param_groups"]})
        torch.set_rng_state(tensors["random.cpu"])
        if torch.cuda.is_available() and "random.cuda" in tensors:
            torch.cuda.set_rng_state(tensors["random.cuda"])
    except (OSError, ValueError, KeyError, RuntimeError, SafetensorError) as error:
        raise _unusable(folder, error) from error


def _unusable(folder: Path, error: Exception) -> TrainingError:
    return TrainingError(
        f"cannot resume from {folder}: {error}; train with another --out, or remove "
        f"{folder.parent} to start anew"
    )


def _under(prefix: str, tensors: dict[str, Tensor]) -> dict[str, Tensor]:
    return {n.removeprefix(prefix): t for n, t in tensors.items() if n.startswith(prefix)}
