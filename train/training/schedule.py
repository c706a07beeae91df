"""The learning rate over a run: a linear warm-up, then the schedule of the recipe."""

from __future__ import annotations

import math
from collections.abc import Iterable

import torch

from .recipe import Schedule


def rate(schedule: Schedule, step: int) -> float:
    """The learning rate of ``step`` (counted from 0) as a fraction of the largest."""
    if step < schedule.warmup:
        return (step + 1) / (schedule.warmup + 1)
    start = schedule.warmup
    if schedule.shape == "trapezoid":
        start = max(start, schedule.steps - schedule.decay_steps)
    if schedule.shape == "constant" or step < start:
        return 1.0
    done = (step - start) / max(1, schedule.steps - start)
    falling = (1 + math.cos(math.pi * done)) / 2 if schedule.shape == "cosine" else 1 - done
    return schedule.final + (1 - schedule.final) * falling


def set_rate(optimizers: Iterable[torch.optim.Optimizer], fraction: float) -> None:
    """Set every group to ``fraction`` of its largest rate."""
    for optimizer in optimizers:
        for group in optimizer.param_groups:
            group["lr"] = group["peak"] * fraction
