"""``plot``, ``memory`` and ``bundle``: curves, a table, the model that the package carries."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from .options import Json


class Kind(StrEnum):
    """The models whose training step is measured."""

    decoder = "decoder"
    compressor = "compressor"


class Device(StrEnum):
    """Where a training step is measured."""

    cpu = "cpu"
    cuda = "cuda"


class Precision(StrEnum):
    """Precision of the matrix products."""

    bf16 = "bf16"
    fp32 = "fp32"


def plot(
    runs: Annotated[list[Path], typer.Argument(metavar="RUN...", help="Folders of runs.")],
    out: Annotated[Path, typer.Option(help=".png, .svg, .pdf or .html.")] = Path("loss.png"),
) -> None:
    """Draw the loss curves of one or several runs in one picture."""
    from ..reports.plot import plot_runs

    plot_runs(runs, out)
    typer.echo(out)


def memory(
    out: Annotated[Path, typer.Option(help="Folder for table and picture.")] = Path("memory"),
    model: Annotated[
        list[Kind] | None, typer.Option(help="Measure only this one; may be repeated.")
    ] = None,
    width: Annotated[
        list[int] | None, typer.Option(help="128, 256 and 512 unless given; may be repeated.")
    ] = None,
    batch_size: Annotated[
        list[int] | None, typer.Option(help="2, 4, 8, 16 and 32 unless given; may be repeated.")
    ] = None,
    layers: Annotated[int, typer.Option(help="Layers of every model.")] = 8,
    heads: Annotated[int, typer.Option(help="Heads in every layer.")] = 4,
    vocabulary: Annotated[int, typer.Option(help="Tokens in the vocabulary.")] = 50257,
    context: Annotated[int, typer.Option(help="Tokens in every sequence.")] = 512,
    precision: Annotated[
        Precision, typer.Option(help="Precision of the matrix products.")
    ] = Precision.bf16,
    device: Annotated[
        Device, typer.Option(help="Resident memory, or that of CUDA's allocator.")
    ] = Device.cpu,
    limit: Annotated[
        float | None,
        typer.Option(help="MiB; a step that needs more is oom. Spares other programs."),
    ] = None,
    as_json: Json = False,
) -> None:
    """Measure the peak memory of a training step by model and batch size.

    Each step runs in a separate process; one that does not fit is marked oom.
    """
    from tinyinterp.io.output import OutputFolder
    from tinyinterp.io.progress import progress

    from ..reports.memory import KINDS, Grid, memory_table, table_lines
    from ..reports.memory_plot import draw_memory

    grid = Grid(
        kinds=tuple(kind.value for kind in model) if model else KINDS,
        widths=tuple(width) if width else Grid.widths,
        batch_sizes=tuple(batch_size) if batch_size else Grid.batch_sizes,
        n_layers=layers,
        n_heads=heads,
        n_vocab=vocabulary,
        n_ctx=context,
        precision=precision.value,
        device=device.value,
        limit=limit,
    )
    output = OutputFolder(out)
    with output.filling("memory", f"a training step on {device.value}") as folder:
        with progress("measuring memory", grid.steps) as bar:
            table = memory_table(grid, bar)
        table.write(folder)
        draw_memory(table, folder)
    typer.echo(table.to_json() if as_json else "\n".join(table_lines(table)), nl=not as_json)
    if not as_json:
        idle = table.notes["idle_mib"]
        typer.echo(f"an idle process: {idle:,.0f} MiB; written to {out}", err=True)


def bundle(
    folder: Annotated[Path, typer.Argument(metavar="RUN", help="A finished run.")],
    text: Annotated[Path, typer.Option(help="Text that the model card's loss is measured on.")],
    note: Annotated[str, typer.Option(help="More about the training, for the model card.")] = "",
) -> None:
    """Make a run the model that comes with the package (for maintainers)."""
    from tinyinterp.checkpoint import bundled_folder

    from ..reports.bundle import bundle as make

    loss = make(folder, text, bundled_folder().parent, note=note)
    typer.echo(f"{bundled_folder()}: {loss.bits_per_byte:.4f} bits per byte on {text.name}")
