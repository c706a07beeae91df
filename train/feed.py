"""Batches on the device in time: the next one is made while the present one is computed with."""

from __future__ import annotations

from concurrent.futures import Future, ThreadPoolExecutor

import torch
from torch import Tensor

from train.batches import Batch, Sampler


class Feed:
    """Gives the batches of ``sampler`` on ``device``, each made while the one before is in use.

    On CUDA they pass through pinned memory and are copied beside the computation.
    """

    def __init__(self, sampler: Sampler, device: torch.device) -> None:
        self.sampler, self.device = sampler, device
        self._worker = ThreadPoolExecutor(max_workers=1)
        self._waiting: dict[int, Future[Batch]] = {}

    def batch(self, index: int, following: int) -> Batch:
        """Micro-batch ``index``; ``following`` is begun, in case it is asked for next."""
        ready = self._waiting.pop(index, None)
        made = ready.result() if ready is not None else self._make(index)
        self._waiting = {following: self._worker.submit(self._make, following)}
        return made.each(self._move)

    def _make(self, index: int) -> Batch:
        batch = self.sampler.batch(index)
        return batch.each(Tensor.pin_memory) if self.device.type == "cuda" else batch

    def _move(self, tensor: Tensor) -> Tensor:
        return tensor.to(self.device, non_blocking=True)
