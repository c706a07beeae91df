"""The processes of a run: one, or as many as ``torchrun`` started. Rank 0 alone writes."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import torch
from torch import distributed

from tinyinterp.errors import TrainingError


@dataclass(frozen=True)
class Processes:
    """Which one this is, of how many, and where it computes."""

    rank: int
    world: int
    device: torch.device

    @classmethod
    def alone(cls) -> Processes:
        """The only one, on CUDA if there is any."""
        return cls(0, 1, torch.device("cuda" if torch.cuda.is_available() else "cpu"))

    @property
    def writes(self) -> bool:
        """Whether this process writes files and shows progress."""
        return self.rank == 0

    def summed(self, *values: float) -> list[float]:
        """Each value summed over the processes, in fp64."""
        if self.world == 1:
            return list(values)
        total = torch.tensor(values, dtype=torch.float64, device=self.device)
        distributed.all_reduce(total)
        return total.tolist()

    def wait(self) -> None:
        """Until all processes are here."""
        if self.world > 1:
            distributed.barrier()


@contextmanager
def processes() -> Iterator[Processes]:
    """Join the others, if ``torchrun`` started any (``RANK``, ``WORLD_SIZE``, ``LOCAL_RANK``).

    The back end is NCCL on CUDA, a device each, else gloo.

    Raises:
        TrainingError: torchrun's variables are inconsistent, or a process has no device to itself.
    """
    world, rank, local = _number("WORLD_SIZE", 1), _number("RANK", 0), _number("LOCAL_RANK", 0)
    if world > 1 and not {"RANK", "MASTER_ADDR"} <= os.environ.keys():
        raise TrainingError(
            f"WORLD_SIZE is {world}, but RANK or MASTER_ADDR is not set; start several processes "
            "with torchrun"
        )
    device = torch.device("cpu")
    if torch.cuda.is_available():
        if local >= torch.cuda.device_count():
            raise TrainingError(
                f"process {local} has no CUDA device, there are only {torch.cuda.device_count()}; "
                "lower --nproc-per-node"
            )
        device = torch.device("cuda", local)
        torch.cuda.set_device(device)
    if world == 1 or distributed.is_initialized():
        yield Processes(rank, world, device)
        return
    if device.type == "cuda":
        distributed.init_process_group("nccl", device_id=device)
    else:
        distributed.init_process_group("gloo")
    try:
        yield Processes(rank, world, device)
    finally:
        distributed.destroy_process_group()


def _number(name: str, otherwise: int) -> int:
    value = os.environ.get(name, str(otherwise))
    if not value.isdecimal():
        raise TrainingError(f"{name} is {value!r}; start several processes with torchrun")
    return int(value)
