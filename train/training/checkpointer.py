"""What a run keeps in its folder: the state to resume from, its checkpoint, the best, snapshots."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import Any

import torch

from tinyinterp import checkpoint
from tinyinterp.errors import OutputError, TrainingError
from tinyinterp.io.files import make_folder
from tinyinterp.io.lock import Lock, lock_folder
from tinyinterp.processes import Processes
from tinyinterp.text.tokenizer import Tokenizer

from ..data.tokens import DataCard
from . import resume
from .recipe import Recipe
from .start import BEST, SNAPSHOTS, refuse_foreign, refuse_other
from .step import DTYPES, Stepper
from .tracking import LOG, take_back


class Checkpointer:
    """Reads and writes the folder ``run``. Of several processes all read, rank 0 alone writes.

    Everywhere, ``numbers`` are those of the run: ``step``, ``tokens``, ``seconds``, ``best`` (bits
    per byte) and ``last`` (what was evaluated last).
    """

    def __init__(
        self,
        run: Path,
        recipe: Recipe,
        card: DataCard,
        tokenizer: Tokenizer,
        stepper: Stepper,
        processes: Processes,
    ) -> None:
        self.run, self.recipe, self.card, self.tokenizer = run, recipe, card, tokenizer
        self.stepper, self.processes = stepper, processes
        self.trained = resume.Trained(stepper.model, stepper.mean, stepper.optimizers)
        self._lock: Lock | None = None  # of the process that writes

    def begin(self) -> resume.Numbers | None:
        """Restore the state in the folder, or see that the folder may be begun.

        Returns:
            The numbers that were saved; None where the run begins.

        Raises:
            TrainingError: the state cannot be used, or is of another recipe or other data, or the
                folder holds what no run leaves.
            OutputError: another process trains in the folder, or it cannot be written.
        """
        if self.processes.writes:
            if resume.read_numbers(self.run) is None:
                refuse_foreign(self.run)
            self._lock = lock_folder(make_folder(self.run))  # before the state is read to be used
        numbers = resume.read_numbers(self.run)
        if numbers is None:
            refuse_foreign(self.run)
        else:
            refuse_other(self.run, numbers, self.recipe, self._identity)
            resume.load_state(self.run, self.trained)
            scaler = self.stepper.scaler
            if set(numbers.scaler) == set(scaler.state_dict()):  # not if the precision changed
                scaler.load_state_dict(dict(numbers.scaler))
        self.processes.wait()  # all have read before one writes
        if self.processes.writes:
            resume.clear_leftovers(self.run)
            take_back(self.run / LOG, numbers.step if numbers else 0)
        return numbers

    def save(self, numbers: Mapping[str, Any]) -> None:
        """Write the state to resume from, then the checkpoint.

        Raises:
            TrainingError: there is no room; the state that was there is kept.
        """
        scaler = self.stepper.scaler.state_dict()
        whole = {**numbers, "scaler": scaler, "recipe": self.recipe.as_dict(), **self._identity}
        if self.processes.writes:
            with self.kept(numbers["step"]):
                resume.save_state(self.run, self.trained, whole)
            self._write(self.run, numbers)
        self.processes.wait()

    def save_best(self, numbers: Mapping[str, Any]) -> None:
        """Write ``best/``, a checkpoint without a state."""
        self._write(self.run / BEST, numbers)

    def save_snapshot(self, numbers: Mapping[str, Any]) -> None:
        """Write ``snapshots/step-N/``, a checkpoint without a state."""
        self._write(self.run / SNAPSHOTS / f"step-{numbers['step']}", numbers)

    @contextmanager
    def kept(self, step: int) -> Iterator[None]:
        """Say what is safe where something cannot be written."""
        try:
            yield
        except (OutputError, OSError) as error:
            raise TrainingError(
                f"step {step}: {error}; {self.run / resume.FOLDER} is intact: make room and run "
                "the same command again, which resumes from there"
            ) from error

    @property
    def _identity(self) -> dict[str, Any]:
        """What a run that resumes must agree with."""
        n_micro_batches = self.recipe.data.accumulation * self.processes.world  # of a step
        return {"data": self.card.fingerprint, "micro_batches": n_micro_batches}

    def _write(self, folder: Path, numbers: Mapping[str, Any]) -> None:
        """Write the running mean of the weights as a checkpoint."""
        if not self.processes.writes:
            return
        training: dict[str, Any] = {
            "recipe": self.recipe.as_dict(),
            "data": asdict(self.card),
            "step": numbers["step"],
            "tokens": numbers["tokens"],
            "epochs": round(numbers["tokens"] / max(1, self.card.train.tokens), 3),
            "seconds": round(numbers["seconds"], 1),
            "torch": torch.__version__,
            **numbers["last"],
        }
        model, stored = self.stepper.model, DTYPES[self.recipe.run.stored]
        with self.kept(numbers["step"]), self.stepper.mean.in_place_of(model):
            checkpoint.save(folder, model, self.tokenizer, training, stored)
