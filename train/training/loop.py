"""The training loop: a class that can be built, stepped and tested without a command line."""

from __future__ import annotations

import math
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tinyinterp.evaluation.loss import Loss, measure_loss
from tinyinterp.io.paths import expanded
from tinyinterp.io.progress import progress
from tinyinterp.processes import Processes
from tinyinterp.text.tokenizer import Tokenizer

from ..data.tokens import TokenFile
from .build import build_sampler
from .checkpointer import Checkpointer
from .interrupts import Interrupts
from .recipe import Recipe
from .schedule import rate
from .speed import Speedometer
from .start import refuse_unfitting
from .step import Stepper
from .tracking import Tracker, open_trackers

LOG_EVERY = 10  # steps
DEV_TOKENS = 100_000  # of the held-out stories, evaluated each time
SNAPSHOT_RATIO = math.sqrt(2)  # between the steps of two snapshots


@dataclass(frozen=True)
class Outcome:
    """How a call of :meth:`Trainer.run` ended."""

    step: int
    finished: bool  # False: stopped by a signal before the step asked for
    best_bits_per_byte: float  # infinite if nothing was evaluated


class Trainer:
    """Trains the recipe's model on prepared data, in ``run``; resumes a run that was stopped.

    ``run`` becomes a checkpoint folder (the last weights, or their running mean), with ``best/``,
    ``snapshots/step-N/``, ``resume/`` and ``log.jsonl`` beside.

    Args:
        processes: which of several this is; alone unless given.

    Raises:
        TrainingError: the data do not fit the recipe, or ``run`` was begun with another recipe or
            other data or holds what no run leaves.
    """

    def __init__(
        self, recipe: Recipe, data: Path, run: Path, processes: Processes | None = None
    ) -> None:
        run, data = expanded(run), expanded(data)
        self.recipe, self.folder = recipe, run
        self.processes = processes or Processes.alone()
        self.train_file, self.dev_file = (TokenFile(data, split) for split in ("train", "dev"))
        card = self.train_file.card
        self.tokenizer = Tokenizer.open(data / "tokenizer")
        refuse_unfitting(recipe, card, self.tokenizer, data)
        sampler = build_sampler(recipe, self.train_file, self.tokenizer)
        self.stepper = Stepper(recipe, sampler, self.processes)
        self.model = self.stepper.model
        self.checkpointer = Checkpointer(
            run, recipe, card, self.tokenizer, self.stepper, self.processes
        )
        self.trackers: list[Tracker] = []
        self.interrupts = Interrupts()
        self.step, self.tokens, self.seconds = 0, 0, 0.0
        self.best = math.inf
        self.last: dict[str, float] = {}
        numbers = self.checkpointer.begin()
        if numbers is not None:
            self.step, self.tokens = numbers.step, numbers.tokens
            self.seconds, self.best = numbers.seconds, numbers.best
            self.last = dict(numbers.last)

    @property
    def numbers(self) -> dict[str, Any]:
        """Those of the run, as :class:`Checkpointer` keeps them."""
        return {
            "step": self.step,
            "tokens": self.tokens,
            "seconds": self.seconds,
            "best": self.best,
            "last": self.last,
        }

    def run(self, max_steps: int | None = None) -> Outcome:
        """Train to the recipe's last step, or until interrupted; either way everything is saved.

        Args:
            max_steps: end at this step already. The rate is that of the whole schedule, and the
                next run resumes from there.

        Raises:
            TrainingError: the loss is not finite, or the state cannot be written; the last that
                could be is kept.
        """
        settings, total = self.recipe.run, self.recipe.schedule.steps
        last = total if max_steps is None else min(total, max_steps)
        shown = self.processes.writes and sys.stderr.isatty()
        world = self.processes.world
        speed = Speedometer(self.model, self.stepper.dtype, world) if shown else None
        with (
            self.interrupts,
            self._tracked(),
            progress(f"training {self.recipe.name}", last) as bar,
        ):
            bar.advance(self.step)
            first = self.step
            while self.step < last and not self._stopping():
                began, before = time.monotonic(), self.tokens
                parts = self.train_step()
                taken = time.monotonic() - began
                self.seconds += taken
                note = speed.note(self.tokens - before, taken, parts["loss"]) if speed else None
                bar.advance(note=note)
                ended = self.step == last
                if self.step % LOG_EVERY == 0 or ended:
                    self._log(**parts, rate=rate(self.recipe.schedule, self.step - 1))
                if settings.snapshots and self.step in snapshot_steps(total):
                    self.checkpointer.save_snapshot(self.numbers)
                if self.step % settings.evaluate_every == 0 or ended:
                    self._evaluate()
                if self.step % settings.save_every == 0 or ended:
                    self.save()
            if self.step < last or self.step == first:  # killed before the checkpoint, maybe
                self.save()
        return Outcome(self.step, finished=self.step >= last, best_bits_per_byte=self.best)

    def train_step(self) -> dict[str, float]:
        """The next step, as :meth:`Stepper.take` takes it; the loss, by part."""
        parts, n_tokens = self.stepper.take(self.step)
        self.step += 1
        self.tokens += n_tokens
        return parts

    def evaluate(self) -> Loss:
        """Loss of the running mean on the stories held out, in the recipe's precision."""
        with self.stepper.mean.in_place_of(self.model), self.stepper.mixed_precision():
            return measure_loss(self.model, self._held_out())

    def save(self) -> None:
        """Write the state to resume from, then the checkpoint.

        Raises:
            TrainingError: there is no room; the state that was there is kept.
        """
        self.checkpointer.save(self.numbers)

    def _held_out(self) -> Iterator[tuple[list[int], int, int]]:
        for tokens, size, prompt in self.dev_file.stories(DEV_TOKENS):
            if self.recipe.data.loss == "all" or not prompt:
                yield tokens, size, 1
            else:
                yield tokens, len(self.tokenizer.decode(tokens[prompt:]).encode()), prompt

    def _stopping(self) -> bool:
        return self.processes.summed(float(self.interrupts.received))[0] > 0

    def _evaluate(self) -> None:
        if not len(self.dev_file) or not self.processes.writes:
            return
        loss = self.evaluate()
        self.last = {
            "dev_nats_per_token": loss.nats_per_token,
            "dev_bits_per_byte": loss.bits_per_byte,
        }
        self._log(**self.last)
        if loss.bits_per_byte < self.best:
            self.best = loss.bits_per_byte
            self.checkpointer.save_best(self.numbers)

    def _log(self, **values: float) -> None:
        if not self.processes.writes:
            return
        now = {"step": self.step, "tokens": self.tokens, "seconds": round(self.seconds, 2)}
        with self.checkpointer.kept(self.step):
            for tracker in self.trackers:
                tracker.log(now | values)

    @contextmanager
    def _tracked(self) -> Iterator[None]:
        tracked = self.recipe.run.track if self.processes.writes else ()
        self.trackers = open_trackers(self.folder, tracked, self.recipe.as_dict(), self.step)
        try:
            yield
        finally:
            for tracker in self.trackers:
                tracker.close()


def snapshot_steps(total: int) -> set[int]:
    """Log-spaced steps from 1 to ``total``, each about ``SNAPSHOT_RATIO`` times the one before."""
    steps, step = {total}, 1.0
    while step < total:
        steps.add(round(step))
        step *= SNAPSHOT_RATIO
    return steps
