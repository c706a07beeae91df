"""One optimizer step: its micro-batches, their loss and gradients, the change of the weights."""

from __future__ import annotations

import math
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from typing import Any

import torch
from torch import nn
from torch.nn.parallel import DistributedDataParallel

from tinyinterp.errors import TrainingError
from tinyinterp.processes import Processes

from ..data.batches import Sampler
from ..data.prefetching import Prefetcher
from .build import attend_by_blocks, build_model, seed_of
from .loss import LossModule
from .optimizers import RunningMean, build_optimizers
from .recipe import Recipe
from .schedule import rate, set_rate

DTYPES = {"fp32": torch.float32, "fp16": torch.float16, "bf16": torch.bfloat16}


class Stepper:
    """The recipe's model with everything that changes it; knows neither files nor the run's length.

    Args:
        sampler: gives the micro-batches, numbered over steps, accumulation and processes.
        processes: which of several this is.
    """

    def __init__(self, recipe: Recipe, sampler: Sampler, processes: Processes) -> None:
        self.recipe, self.processes, self.device = recipe, processes, processes.device
        self.model = build_model(recipe).to(self.device)
        self.dtype = DTYPES[recipe.run.precision]
        if self.device.type == "cpu" and self.dtype != torch.float32:
            attend_by_blocks(self.model)
        self.loss_module: nn.Module = LossModule(
            self.model, recipe.objective, self.dtype, compiled=recipe.run.compile
        )
        if processes.world > 1:
            self.loss_module = DistributedDataParallel(self.loss_module)
        self.optimizers = build_optimizers(self.model, recipe.optimizer)
        self.scaler = torch.amp.GradScaler(self.device.type, enabled=self.dtype == torch.float16)
        self.mean = RunningMean(self.model, recipe.run.average)
        self.prefetcher = Prefetcher(sampler, self.device)

    def take(self, step: int) -> tuple[dict[str, float], int]:
        """Take step number ``step`` over ``accumulation`` micro-batches of each process.

        Returns:
            The loss by part (``loss`` in nats per token, and what the objective adds), and how many
            tokens were scored.

        Raises:
            TrainingError: the loss or its gradient is not finite, or no token is scored; the
                weights are as they were before the step.
        """
        with fp32_products(self.recipe):
            return self._take(step)

    def _take(self, step: int) -> tuple[dict[str, float], int]:
        settings, world = self.recipe, self.processes.world
        self.model.train()
        set_rate(self.optimizers, rate(settings.schedule, step))
        n_each = settings.data.accumulation
        first = step * n_each * world + self.processes.rank
        indices = range(first, first + n_each * world, world)
        batches = self.prefetcher.batches(indices, [i + n_each * world for i in indices])
        n_targets = self.processes.summed(sum(b.n_targets for b in batches))[0]
        if not n_targets:
            raise TrainingError(
                f"step {step} holds no token that is scored: instructions fill the context of "
                f"{settings.model.n_ctx}; raise model.n_ctx, or set data.loss=all"
            )
        totals: dict[str, float] = {}
        for index, batch in zip(indices, batches, strict=True):
            torch.manual_seed(seed_of(settings.run.seed, index))  # dropout: nothing to save
            with self._synchronised(last=batch is batches[-1]):
                loss, parts = self.loss_module(batch, n_targets, n_each * world)
                self.scaler.scale(loss * world).backward()  # DDP takes the mean over processes
            totals = {name: totals.get(name, 0.0) + value for name, value in parts.items()}
        totals = dict(zip(totals, self.processes.summed(*totals.values()), strict=True))
        self._update(totals["loss"], step)
        self.mean.update(self.model, step)
        return totals, int(n_targets)

    @contextmanager
    def mixed_precision(self) -> Iterator[None]:
        """Within the block, matrix products are of the recipe's precision."""
        lower = torch.autocast(self.device.type, self.dtype, enabled=self.dtype != torch.float32)
        with fp32_products(self.recipe), lower:
            yield

    def _update(self, loss: float, step: int) -> None:
        for optimizer in self.optimizers:
            self.scaler.unscale_(optimizer)
        clip = self.recipe.optimizer.clip
        norm = float(nn.utils.clip_grad_norm_(self.model.parameters(), clip))
        # in fp16 a gradient out of range is expected now and then: the scaler skips that step
        finite = math.isfinite(norm) or (self.scaler.is_enabled() and self.scaler.get_scale() > 1)
        if not (math.isfinite(loss) and finite):
            raise TrainingError(
                f"at step {step} the loss is {loss} and the norm of its gradient {norm}; the last "
                "checkpoint is kept: train with a lower learning rate in another --out"
            )
        for optimizer in self.optimizers:
            if math.isfinite(norm):
                self.scaler.step(optimizer)
            optimizer.zero_grad()
        self.scaler.update()

    def _synchronised(self, *, last: bool) -> AbstractContextManager[None]:
        """Gradients are exchanged between processes once a step, with its last micro-batch."""
        if isinstance(self.loss_module, DistributedDataParallel) and not last:
            return self.loss_module.no_sync()
        return nullcontext()


@contextmanager
def fp32_products(recipe: Recipe) -> Iterator[None]:
    """Within the block, products of fp32 are of the recipe's precision (TensorFloat-32, or fp32).

    torch has one setting for the whole process; after the block it is what it was, so that nothing
    measured after training in the same process is less exact.
    """
    before, apart = "highest", {}
    try:
        before = torch.get_float32_matmul_precision()
    except RuntimeError:  # somebody has set the backends one by one
        mkldnn: Any = torch.backends.mkldnn  # whose matmul a type checker does not know
        backends = (torch.backends.cuda.matmul, mkldnn.matmul)
        apart = {backend: backend.fp32_precision for backend in backends}
    torch.set_float32_matmul_precision("high" if recipe.run.tf32 else "highest")
    try:
        yield
    finally:
        torch.set_float32_matmul_precision(before)
        for backend, precision in apart.items():
            backend.fp32_precision = precision
