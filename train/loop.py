"""The training loop: a class that can be built, stepped and tested without a command line."""

from __future__ import annotations

import math
import sys
import time
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import torch
from torch import nn
from torch.nn.parallel import DistributedDataParallel

from tinyinterp import checkpoint
from tinyinterp.errors import OutputError, TrainingError
from tinyinterp.evaluation.loss import Loss, measure_loss
from tinyinterp.io.files import make_folder
from tinyinterp.io.progress import progress
from tinyinterp.text.tokenizer import Tokenizer
from train import resume
from train.build import attend_by_blocks, build_model, build_sampler, seed_of
from train.feed import Feed
from train.interrupts import Interrupts
from train.objectives import Minimised
from train.optimizers import RunningMean, build_optimizers, rate, set_rate
from train.processes import Processes
from train.recipe import Recipe
from train.speed import Speedometer
from train.start import BEST, PICTURE, SNAPSHOTS, refuse_foreign, refuse_other, refuse_unfitting
from train.tokens import TokenFile
from train.tracking import LOG, Tracker, open_trackers, take_back

DTYPES = {"fp32": torch.float32, "fp16": torch.float16, "bf16": torch.bfloat16}
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
    """Trains the recipe's model on prepared data, in ``run``; goes on where it stopped.

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
        self.recipe, self.folder = recipe, run
        self.processes = processes or Processes.alone()
        self.device = self.processes.device
        self.train_file, self.dev_file = (TokenFile(data, split) for split in ("train", "dev"))
        self.card = self.train_file.card
        self.tokenizer = Tokenizer.open(data / "tokenizer")
        refuse_unfitting(recipe, self.card, self.tokenizer, data)
        torch.set_float32_matmul_precision("high" if recipe.run.tf32 else "highest")
        self.model = build_model(recipe).to(self.device)
        self.dtype = DTYPES[recipe.run.precision]
        if self.device.type == "cpu" and self.dtype != torch.float32:
            attend_by_blocks(self.model)
        self.minimised: nn.Module = Minimised(
            self.model, recipe.objective, self.dtype, compiled=recipe.run.compile
        )
        if self.processes.world > 1:
            self.minimised = DistributedDataParallel(self.minimised)
        self.optimizers = build_optimizers(self.model, recipe.optimizer)
        self.scaler = torch.amp.GradScaler(self.device.type, enabled=self.dtype == torch.float16)
        self.mean = RunningMean(self.model, recipe.run.average)
        self.feed = Feed(build_sampler(recipe, self.train_file, self.tokenizer), self.device)
        self.trackers: list[Tracker] = []
        self.step, self.tokens, self.seconds = 0, 0, 0.0
        self.best = math.inf
        self.last: dict[str, float] = {}
        self.interrupts = Interrupts()
        self._begin()

    @property
    def trained(self) -> resume.Trained:
        """What :mod:`train.resume` saves beside numbers."""
        return resume.Trained(self.model, self.mean, self.optimizers)

    def run(self, max_steps: int | None = None) -> Outcome:
        """Train to the recipe's last step, or until interrupted; either way everything is saved.

        Args:
            max_steps: end at this step already. The rate is that of the whole schedule, and the
                next run goes on from there.

        Raises:
            TrainingError: the loss is not finite, or the state cannot be written; the last that
                could be is kept.
        """
        settings, total = self.recipe.run, self.recipe.schedule.steps
        last = total if max_steps is None else min(total, max_steps)
        shown = self.processes.writes and sys.stderr.isatty()
        speed = Speedometer(self.model, self.dtype, self.processes.world) if shown else None
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
                    self._save(self.folder / SNAPSHOTS / f"step-{self.step}")
                if self.step % settings.evaluate_every == 0 or ended:
                    self._evaluate()
                if self.step % settings.save_every == 0 or ended:
                    self.save()
            if self.step < last or self.step == first:  # killed before the checkpoint, maybe
                self.save()
        finished = self.step >= last
        if finished and self.processes.writes:
            self._draw()
        return Outcome(self.step, finished, best_bits_per_byte=self.best)

    def train_step(self) -> dict[str, float]:
        """One optimizer step over ``accumulation`` micro-batches of each process.

        Returns:
            What was minimised, by part: ``loss`` in nats per token, and what the objective adds.

        Raises:
            TrainingError: the loss or its gradient is not finite; the weights are as they were
                before the step.
        """
        settings, world = self.recipe, self.processes.world
        self.model.train()
        set_rate(self.optimizers, rate(settings.schedule, self.step))
        n_each = settings.data.accumulation
        first = self.step * n_each * world + self.processes.rank
        indices = range(first, first + n_each * world, world)
        batches = self.feed.batches(indices, [i + n_each * world for i in indices])
        n_targets = self.processes.summed(sum(b.n_targets for b in batches))[0]
        if not n_targets:
            raise TrainingError(
                f"step {self.step} holds no token that is scored: instructions fill the context of "
                f"{settings.model.n_ctx}; raise model.n_ctx, or set data.loss=all"
            )
        totals: dict[str, float] = {}
        for index, batch in zip(indices, batches, strict=True):
            torch.manual_seed(seed_of(settings.run.seed, index))  # dropout: nothing to save
            with self._synchronised(last=batch is batches[-1]):
                loss, parts = self.minimised(batch, n_targets, n_each * world)
                self.scaler.scale(loss * world).backward()  # DDP takes the mean over processes
            totals = {name: totals.get(name, 0.0) + value for name, value in parts.items()}
        totals = dict(zip(totals, self.processes.summed(*totals.values()), strict=True))
        self._update(totals["loss"])
        self.mean.update(self.model, self.step)
        self.step += 1
        self.tokens += int(n_targets)
        return totals

    def _update(self, loss: float) -> None:
        for optimizer in self.optimizers:
            self.scaler.unscale_(optimizer)
        clip = self.recipe.optimizer.clip
        norm = float(nn.utils.clip_grad_norm_(self.model.parameters(), clip))
        # in fp16 a gradient out of range is expected now and then: the scaler skips that step
        finite = math.isfinite(norm) or (self.scaler.is_enabled() and self.scaler.get_scale() > 1)
        if not (math.isfinite(loss) and finite):
            raise TrainingError(
                f"the loss is {loss} and its gradient {norm} long at step {self.step}; the "
                f"checkpoint of an earlier step in {self.folder} is kept: train with a lower "
                "learning rate in another --out"
            )
        for optimizer in self.optimizers:
            if math.isfinite(norm):
                self.scaler.step(optimizer)
            optimizer.zero_grad()
        self.scaler.update()

    def evaluate(self) -> Loss:
        """Loss of the running mean on the stories held out, in the recipe's precision."""
        mixed = torch.autocast(self.device.type, self.dtype, enabled=self.dtype != torch.float32)
        with self.mean.in_place_of(self.model), mixed:
            return measure_loss(self.model, self._held_out())

    def save(self) -> None:
        """Write the state to go on from, then the checkpoint.

        Raises:
            TrainingError: there is no room; the state that was there is kept.
        """
        numbers = {
            "step": self.step,
            "tokens": self.tokens,
            "seconds": self.seconds,
            "best": self.best,
            "last": self.last,
            "scaler": self.scaler.state_dict(),
            "recipe": self.recipe.as_dict(),
            "data": self.card.fingerprint,
            "micro_batches": self._micro_batches,
        }
        if self.processes.writes:
            with self._kept():
                resume.save_state(self.folder, self.trained, numbers)
            self._save(self.folder)
        self.processes.wait()

    def _held_out(self) -> Iterator[tuple[list[int], int, int]]:
        for tokens, size, prompt in self.dev_file.stories(DEV_TOKENS):
            if self.recipe.data.loss == "all" or not prompt:
                yield tokens, size, 1
            else:
                yield tokens, len(self.tokenizer.decode(tokens[prompt:]).encode()), prompt

    def _begin(self) -> None:
        """Take up the state in the folder, or see that the folder may be begun."""
        numbers = resume.read_numbers(self.folder)
        if numbers is None:
            refuse_foreign(self.folder)
        else:
            now = {"data": self.card.fingerprint, "micro_batches": self._micro_batches}
            refuse_other(self.folder, numbers, self.recipe, now)
            resume.load_state(self.folder, self.trained)
            self.step, self.tokens = numbers["step"], numbers["tokens"]
            self.seconds, self.best = numbers["seconds"], numbers["best"]
            self.last = numbers["last"]
            if numbers["scaler"]:  # empty if the precision was another
                self.scaler.load_state_dict(numbers["scaler"])
        self.processes.wait()  # all have read before one writes
        if self.processes.writes:
            make_folder(self.folder)
            resume.clear_leftovers(self.folder)
            take_back(self.folder / LOG, self.step)

    @property
    def _micro_batches(self) -> int:
        """Of a step, over all processes."""
        return self.recipe.data.accumulation * self.processes.world

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
            self._save(self.folder / BEST)

    def _save(self, folder: Path) -> None:
        if not self.processes.writes:
            return
        training: dict[str, Any] = {
            "recipe": self.recipe.as_dict(),
            "data": asdict(self.card),
            "step": self.step,
            "tokens": self.tokens,
            "epochs": round(self.tokens / max(1, self.card.train.tokens), 3),
            "seconds": round(self.seconds, 1),
            "torch": torch.__version__,
            **self.last,
        }
        with self._kept(), self.mean.in_place_of(self.model):
            dtype = DTYPES[self.recipe.run.stored]
            checkpoint.save(folder, self.model, self.tokenizer, training, dtype)

    def _log(self, **values: float) -> None:
        if not self.processes.writes:
            return
        now = {"step": self.step, "tokens": self.tokens, "seconds": round(self.seconds, 2)}
        with self._kept():
            for tracker in self.trackers:
                tracker.log(now | values)

    def _draw(self) -> None:
        from train.plot import plot_runs

        plot_runs([self.folder], self.folder / PICTURE)

    def _synchronised(self, *, last: bool) -> AbstractContextManager[None]:
        """Gradients are exchanged between processes once a step, with its last micro-batch."""
        if isinstance(self.minimised, DistributedDataParallel) and not last:
            return self.minimised.no_sync()
        return nullcontext()

    @contextmanager
    def _tracked(self) -> Iterator[None]:
        tracked = self.recipe.run.track if self.processes.writes else ()
        self.trackers = open_trackers(self.folder, tracked, self.recipe.as_dict(), self.step)
        try:
            yield
        finally:
            for tracker in self.trackers:
                tracker.close()

    @contextmanager
    def _kept(self) -> Iterator[None]:
        """Say what is safe where something cannot be written."""
        try:
            yield
        except (OutputError, OSError) as error:
            raise TrainingError(
                f"step {self.step}: {error}; what {self.folder / resume.FOLDER} holds is whole: "
                "make room, and the same command goes on from there"
            ) from error


def snapshot_steps(total: int) -> set[int]:
    """Log-spaced steps from 1 to ``total``, each about ``SNAPSHOT_RATIO`` times the one before."""
    steps, step = {total}, 1.0
    while step < total:
        steps.add(round(step))
        step *= SNAPSHOT_RATIO
    return steps
