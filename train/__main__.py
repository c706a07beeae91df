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
    source = preparing.Source(text, dataset, split, cleaned=not no_clean)
    prepared = preparing.prepare(source, choose, out, holdout=holdout)
    typer.echo(json.dumps(prepared.as_dict()) if as_json else prepared.as_text())


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
    as_json: Json = False,
) -> None:
    """Train a recipe, or go on where it stopped. Interrupted, it saves and can be resumed."""
    from dataclasses import asdict

    from train.loop import Trainer
    from train.recipe import read_recipe

    settings = read_recipe(recipe, [*(changes or []), *(overrides or [])])
    folder = out or Path("runs") / settings.name
    outcome = Trainer(settings, data, folder).run()
    if as_json:
        typer.echo(json.dumps({"run": str(folder), **asdict(outcome)}))
    else:
        best = f"best held-out loss {outcome.best_bits_per_byte:.4f} bits per byte"
        typer.echo(f"{folder}: step {outcome.step}, {best}")
    if not outcome.finished:
        typer.echo(f"stopped at step {outcome.step}; the same command goes on from there", err=True)
        raise typer.Exit(1)


@app.command()
def plot(
    runs: Annotated[list[Path], typer.Argument(metavar="RUN...", help="Folders of runs.")],
    out: Annotated[Path, typer.Option(help="Picture: .png, .svg or .pdf.")] = Path("loss.png"),
) -> None:
    """Draw the loss curves of one or several runs in one picture."""
    from train.plot import plot_runs

    plot_runs(runs, out)
    typer.echo(out)


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
    from train.recipe import names

    typer.echo("\n".join(names()))


def _exactly_one(**options: object) -> None:
    given = [name for name, value in options.items() if value is not None]
    if len(given) != 1:
        raise typer.BadParameter(
            f"give exactly one of {', '.join(f'--{name}' for name in options)}"
        )


if __name__ == "__main__":
    main()
