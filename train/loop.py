"""The training loop: a class that can be built, stepped and tested without a command line."""

from __future__ import annotations

import json
import math
import signal
import time
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import asdict, dataclass
from pathlib import Path
from types import FrameType
from typing import Any

import torch

from tinyinterp import checkpoint
from tinyinterp.decoder import Decoder
from tinyinterp.errors import TrainingError
from tinyinterp.evaluation.loss import Loss, measure_loss
from tinyinterp.files import make_folder, write_text
from tinyinterp.progress import progress
from tinyinterp.tokenizer import Tokenizer
from train import resume
from train.batches import IGNORED, Batch, Sampler, StorySampler, WindowSampler
from train.cross_entropy import linear_cross_entropy
from train.optimizers import RunningMean, build_optimizers, rate, set_rate
from train.recipe import Recipe
from train.start import (
    BEST,
    LOG,
    PICTURE,
    SNAPSHOTS,
    refuse_foreign,
    refuse_several_processes,
)
from train.tokens import TokenFile

DTYPES = {"fp32": torch.float32, "fp16": torch.float16, "bf16": torch.bfloat16}
LOG_EVERY = 10  # steps
DEV_TOKENS = 100_000  # of the held-out stories, evaluated each time
SNAPSHOT_RATIO = math.sqrt(2)  # between the steps of two snapshots


@dataclass(frozen=True)
class Outcome:
    """How a call of :meth:`Trainer.run` ended."""

    step: int
    finished: bool  # False: stopped by a signal, to be resumed
    best_bits_per_byte: float


class Trainer:
    """Trains the recipe's model on prepared data, in ``run``; goes on where it stopped.

    ``run`` becomes a checkpoint folder (the last weights, or their running mean), with ``best/``,
    ``snapshots/step-N/``, ``resume/`` and ``log.jsonl`` beside.

    Raises:
        TrainingError: the data were made for another vocabulary, ``run`` was begun with another
            recipe or other data or holds what no run leaves, or several processes were started.
    """

    def __init__(self, recipe: Recipe, data: Path, run: Path) -> None:
        refuse_several_processes()
        self.recipe, self.folder = recipe, run
        self.train_file = TokenFile(data, "train")
        self.dev_file = TokenFile(data, "dev")
        self.card = self.train_file.card
        self.tokenizer = Tokenizer.open(data / "tokenizer")
        if self.card.n_vocab != recipe.model.n_vocab:
            raise TrainingError(
                f"{data} was prepared with {self.card.n_vocab} tokens, recipe {recipe.name} has "
                f"model.n_vocab {recipe.model.n_vocab}; prepare it again or override the recipe"
            )
        self.device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
        torch.manual_seed(recipe.run.seed)
        generator = torch.Generator().manual_seed(recipe.run.seed)
        self.decoder = Decoder(recipe.model).initialize(generator).to(self.device)
        if self.device.type == "cpu" and recipe.run.precision == "bf16":
            for layer in range(recipe.model.n_layers):
                self.decoder.block(layer).attn.fused = False  # the fused kernel is slow here
        self.optimizers = build_optimizers(self.decoder, recipe.optimizer)
        self.mean = RunningMean(self.decoder, recipe.run.average)
        self.sampler = self._sampler()
        self.step, self.tokens, self.seconds = 0, 0, 0.0
        self.best = math.inf
        self.last: dict[str, float] = {}
        self._stop = False
        self._resume()

    def run(self) -> Outcome:
        """Train to the recipe's last step, or until interrupted; either way everything is saved."""
        total = self.recipe.schedule.steps
        settings = self.recipe.run
        with progress(f"training {self.recipe.name}", total) as bar, self._signals():
            bar.advance(self.step)
            while self.step < total and not self._stop:
                began = time.monotonic()
                loss = self.train_step()
                self.seconds += time.monotonic() - began
                bar.advance()
                ended = self.step == total
                if self.step % LOG_EVERY == 0 or ended:
                    self._log(loss=loss, rate=rate(self.recipe.schedule, self.step - 1))
                if settings.snapshots and self.step in snapshot_steps(total):
                    self._save(self.folder / SNAPSHOTS / f"step-{self.step}")
                if self.step % settings.evaluate_every == 0 or ended:
                    self._evaluate()
                if self.step % settings.save_every == 0 or ended:
                    self.save()
            if self._stop:
                self.save()
        finished = self.step >= total
        if finished:
            self._finish()
        return Outcome(self.step, finished, best_bits_per_byte=self.best)

    def train_step(self) -> float:
        """One optimizer step over ``accumulation`` micro-batches; returns nats per token.

        Raises:
            TrainingError: the loss or its gradient is not finite; the weights are as they were
                before the step.
        """
        settings = self.recipe
        self.decoder.train()
        set_rate(self.optimizers, rate(settings.schedule, self.step))
        first = self.step * settings.data.accumulation
        batches = [self.sampler.batch(first + i) for i in range(settings.data.accumulation)]
        n_targets = sum(int((b.targets != IGNORED).sum()) for b in batches)
        total = 0.0
        for batch in batches:
            loss = self._loss(batch) / n_targets
            loss.backward()
            total += loss.item()
        clip = settings.optimizer.clip
        norm = float(torch.nn.utils.clip_grad_norm_(self.decoder.parameters(), clip))
        if not (math.isfinite(total) and math.isfinite(norm)):
            raise TrainingError(
                f"the loss is {total} and its gradient {norm} long at step {self.step}; the "
                f"checkpoint of an earlier step in {self.folder} is kept: train with a lower "
                "learning rate in another --out"
            )
        for optimizer in self.optimizers:
            optimizer.step()
            optimizer.zero_grad()
        self.mean.update(self.decoder, self.step)
        self.step += 1
        self.tokens += n_targets
        return total

    def evaluate(self) -> Loss:
        """Loss of the running mean on the stories held out, in the recipe's precision."""
        with self._mean_weights(), self._autocast():
            return measure_loss(self.decoder, self._dev_stories())

    def save(self) -> None:
        """Write the state to go on from, then the checkpoint."""
        numbers = {
            "step": self.step,
            "tokens": self.tokens,
            "seconds": self.seconds,
            "best": self.best,
            "last": self.last,
            "recipe": json.loads(json.dumps(self.recipe.as_dict())),
            "data": self.card.fingerprint,
        }
        resume.save_state(self.folder, self.decoder, self.mean, self.optimizers, numbers)
        self._save(self.folder)

    def _loss(self, batch: Batch) -> torch.Tensor:
        tokens, targets = batch.tokens.to(self.device), batch.targets.to(self.device)
        with self._autocast():
            resid = self.decoder.ln_final(self.decoder.residual(tokens))
        return linear_cross_entropy(
            resid.flatten(0, 1),
            self.decoder.unembed.weight,
            targets.flatten(),
            ignored=IGNORED,
            dtype=DTYPES[self.recipe.run.precision],
        )

    def _sampler(self) -> Sampler:
        settings, n_ctx, seed = self.recipe.data, self.recipe.model.n_ctx, self.recipe.run.seed
        if settings.sampler == "stories":
            return StorySampler(self.train_file, n_ctx, settings.batch_tokens, seed)
        return WindowSampler(self.train_file, n_ctx, settings.batch_size, seed)

    def _dev_stories(self) -> Iterator[tuple[list[int], int]]:
        seen = 0
        for story in range(len(self.dev_file)):
            if seen > DEV_TOKENS:
                return
            length = int(self.dev_file.lengths[story])
            seen += length
            tokens = self.dev_file.window(int(self.dev_file.starts[story]), length)
            yield tokens.tolist(), int(self.dev_file.bytes[story])

    def _evaluate(self) -> None:
        if not len(self.dev_file):
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
        training = {
            "recipe": self.recipe.as_dict(),
            "data": asdict(self.card),
            "step": self.step,
            "tokens": self.tokens,
            "epochs": round(self.tokens / max(1, self.card.train.tokens), 3),
            "seconds": round(self.seconds, 1),
            "torch": torch.__version__,
            **self.last,
        }
        with self._mean_weights():
            dtype = DTYPES[self.recipe.run.stored]
            checkpoint.save(folder, self.decoder, self.tokenizer, training, dtype)

    def _log(self, **values: float) -> None:
        line = {
            "step": self.step,
            "tokens": self.tokens,
            "seconds": round(self.seconds, 2),
            **values,
        }
        with (self.folder / LOG).open("a", encoding="utf-8") as file:
            file.write(json.dumps(line) + "\n")

    def _finish(self) -> None:
        from train.plot import plot_runs

        plot_runs([self.folder], self.folder / PICTURE)

    def _resume(self) -> None:
        numbers = resume.read_numbers(self.folder)
        if numbers is None:
            refuse_foreign(self.folder)
            make_folder(self.folder)
            (self.folder / LOG).unlink(missing_ok=True)
            return
        make_folder(self.folder)
        self._compare(numbers)
        resume.load_state(self.folder, self.decoder, self.mean, self.optimizers)
        self.step, self.tokens = numbers["step"], numbers["tokens"]
        self.seconds, self.best, self.last = numbers["seconds"], numbers["best"], numbers["last"]
        log = self.folder / LOG
        if log.exists():  # lines after the state was written are taken back
            lines = log.read_text("utf-8").splitlines(keepends=True)
            whole = [line for line in lines if line.endswith("\n")]  # a crash may cut the last one
            kept = [line for line in whole if json.loads(line)["step"] <= self.step]
            write_text(log, "".join(kept))

    def _compare(self, numbers: dict[str, Any]) -> None:
        if numbers["data"] != self.card.fingerprint:
            raise TrainingError(f"{self.folder} was begun on other data; choose another --out")
        now = json.loads(json.dumps(self.recipe.as_dict()))
        for table in ("model", "data", "optimizer"):
            if numbers["recipe"][table] != now[table]:
                raise TrainingError(
                    f"{self.folder} was begun with another [{table}]; choose another --out "
                    "(only [schedule] and [run] may change between runs)"
                )

    @contextmanager
    def _mean_weights(self) -> Iterator[None]:
        self.mean.swap(self.decoder)
        self.decoder.eval()
        try:
            yield
        finally:
            self.mean.swap(self.decoder)

    def _autocast(self) -> AbstractContextManager[object]:
        if self.recipe.run.precision == "fp32":
            return nullcontext()
        return torch.autocast(self.device.type, dtype=DTYPES[self.recipe.run.precision])

    @contextmanager
    def _signals(self) -> Iterator[None]:
        def stop(_signal: int, _frame: FrameType | None) -> None:
            self._stop = True

        numbers = (signal.SIGINT, signal.SIGTERM)
        before = {number: signal.signal(number, stop) for number in numbers}
        try:
            yield
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)


def snapshot_steps(total: int) -> set[int]:
    """Log-spaced steps from 1 to ``total``, each about ``SNAPSHOT_RATIO`` times the one before."""
    steps, step = {total}, 1.0
    while step < total:
        steps.add(round(step))
        step *= SNAPSHOT_RATIO
    return steps
