"""The state of a run between steps: everything needed to resume as if it had never stopped.

``RUN/resume/state.safetensors`` holds every tensor (weights, running mean, optimizer state) and, in
its metadata, every number; it is one file, so that a crash leaves the old one or the new one. There
is no random state: what is drawn depends on the seed and the number of the micro-batch alone.
Nothing is pickled.
"""

from __future__ import annotations

import json
import math
import os
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fnmatch import fnmatch
from pathlib import Path
from typing import Annotated, Any

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import load_file
from torch import Tensor, nn

from tinyinterp.errors import TrainingError
from tinyinterp.io.bounded import parse_json
from tinyinterp.io.described import Count, Within, described
from tinyinterp.io.files import make_folder, replacing_file
from tinyinterp.io.lock import NAME as LOCK
from tinyinterp.io.lock import lock_if_free
from tinyinterp.io.tensors import write_tensors

from .optimizers import RunningMean

FOLDER, FILE = "resume", "state.safetensors"
NUMBERS = "numbers"  # the key of the metadata
COUNTER = "step"
STATES = {  # what each optimizer keeps of a parameter
    "AdamW": {COUNTER, "exp_avg", "exp_avg_sq"},
    "Muon": {"momentum_buffer"},
}
LEFT_BY_A_CRASH = (".new.*", ".*.tmp", ".*.tmp.*", ".*.lock")  # see tinyinterp/io/files.py


@dataclass(frozen=True, kw_only=True)
class Numbers:
    """What the state holds beside tensors.

    Args:
        step: steps that were taken.
        tokens: that were read.
        seconds: of training.
        best: bits per byte; infinite where nothing was evaluated.
        last: what was evaluated last.
        scaler: the state of the scaler of gradients; empty where the precision needs none.
        recipe: its tables.
        data: the fingerprint of the data.
        micro_batches: of a step.
    """

    step: Count
    tokens: Count
    seconds: Annotated[float, Within(0)]
    best: Annotated[float, Within(0, math.inf)]
    last: Mapping[str, Annotated[float, Within(-math.inf, math.inf)]]
    scaler: Mapping[str, Count | Annotated[float, Within(0)]]
    recipe: Mapping[str, str | Mapping[str, Any]]
    data: str
    micro_batches: Count


@dataclass(frozen=True)
class Trained:
    """The parts of a trainer that change from step to step and are more than numbers."""

    model: nn.Module
    mean: RunningMean
    optimizers: Sequence[torch.optim.Optimizer]


def save_state(run: Path, trained: Trained, numbers: Mapping[str, Any]) -> None:
    """Write ``RUN/resume``, whole or not at all.

    Raises:
        OutputError: there is no room, or the folder cannot be written; the old state is kept.
    """
    tensors = {f"weights.{name}": p for name, p in trained.model.named_parameters()}
    tensors |= {f"mean.{name}": t for name, t in trained.mean.weights.items()}
    for index, optimizer in enumerate(trained.optimizers):
        for parameter, state in optimizer.state_dict()["state"].items():
            tensors |= {f"optimizer.{index}.{parameter}.{key}": t for key, t in state.items()}
    folder = make_folder(run / FOLDER)
    with replacing_file(folder / FILE) as path:
        write_tensors(path, tensors, {NUMBERS: json.dumps(dict(numbers))})
        with path.open("rb") as file:
            os.fsync(file.fileno())  # so that a loss of power, too, leaves one of the two


def read_numbers(run: Path) -> Numbers | None:
    """The ``numbers`` that :func:`save_state` was given; None where there is nothing to resume.

    Raises:
        TrainingError: they cannot be read.
    """
    path = run / FOLDER / FILE
    if not path.is_file():
        return None
    try:
        with safe_open(path, "pt") as file:
            stored = (file.metadata() or {}).get(NUMBERS, "null")
        numbers = parse_json(stored, NUMBERS, TrainingError)
        return described(Numbers, numbers, NUMBERS, TrainingError)
    except (OSError, ValueError, SafetensorError, TrainingError) as error:
        raise _unusable(run, error) from error


def load_state(run: Path, trained: Trained) -> None:
    """Restore in place what :func:`save_state` wrote.

    Raises:
        TrainingError: the state cannot be read or belongs to another model or optimizer.
    """
    try:
        tensors = load_file(run / FOLDER / FILE)
        weights = _under("weights.", tensors)
        mean = _under("mean.", tensors) or weights  # none: there was no mean
        states = [
            _state(optimizer, _under(f"optimizer.{index}.", tensors))
            for index, optimizer in enumerate(trained.optimizers)
        ]
        parameters = dict(trained.model.named_parameters())
        for held in (weights, *([mean] if trained.mean.weights else [])):
            for name, parameter in parameters.items():
                require_fitting(held[name], parameter, name)
    except (OSError, ValueError, KeyError, RuntimeError, SafetensorError) as error:
        raise _unusable(run, error) from error
    with torch.no_grad():
        for name, parameter in parameters.items():
            parameter.copy_(weights[name])
    trained.mean.restore(mean)
    for optimizer, state in zip(trained.optimizers, states, strict=True):
        groups = optimizer.state_dict()["param_groups"]
        optimizer.load_state_dict({"state": state, "param_groups": groups})


def _state(
    optimizer: torch.optim.Optimizer, tensors: Mapping[str, Tensor]
) -> dict[int, dict[str, Tensor]]:
    """The state of an optimizer, by the number of the parameter; empty before the first step.

    Raises:
        ValueError: a tensor has another shape than its parameter, or one is missing.
    """
    state: dict[int, dict[str, Tensor]] = {}
    for name, tensor in tensors.items():
        number, _, key = name.partition(".")
        state.setdefault(int(number), {})[key] = tensor
    parameters = [each for group in optimizer.param_groups for each in group["params"]]
    if not set(state) <= set(range(len(parameters))):
        raise ValueError("it holds the state of an optimizer with more parameters")
    wanted = STATES[type(optimizer).__name__]
    for number, tensors_of in state.items():
        if set(tensors_of) != wanted:
            raise ValueError(f"of parameter {number} it holds {sorted(tensors_of)}")
        for key, tensor in tensors_of.items():
            like = torch.zeros(()) if key == COUNTER else parameters[number]
            require_fitting(tensor, like, f"{key} of parameter {number}")
    return state


def require_fitting(tensor: Tensor, like: Tensor, name: str) -> None:
    """Refuse a tensor that cannot take the place of another.

    Raises:
        ValueError: it has another shape, holds no floats, or some that are not finite.
    """
    if tensor.shape != like.shape or not tensor.is_floating_point():
        raise ValueError(
            f"{name} has shape {list(tensor.shape)} of {tensor.dtype}, expected {list(like.shape)}"
        )
    if tensor.numel() and not all(each.isfinite() for each in torch.aminmax(tensor)):
        raise ValueError(f"{name} holds numbers that are not finite")


def clear_leftovers(run: Path) -> None:
    """Remove what a crash during a write has left behind."""
    for path in [*run.glob(".*"), *run.glob("*/.*"), *run.glob("*/*/.*")]:
        if not is_leftover(path.name) or path.name == LOCK:
            continue
        if path.suffix == ".lock":
            held = lock_if_free(path)
            if held is not None:
                held.release()  # deletes it
        elif path.is_dir():
            shutil.rmtree(path, ignore_errors=True)
        else:
            path.unlink(missing_ok=True)


def is_leftover(name: str) -> bool:
    """Whether a file or folder of this name was left by a crash during a write."""
    return any(fnmatch(name, pattern) for pattern in LEFT_BY_A_CRASH)


def _unusable(run: Path, error: Exception) -> TrainingError:
    return TrainingError(
        f"cannot resume from {run / FOLDER}: {error}; train with another --out, or remove "
        f"{run} to start again"
    )


def _under(prefix: str, tensors: dict[str, Tensor]) -> dict[str, Tensor]:
    return {n.removeprefix(prefix): t for n, t in tensors.items() if n.startswith(prefix)}
