"""What studies read: trained models, texts, and what was measured of a model before.

What was measured of one model is kept in ``measured`` beside the tables, with what is known of its
training. So a table can be made anew where the weights are absent, and models may be trained and
measured one after another, on different machines.
"""

from __future__ import annotations

import argparse
import hashlib
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from analyses.train_models import records
from tinyinterp import checkpoint
from tinyinterp.errors import SelectionError
from tinyinterp.io.files import write_text
from tinyinterp.model import AnyModel, load_any

FIGURES = Path(__file__).parent.parent / "figures"
RUNS = Path("runs/studies")
MEASURED = "measured"  # beside the tables: what was measured of one model


@dataclass(frozen=True)
class Inputs:
    """Where a study reads. ``models`` are those of its models that are there."""

    runs: Path = RUNS
    text: Path | None = None
    valid: Path | None = None
    figures: Path = FIGURES
    models: tuple[str, ...] = ()
    limit: int | None = None

    def open(self, name: str) -> AnyModel:
        """A trained model."""
        return load_any(self.runs / name)

    @property
    def measured(self) -> Path:
        """Where what was measured of each model is kept."""
        return self.figures / MEASURED

    def records(self) -> dict[str, dict[str, Any]]:
        """What is known of each model's training: of the runs or, without any, of what is kept."""
        return records(self.runs) or records(self.measured)

    def record(self, name: str) -> dict[str, Any]:
        """What is known of one model's training."""
        return self.records().get(name, {})

    def has_weights(self, name: str) -> bool:
        """Whether a model's checkpoint is here."""
        return (self.runs / name / "config.json").exists()

    def fingerprint(self, name: str) -> str:
        """SHA-256 of a model: of its checkpoint or, where that is absent, as it was recorded."""
        if self.has_weights(name):
            return checkpoint.fingerprint(self.runs / name)
        return self.record(name).get("fingerprint", "unknown")

    def kept(self, what: str, name: str, read: Path | Sequence[Path] | None) -> Path:
        """The file that keeps what was measured of a model, once it was."""
        if isinstance(read, Sequence):
            digests: Any = [file_digest(file) for file in read]
        else:
            digests = file_digest(read) if read else None
        key = digest([self.fingerprint(name), digests, self.limit])
        return self.measured / f"{what}-{name}-{key[:12]}.json"

    def once(
        self,
        what: str,
        name: str,
        read: Path | Sequence[Path] | None,
        measure: Callable[[], Any],
        *,
        opens: bool = True,
    ) -> Any:
        """What was measured of a model: kept beside the tables, else measured now.

        Args:
            what: is measured, for the name of the file that keeps it.
            name: of the model.
            read: the file or files that are read, such as ``valid``; None: none.
            measure: gives it, as something that JSON holds.
            opens: whether ``measure`` opens the model, and not only what it wrote before.

        Raises:
            SelectionError: it was not measured and the checkpoint is absent.
        """
        path = self.kept(what, name, read)
        if path.exists():
            return json.loads(path.read_text("utf-8"))
        if opens and not self.has_weights(name):
            raise SelectionError(
                f"{name} has no checkpoint in {self.runs}, and its {what} was not measured on this "
                f"text; train it: python -m analyses.train_models --only {name}"
            )
        path.parent.mkdir(parents=True, exist_ok=True)
        found = measure()
        write_text(path, json.dumps(found) + "\n")
        return found


def add_options(parser: argparse.ArgumentParser) -> None:
    """The options that all studies share."""
    parser.add_argument("--runs", type=Path, default=RUNS, help="of analyses.train_models")
    parser.add_argument("--text", type=Path, help="stories that the models were trained on")
    parser.add_argument("--valid", type=Path, help="stories that only measure")
    parser.add_argument("--out", type=Path, default=FIGURES)
    parser.add_argument("--full", action="store_true", help="read whole texts")


def file_digest(path: Path) -> str:
    """SHA-256 of a file."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def digest(value: Any) -> str:
    """SHA-256 of anything that JSON holds."""
    return hashlib.sha256(json.dumps(value, sort_keys=True).encode()).hexdigest()
