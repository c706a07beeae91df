"""The state of a run between steps: everything needed to resume as if it had never stopped.

``RUN/resume/state.safetensors`` holds every tensor (weights, running mean, optimizer state) and, in
its metadata, every number; it is one file, so that a crash leaves the old one or the new one. There
is no random state: what is drawn depends on the seed and the number of the micro-batch alone.
Nothing is pickled.
"""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fnmatch import fnmatch
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import load_file, save_file
from torch import Tensor, nn

from tinyinterp.errors import OutputError, TrainingError
from tinyinterp.io.files import make_folder, replacing_file, write_text
from tinyinterp.io.lock import NAME as LOCK
from tinyinterp.io.lock import lock_if_free

from .optimizers import RunningMean

FOLDER, FILE = "resume", "state.safetensors"
NUMBERS = "numbers"  # the key of the metadata
LEFT_BY_A_CRASH = (".new.*", ".*.tmp", ".*.tmp.*", ".*.lock")  # see tinyinterp/io/files.py


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
    tensors = {f"weights.{name}": p.detach() for name, p in trained.model.named_parameters()}
    tensors |= {f"mean.{name}": t for name, t in trained.mean.weights.items()}
    for index, optimizer in enumerate(trained.optimizers):
        for parameter, state in optimizer.state_dict()["state"].items():
            tensors |= {
                f"optimizer.{index}.{parameter}.{key}": t.detach() for key, t in state.items()
            }
    stored = {n: t.cpu().contiguous() for n, t in tensors.items()}
    folder = make_folder(run / FOLDER)
    with replacing_file(folder / FILE) as path:
        write_text(path, "")  # with the mode that the umask asks for; safetensors keeps it
        mode = path.stat().st_mode
        try:
            save_file(stored, path, metadata={NUMBERS: json.dumps(dict(numbers))})
        except SafetensorError as error:
            raise OutputError(f"cannot write {folder / FILE}: {error}") from error
        path.chmod(mode)
        with path.open("rb") as file:
            os.fsync(file.fileno())  # so that a loss of power, too, leaves one of the two


def read_numbers(run: Path) -> dict[str, Any] | None:
    """The ``numbers`` that :func:`save_state` was given; None where there is nothing to resume.

    Raises:
        TrainingError: they cannot be read.
    """
    path = run / FOLDER / FILE
    if not path.is_file():
        return None
    try:
        with safe_open(path, "pt") as file:
            return json.loads(file.metadata()[NUMBERS])
    except (OSError, ValueError, KeyError, TypeError, SafetensorError) as error:
        raise _unusable(run, error) from error


def load_state(run: Path, trained: Trained) -> None:
    """Restore in place what :func:`save_state` wrote.

    Raises:
        TrainingError: the state cannot be read or belongs to another model or optimizer.
    """
    try:
        tensors = load_file(run / FOLDER / FILE)
        weights = _under("weights.", tensors)
        with torch.no_grad():
            for name, parameter in trained.model.named_parameters():
                parameter.copy_(weights[name])
        trained.mean.restore(_under("mean.", tensors) or weights)  # none: there was no mean
        for index, optimizer in enumerate(trained.optimizers):
            whole = optimizer.state_dict()
            state: dict[int, dict[str, Tensor]] = {}
            for name, tensor in _under(f"optimizer.{index}.", tensors).items():
                parameter_id, _, key = name.partition(".")
                state.setdefault(int(parameter_id), {})[key] = tensor
            optimizer.load_state_dict({"state": state, "param_groups": whole["param_groups"]})
    except (OSError, ValueError, KeyError, RuntimeError, SafetensorError) as error:
        raise _unusable(run, error) from error


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
