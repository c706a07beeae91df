"""The processes of a computation: one, or as many as ``torchrun`` started. Rank 0 alone writes."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import islice
from typing import TYPE_CHECKING, Any, TypeVar

from tinyinterp.errors import ProcessesError

if TYPE_CHECKING:
    import numpy as np
    import torch
    from torch import Tensor

K = TypeVar("K")
T = TypeVar("T")


@dataclass(frozen=True)
class Processes:
    """Which one this is, of how many, and where it computes."""

    rank: int
    world: int
    device: torch.device

    @classmethod
    def alone(cls) -> Processes:
        """The only one, on CUDA if there is any."""
        import torch

        return cls(0, 1, torch.device("cuda" if torch.cuda.is_available() else "cpu"))

    @property
    def writes(self) -> bool:
        """Whether this process writes files and shows progress."""
        return self.rank == 0

    def dealt(self, items: Iterable[T]) -> Iterator[T]:
        """Those of ``items`` that are this process's: every ``world``-th."""
        return islice(items, self.rank, None, self.world)

    def summed(self, *values: float) -> list[float]:
        """Each value summed over the processes, in fp64."""
        if self.world == 1:
            return list(values)
        import torch

        total = torch.tensor(values, dtype=torch.float64, device=self.device)
        torch.distributed.all_reduce(total)
        return total.tolist()

    def add(self, *arrays: np.ndarray | Tensor) -> None:
        """Replace what each array holds by its sum over the processes."""
        if self.world == 1:
            return
        import torch

        for array in arrays:
            tensor = torch.as_tensor(array)  # shares an array's memory
            if tensor.device.type == "cpu" or self.device.type != "cpu":
                torch.distributed.all_reduce(tensor)
            else:  # these processes exchange on the CPU
                here = tensor.cpu()
                torch.distributed.all_reduce(here)
                tensor.copy_(here)

    def gather(self, item: T) -> list[T]:
        """What each process gives, by rank."""
        if self.world == 1:
            return [item]
        import torch

        found: list[Any] = [None] * self.world
        torch.distributed.all_gather_object(found, item)
        return found

    def brought(self, array: np.ndarray, to: int) -> list[np.ndarray]:
        """What each process gives, by rank, in the process ``to``; nothing in the others.

        The arrays have the same columns and type, and may differ in their rows.
        """
        if self.world == 1:
            return [array]
        import torch
        from torch import distributed

        lengths = self.gather(len(array))
        if self.rank != to:
            if len(array):
                distributed.send(torch.from_numpy(array), to)
            return []
        found = []
        for rank, length in enumerate(lengths):
            rows = torch.empty((length, *array.shape[1:]), dtype=torch.from_numpy(array).dtype)
            if rank != to and length:
                distributed.recv(rows, rank)
            found.append(array if rank == to else rows.numpy())
        return found

    def wait(self) -> None:
        """Until all processes are here."""
        if self.world > 1:
            import torch

            torch.distributed.barrier()


def started() -> tuple[int, int]:
    """This process's rank and how many there are, as ``torchrun`` says; 0 of 1 without it.

    Raises:
        ProcessesError: torchrun's variables are inconsistent.
    """
    world, rank = _number("WORLD_SIZE", 1), _number("RANK", 0)
    if world > 1 and not {"RANK", "MASTER_ADDR"} <= os.environ.keys():
        raise ProcessesError(
            f"WORLD_SIZE is {world}, but RANK or MASTER_ADDR is not set; start several processes "
            "with torchrun"
        )
    return rank, world


def local_rank() -> int:
    """This process's number among those on this machine, as ``torchrun`` says; 0 without it."""
    return _number("LOCAL_RANK", 0)


def current() -> Processes | None:
    """This process among those that were joined; None if it is alone."""
    return _joined[-1] if _joined else None


def shared(items: Iterable[T]) -> Iterator[T]:
    """This process's part of ``items``; all of them if it is alone."""
    own = current()
    return iter(items) if own is None else own.dealt(items)


def share() -> int:
    """Among how many processes :func:`shared` deals."""
    own = current()
    return 1 if own is None else own.world


def together(mine: dict[K, T]) -> dict[K, T]:
    """What every process made of its :func:`shared` items, by item, for all of them."""
    own = current()
    return (
        mine if own is None else {k: made for part in own.gather(mine) for k, made in part.items()}
    )


def add_up(*arrays: np.ndarray | Tensor) -> None:
    """Replace what each array holds by its sum over the processes, if there are several."""
    if (own := current()) is not None:
        own.add(*arrays)


def writes() -> bool:
    """Whether this process writes files and speaks: it is alone, or rank 0 of those joined."""
    return not _joined or _joined[-1].writes


_joined: list[Processes] = []


@contextmanager
def processes(*, on_cuda: bool = True) -> Iterator[Processes]:
    """Join the others, if ``torchrun`` started any (``RANK``, ``WORLD_SIZE``, ``LOCAL_RANK``).

    Within the block the passes over a text are shared: every process reads its part, and all have
    the sums in the end. So all must compute the same. Tensors on CUDA, a device each, are exchanged
    by NCCL, all others by gloo.

    Args:
        on_cuda: whether each takes a CUDA device, where there is any, to exchange from; without it
            any number may share one, or use none, and they exchange on the CPU.

    Raises:
        ProcessesError: torchrun's variables are inconsistent, or a process has no device to itself.
    """
    import torch
    from torch import distributed

    (rank, world), local = started(), local_rank()
    device = torch.device("cpu")
    if on_cuda and torch.cuda.is_available():
        if local >= torch.cuda.device_count():
            raise ProcessesError(
                f"process {local} has no CUDA device, there are only {torch.cuda.device_count()}; "
                "lower --nproc-per-node"
            )
        device = torch.device("cuda", local)
        torch.cuda.set_device(device)
    own = Processes(rank, world, device)
    if world == 1 or distributed.is_initialized():
        yield own
        return
    if device.type == "cuda":
        distributed.init_process_group("cpu:gloo,cuda:nccl", device_id=device)
    else:
        distributed.init_process_group("gloo")
    _joined.append(own)
    try:
        yield own
    finally:
        _joined.remove(own)
        distributed.destroy_process_group()


def _number(name: str, otherwise: int) -> int:
    value = os.environ.get(name, str(otherwise))
    if not value.isdecimal():
        raise ProcessesError(f"{name} is {value!r}; start several processes with torchrun")
    return int(value)
