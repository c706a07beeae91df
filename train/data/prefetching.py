"""A prefetcher: the batches of a step are made while the step before is computed."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import Future, ThreadPoolExecutor

import torch
from torch import Tensor

from .batches import Batch, Sampler


class Prefetcher:
    """Gives the batches of ``sampler`` on ``device``; a thread makes those of the next step.

    On CUDA they pass through pinned memory, so that copying does not block.
    """

    def __init__(self, sampler: Sampler, device: torch.device) -> None:
        self.sampler, self.device = sampler, device
        self._worker = ThreadPoolExecutor(max_workers=1)
        self._waiting: dict[int, Future[Batch]] = {}

    def batches(self, indices: Sequence[int], following: Sequence[int]) -> list[Batch]:
        """These micro-batches; ``following`` are started, since they are likely to come next."""
        ready = [self._waiting.get(i) or self._worker.submit(self._make, i) for i in indices]
        made = [batch.result().each(self._move) for batch in ready]
        self._waiting = {i: self._worker.submit(self._make, i) for i in following}
        return made

    def _make(self, index: int) -> Batch:
        batch = self.sampler.batch(index)
        return batch.each(Tensor.pin_memory) if self.device.type == "cuda" else batch

    def _move(self, tensor: Tensor) -> Tensor:
        return tensor.to(self.device, non_blocking=True)
