"""One training step in a separate process, and its peak memory."""

from __future__ import annotations

import os
import resource
import signal
import sys
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass
from multiprocessing.connection import Connection
from pathlib import Path

import torch

from tinyinterp.network.compressor import Compressor, CompressorConfig
from tinyinterp.network.config import DecoderConfig
from tinyinterp.network.decoder import Decoder

from ..data.batches import Batch
from ..training.build import attend_by_blocks
from ..training.loss import LossModule
from ..training.optimizers import build_optimizers
from ..training.recipe import Objective, Optimizer

MIB = 1 << 20
STEPS = 2  # the second begins with the optimizer's state in place, as all later ones do
TOO_LARGE = 77  # exit code of a process that went above its limit
WATCH_SECONDS = 0.005
NO_MEMORY = ("can't allocate memory", "not enough memory", "out of memory")  # PyTorch's words


@dataclass(frozen=True)
class Work:
    """The work of a process. Without a ``model`` it only imports, and is measured idle."""

    model: DecoderConfig | CompressorConfig | None
    batch_size: int
    precision: str  # "bf16" or "fp32"
    device: str  # "cpu" or "cuda"
    limit: float | None  # MiB; None: what the machine has


@dataclass(frozen=True)
class Answer:
    """The result of a process. ``peak`` is in MiB, None if the step did not fit."""

    peak: float | None


def measure(work: Work, reply: Connection) -> None:
    """Do ``work`` and send an :class:`Answer`; the function that a new process runs.

    On a CPU, ends the process with ``TOO_LARGE`` as soon as it holds more than the limit.
    """
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the process that started this one
    if work.device == "cpu" and work.limit is not None:
        threading.Thread(target=_watch, args=(work.limit,), daemon=True).start()
    if work.device == "cuda" and work.limit is not None:
        whole = torch.cuda.get_device_properties(0).total_memory
        torch.cuda.set_per_process_memory_fraction(min(1.0, work.limit * MIB / whole))
    try:
        if work.model is not None:
            _train(work.model, work)
        reply.send(Answer(_peak(work.device)))
    except (MemoryError, RuntimeError) as error:  # PyTorch's allocators raise RuntimeError
        if isinstance(error, RuntimeError) and not any(w in str(error) for w in NO_MEMORY):
            raise
        reply.send(Answer(None))


def _train(config: DecoderConfig | CompressorConfig, work: Work) -> None:
    """Forward, chunked cross-entropy, backward and AdamW as the trainer does them."""
    device = torch.device(work.device)
    generator = torch.Generator().manual_seed(0)
    is_decoder = isinstance(config, DecoderConfig)
    model = Decoder(config) if is_decoder else Compressor(config)
    model = model.initialize(generator).to(device)
    dtype = torch.bfloat16 if work.precision == "bf16" else torch.float32
    if work.device == "cpu" and dtype != torch.float32:
        attend_by_blocks(model)
    loss_module = LossModule(model, Objective(), dtype)
    optimizers = build_optimizers(model, Optimizer())
    tokens = torch.randint(
        config.n_vocab, (work.batch_size, config.n_ctx + 1), generator=generator
    ).to(device)
    batch = Batch(tokens[:, :-1], tokens[:, 1:])
    for _ in range(STEPS):
        bare_step(loss_module, optimizers, batch)


def bare_step(
    loss_module: LossModule, optimizers: Sequence[torch.optim.Optimizer], batch: Batch
) -> float:
    """A step on one batch as the trainer does it, without its data, log and files; the loss."""
    loss, parts = loss_module(batch, batch.n_targets, 1)
    loss.backward()
    torch.nn.utils.clip_grad_norm_(loss_module.parameters(), 1.0)
    for optimizer in optimizers:
        optimizer.step()
        optimizer.zero_grad()
    return parts["loss"]


def _peak(device: str) -> float:
    """Peak memory of this process in MiB: the allocator's on CUDA, else resident."""
    if device == "cuda":
        return torch.cuda.max_memory_allocated() / MIB
    return resident_peak()


def resident_peak() -> float:
    """Peak resident memory of this process since its program started, in MiB.

    Linux counts it per program; ``getrusage``, used on other systems, may include the peak of the
    parent process.
    """
    status = Path("/proc/self/status")
    if status.is_file():
        for line in status.read_text().splitlines():
            if line.startswith("VmHWM:"):
                return int(line.split()[1]) / 1024
    unit = 1 if sys.platform == "darwin" else 1024  # bytes there, KiB elsewhere
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit / MIB


def _watch(limit: float) -> None:
    while resident_peak() <= limit:
        time.sleep(WATCH_SECONDS)
    os._exit(TOO_LARGE)
