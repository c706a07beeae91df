"""Where the numbers of a run go: ``log.jsonl`` always, TensorBoard, Weights & Biases if asked."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol, runtime_checkable

from tinyinterp.errors import TrainingError
from tinyinterp.io.bounded import parse_json, read_text
from tinyinterp.io.described import Count, described
from tinyinterp.io.files import write_text

LOG = "log.jsonl"
PROJECT = "tinyinterp"


@runtime_checkable
class Tracker(Protocol):
    """Takes the numbers of a step. ``values`` always hold ``step``, ``tokens`` and ``seconds``."""

    def log(self, values: Mapping[str, float]) -> None:
        """Keep them."""
        ...

    def close(self) -> None:
        """The run has ended or was stopped."""
        ...


class JsonLines:
    """One JSON object per line. Each call reopens the file, so that a crash loses nothing."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def log(self, values: Mapping[str, float]) -> None:
        """Append a line."""
        with self.path.open("a", encoding="utf-8") as file:
            file.write(json.dumps(dict(values)) + "\n")

    def close(self) -> None:
        """Nothing is open."""


class TensorBoard:
    """Event files in the run's folder: ``tensorboard --logdir RUN``."""

    def __init__(self, folder: Path, step: int) -> None:
        try:
            from torch.utils.tensorboard import SummaryWriter
        except ImportError as error:
            raise _missing("tensorboard") from error
        self._writer = SummaryWriter(str(folder / "tensorboard"), purge_step=step + 1)

    def log(self, values: Mapping[str, float]) -> None:
        """Each number as a curve over steps."""
        for name, value in values.items():
            if name != "step":
                self._writer.add_scalar(name, value, int(values["step"]))

    def close(self) -> None:
        """Flush what is buffered."""
        self._writer.close()


class WeightsAndBiases:
    """A run of the same name; resumed under the same id, which the folder's path gives."""

    def __init__(self, folder: Path, config: Mapping[str, Any]) -> None:
        try:
            import wandb
        except ImportError as error:
            raise _missing("wandb") from error
        self._run = wandb.init(
            project=PROJECT,
            name=folder.name,
            id=hashlib.sha256(str(folder.resolve()).encode()).hexdigest()[:16],
            resume="allow",
            dir=str(folder),
            config=dict(config),
        )

    def log(self, values: Mapping[str, float]) -> None:
        """Each number as a curve over steps."""
        self._run.log(dict(values), step=int(values["step"]))

    def close(self) -> None:
        """Send what is buffered."""
        self._run.finish()


def open_trackers(
    folder: Path, names: Sequence[str], config: Mapping[str, Any], step: int
) -> list[Tracker]:
    """The log and those asked for, to continue after ``step``.

    Raises:
        TrainingError: the package of one is not installed.
    """
    trackers: list[Tracker] = [JsonLines(folder / LOG)]
    if "tensorboard" in names:
        trackers.append(TensorBoard(folder, step))
    if "wandb" in names:
        trackers.append(WeightsAndBiases(folder, config))
    return trackers


def take_back(log: Path, step: int) -> None:
    """Cut ``log`` back to what it held when ``step`` was saved; at step 0, remove it."""
    if not step:
        log.unlink(missing_ok=True)
    elif log.exists():
        *whole, _ = read_text(log, TrainingError).split("\n")  # a crash may cut the last one
        kept = [line for line in whole if _logged(line, log).step <= step]
        write_text(log, "".join(f"{line}\n" for line in kept))


@dataclass(frozen=True)
class Logged:
    """The fields of a line of the log that are read."""

    step: Count
    tokens: Count = 0
    loss: float | None = None
    dev_nats_per_token: float | None = None


def _logged(line: str, log: Path) -> Logged:
    return described(Logged, parse_json(line, str(log), TrainingError), str(log), TrainingError)


def read_log(log: Path) -> list[Logged]:
    """The lines of a log; a last one that is still being written is left out.

    Raises:
        TrainingError: it cannot be read, or is damaged.
    """
    *whole, _ = read_text(log, TrainingError).split("\n")
    return [_logged(line, log) for line in whole]


def _missing(package: str) -> TrainingError:
    return TrainingError(
        f"{package} is not installed; install it (pip install 'tinyinterp[tracking]') or leave it "
        "out of run.track"
    )
