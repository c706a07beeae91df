"""The memory table: peak memory of a training step, by model and batch size.

After table 5 of the TinyStories student report (docs/sources.md), which compares its decoder with
its memory-saving model at three widths and five batch sizes. A step is forward, chunked
cross-entropy, backward and AdamW, each in a new process. The figure is the peak of resident memory
on a CPU, of the allocator on CUDA.
"""

from __future__ import annotations

import multiprocessing
import signal
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import product
from multiprocessing.connection import Connection
from typing import Literal, cast

import torch

from tinyinterp.errors import TrainingError
from tinyinterp.io.progress import Progress
from tinyinterp.io.table import Table
from tinyinterp.network.compressor import CompressorConfig
from tinyinterp.network.config import DecoderConfig

from .memory_step import TOO_LARGE, Answer, Work, measure

Kind = Literal["decoder", "compressor"]
KINDS: tuple[Kind, ...] = ("decoder", "compressor")


@dataclass(frozen=True)
class Grid:
    """Which models and batch sizes are measured; by default those of the report's table."""

    kinds: tuple[Kind, ...] = KINDS
    widths: tuple[int, ...] = (128, 256, 512)
    batch_sizes: tuple[int, ...] = (2, 4, 8, 16, 32)
    n_layers: int = 8
    n_heads: int = 4
    n_vocab: int = 50257
    n_ctx: int = 512
    precision: Literal["bf16", "fp32"] = "bf16"
    device: Literal["cpu", "cuda"] = "cpu"
    limit: float | None = None  # MiB; a step that needs more does not fit

    def __post_init__(self) -> None:
        if not (self.kinds and self.widths and self.batch_sizes):
            raise TrainingError(
                "there is nothing to measure; give at least one model, width and batch size"
            )
        if min(self.batch_sizes) < 1:
            raise TrainingError(f"batch size {min(self.batch_sizes)}; it must be at least 1")
        if self.limit is not None and self.limit <= 0:
            raise TrainingError(f"the limit is {self.limit} MiB; it must be above 0")
        if self.device == "cuda" and not torch.cuda.is_available():
            raise TrainingError("there is no CUDA device here; measure with --device cpu")
        for kind, width in product(self.kinds, self.widths):
            self.config(kind, width)  # refuses what is no model, before any work

    def config(self, kind: Kind, width: int) -> DecoderConfig | CompressorConfig:
        """The shape of a model: in GPT-2's style, its head tied to the embedding."""
        shape = (self.n_vocab, self.n_ctx, width, self.n_layers, self.n_heads)
        if kind == "compressor":
            return CompressorConfig(*shape)
        return DecoderConfig(*shape, architecture="gpt2")

    @property
    def steps(self) -> int:
        """The total that :func:`memory_table` reports its progress against."""
        n_models = len(self.kinds)
        return n_models * sum(self.widths) * sum(sorted(set(self.batch_sizes)))


@dataclass(frozen=True)
class Row:
    """A cell of the table. ``peak_mib`` is None, and ``fits`` "oom", where the step did not fit."""

    model: Kind
    d_model: int
    batch_size: int
    peak_mib: float | None
    fits: Literal["yes", "oom"]


def memory_table(
    grid: Grid,
    report: Progress | None = None,
    measured: Callable[[Work], Answer] | None = None,
) -> Table:
    """Measure every model of ``grid`` at every batch size, small batches first.

    A batch larger than one that did not fit is not tried: it is "oom" as well.

    Args:
        grid: what is measured.
        report: advances to ``grid.steps``; its estimate takes a step to cost width times batch.
        measured: does the measuring; :func:`in_new_process` unless given.

    Returns:
        Columns of :class:`Row`. Notes: the grid, and ``idle_mib``, what a process holds that has
        only imported PyTorch and this project (0 on CUDA, whose figures are the allocator's).

    Raises:
        TrainingError: a process failed for a reason other than lack of memory.
    """
    ask = measured or in_new_process
    idle = ask(Work(None, 0, grid.precision, grid.device, None)).peak
    rows = list(_rows(grid, report, ask))
    notes = {
        "idle_mib": idle,
        "device": grid.device,
        "limit_mib": grid.limit,
        "precision": grid.precision,
        "n_layers": grid.n_layers,
        "n_heads": grid.n_heads,
        "n_vocab": grid.n_vocab,
        "n_ctx": grid.n_ctx,
        "torch": torch.__version__,
    }
    return Table("memory", rows, notes=notes)


def _rows(grid: Grid, report: Progress | None, ask: Callable[[Work], Answer]) -> Iterator[Row]:
    for kind, width in product(grid.kinds, grid.widths):
        config, fits = grid.config(kind, width), True
        for batch_size in sorted(set(grid.batch_sizes)):
            work = Work(config, batch_size, grid.precision, grid.device, grid.limit)
            peak = ask(work).peak if fits else None
            fits = peak is not None
            yield Row(kind, width, batch_size, peak, "yes" if fits else "oom")
            if report is not None:
                report.advance(width * batch_size)


def in_new_process(work: Work) -> Answer:
    """Do ``work`` in a new process and wait for its answer; one that was killed did not fit.

    Raises:
        TrainingError: it failed for another reason, which it has written to standard error.
    """
    context = multiprocessing.get_context("spawn")
    receiver, sender = context.Pipe(duplex=False)
    process = context.Process(target=measure, args=(work, sender), daemon=True)
    process.start()
    sender.close()
    answer = _receive(receiver)
    process.join()
    if answer is not None:
        return answer
    if process.exitcode in {TOO_LARGE, -signal.SIGKILL}:
        return Answer(None)
    raise TrainingError(
        f"the process that measured a batch of {work.batch_size} ended with code "
        f"{process.exitcode}; its messages stand above"
    )


def _receive(receiver: Connection) -> Answer | None:
    try:
        return cast("Answer", receiver.recv())
    except EOFError:  # it has ended without an answer
        return None
    finally:
        receiver.close()


def table_lines(table: Table) -> list[str]:
    """The table as the report prints it: a line for each model, a column for each batch size."""
    sizes = sorted(set(table["batch_size"]))
    lines = ["MiB at batch    " + "".join(f"{size:>9}" for size in sizes)]
    models = dict.fromkeys(zip(table["model"], table["d_model"], strict=True))
    for kind, width in models:
        cells = [table.row(model=kind, d_model=width, batch_size=size) for size in sizes]
        shown = [
            "oom" if cell["peak_mib"] is None else f"{cell['peak_mib']:,.0f}" for cell in cells
        ]
        lines.append(f"{kind:<11}{width:>5}" + "".join(f"{cell:>9}" for cell in shown))
    return lines
