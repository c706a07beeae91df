"""``python -m train``: prepare data, run a recipe, plot runs. Results go to standard output."""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from tinyinterp.cli import program

# Everything else is imported inside the commands: --help must answer at once.


class Rest(StrEnum):
    """What becomes of the tokens that a reduced vocabulary leaves out."""

    pieces = "pieces"
    unknown = "unknown"


class Kind(StrEnum):
    """What a training step is measured of."""

    decoder = "decoder"
    compressor = "compressor"


class Device(StrEnum):
    """Where a training step is measured."""

    cpu = "cpu"
    cuda = "cuda"


class Precision(StrEnum):
    """Of the matrix products."""

    bf16 = "bf16"
    fp32 = "fp32"


app = typer.Typer(
    help="Train small language models on stories.",
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
)

Json = Annotated[bool, typer.Option("--json", help="Print one JSON object.")]


@app.callback()
def _options(
    _debug: Annotated[
        bool,
        typer.Option(program.DEBUG, help="Show tracebacks; may also follow the command."),
    ] = False,
) -> None:
    """Train small language models on stories."""


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command line and exit, as :func:`tinyinterp.cli.program.run` says.

    Args:
        arguments: without the program's name; None: those of the process.
    """
    given = sys.argv[1:] if arguments is None else arguments
    sys.exit(program.run(app, given, name="python -m train", prefix="error"))


@app.command()
def prepare(
    out: Annotated[Path, typer.Option(help="Folder for the token files.")],
    text: Annotated[
        Path | None, typer.Option(help="Stories: .txt, .json, .jsonl or .parquet.")
    ] = None,
    dataset: Annotated[str | None, typer.Option(help="A data set on the hub.")] = None,
    split: Annotated[str, typer.Option(help="Split of the data set.")] = "train",
    bpe: Annotated[int | None, typer.Option(help="Train a BPE of so many tokens.")] = None,
    tokenizer: Annotated[
        Path | None, typer.Option(help="Take the tokenizer of this model folder.")
    ] = None,
    reduce: Annotated[
        Path | None, typer.Option(help="Cut the tokenizer of this model folder to --keep tokens.")
    ] = None,
    keep: Annotated[int | None, typer.Option(help="Tokens to keep, with --reduce.")] = None,
    rest: Annotated[
        Rest | None,
        typer.Option(
            help="With --reduce: the removed tokens fall apart into kept pieces (the default), "
            "or all become one unknown token."
        ),
    ] = None,
    holdout: Annotated[
        int, typer.Option(help="Hold out one story in so many for evaluation; 0 for none.")
    ] = 64,
    no_clean: Annotated[bool, typer.Option("--no-clean", help="Leave mojibake as it is.")] = False,
    instruct: Annotated[
        bool,
        typer.Option(
            "--instruct", help="Each story stands behind an instruction, as in TinyStoriesInstruct."
        ),
    ] = False,
    as_json: Json = False,
) -> None:
    """Turn stories into token files.

    The tokenizer is trained on them (--bpe), taken as it is (--tokenizer) or cut down (--reduce).
    """
    _exactly_one(text=text, dataset=dataset)
    _exactly_one(bpe=bpe, tokenizer=tokenizer, reduce=reduce)
    if reduce is None and (keep is not None or rest is not None):
        raise typer.BadParameter("--keep and --rest go with --reduce")

    from train import prepare as preparing

    if bpe is not None:
        choose = preparing.trained(bpe)
    elif tokenizer is not None:
        choose = preparing.opened(tokenizer)
    elif reduce is not None and keep is not None:
        choose = preparing.reduced(reduce, keep, (rest or Rest.pieces).value)
    else:
        raise typer.BadParameter("--reduce needs --keep")
    source = preparing.Source(text, dataset, split, cleaned=not no_clean, instruct=instruct)
    prepared = preparing.prepare(source, choose, out, holdout=holdout)
    typer.echo(json.dumps(prepared.as_dict()) if as_json else prepared.as_text())


@app.command()
def examples(
    out: Annotated[Path, typer.Option(help="Text file for them, to prepare with --instruct.")],
    count: Annotated[int, typer.Option(min=1, help="How many.")] = 500,
    seed: Annotated[int, typer.Option(min=0, help="Of what is drawn.")] = 0,
) -> None:
    """Make up stories behind instructions, from templates, to try instruct training on."""
    from train.examples import write_examples

    write_examples(count, seed, out)
    typer.echo(out)


@app.command()
def run(
    recipe: Annotated[str, typer.Argument(help="Name of a recipe, or a TOML file.")],
    overrides: Annotated[
        list[str] | None, typer.Argument(help="Changes, as table.key=value.")
    ] = None,
    data: Annotated[Path, typer.Option(help="Prepared data.")] = Path("data"),
    out: Annotated[
        Path | None, typer.Option(help="Folder of the run; runs/RECIPE unless given.")
    ] = None,
    changes: Annotated[
        list[str] | None, typer.Option("--set", help="A change, as table.key=value.")
    ] = None,
    max_steps: Annotated[
        int | None, typer.Option(min=1, help="End at this step; the next run goes on from there.")
    ] = None,
    as_json: Json = False,
) -> None:
    """Train a recipe, or go on where it stopped. Interrupted, it saves and can be resumed.

    Over several processes: torchrun --nproc-per-node N -m train run RECIPE.
    """
    from dataclasses import asdict
    from math import isfinite

    from train.loop import Trainer
    from train.processes import processes
    from train.recipe_file import read_recipe

    settings = read_recipe(recipe, [*(changes or []), *(overrides or [])])
    folder = out or Path("runs") / settings.name
    with processes() as among:
        outcome = Trainer(settings, data, folder, among).run(max_steps)
    best = outcome.best_bits_per_byte if isfinite(outcome.best_bits_per_byte) else None
    if not among.writes:
        pass  # one of several speaks
    elif as_json:
        told = asdict(outcome) | {"best_bits_per_byte": best}
        typer.echo(json.dumps({"run": str(folder), **told}))
    else:
        loss = "nothing held out was evaluated"
        if best is not None:
            loss = f"best held-out loss {best:.4f} bits per byte"
        typer.echo(f"{folder}: step {outcome.step}, {loss}")
    if not outcome.finished and among.writes:
        typer.echo(f"stopped at step {outcome.step}; the same command goes on from there", err=True)
        raise typer.Exit(1)


@app.command()
def plot(
    runs: Annotated[list[Path], typer.Argument(metavar="RUN...", help="Folders of runs.")],
    out: Annotated[Path, typer.Option(help=".png, .svg, .pdf or .html.")] = Path("loss.png"),
) -> None:
    """Draw the loss curves of one or several runs in one picture."""
    from train.plot import plot_runs

    plot_runs(runs, out)
    typer.echo(out)


@app.command()
def memory(
    out: Annotated[Path, typer.Option(help="Folder for table and picture.")] = Path("memory"),
    model: Annotated[
        list[Kind] | None, typer.Option(help="Measure this one alone; may be repeated.")
    ] = None,
    width: Annotated[
        list[int] | None, typer.Option(help="128, 256 and 512 if left out; may be repeated.")
    ] = None,
    batch_size: Annotated[
        list[int] | None, typer.Option(help="2, 4, 8, 16 and 32 if left out; may be repeated.")
    ] = None,
    layers: Annotated[int, typer.Option(help="Of every model.")] = 8,
    heads: Annotated[int, typer.Option(help="In every layer.")] = 4,
    vocabulary: Annotated[int, typer.Option(help="Tokens of the vocabulary.")] = 50257,
    context: Annotated[int, typer.Option(help="Tokens of every sequence.")] = 512,
    precision: Annotated[Precision, typer.Option(help="Of the products.")] = Precision.bf16,
    device: Annotated[
        Device, typer.Option(help="Resident memory, or that of CUDA's allocator.")
    ] = Device.cpu,
    limit: Annotated[
        float | None, typer.Option(help="MiB; what takes more is oom. Spares other programs.")
    ] = None,
    as_json: Json = False,
) -> None:
    """Measure the peak memory of a training step by model and batch size.

    Each in a process of its own; what does not fit is marked oom.
    """
    from tinyinterp.io.output import OutputFolder
    from tinyinterp.io.progress import progress
    from train.memory import KINDS, Grid, memory_table, table_lines
    from train.memory_plot import draw_memory

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
        typer.echo(
            f"an idle process: {table.notes['idle_mib']:,.0f} MiB; written to {out}", err=True
        )


@app.command()
def bundle(
    folder: Annotated[Path, typer.Argument(metavar="RUN", help="A finished run.")],
    text: Annotated[Path, typer.Option(help="Text that the model card's loss is measured on.")],
    note: Annotated[str, typer.Option(help="What else its card must say of the training.")] = "",
) -> None:
    """Make a run the model that comes with the package (for maintainers)."""
    from tinyinterp.checkpoint import bundled_folder
    from train.bundle import bundle as make

    loss = make(folder, text, bundled_folder().parent, note=note)
    typer.echo(f"{bundled_folder()}: {loss.bits_per_byte:.4f} bits per byte on {text.name}")


@app.command()
def recipes() -> None:
    """List the recipes that come with the project."""
    from train.recipe_file import names, suffixes

    typer.echo("\n".join(names()))
    typer.echo(f"each also with {' or '.join(f'-{suffix}' for suffix in suffixes())} at its end")


def _exactly_one(**options: object) -> None:
    given = [name for name, value in options.items() if value is not None]
    if len(given) != 1:
        raise typer.BadParameter(
            f"give exactly one of {', '.join(f'--{name}' for name in options)}"
        )


if __name__ == "__main__":
    main()
