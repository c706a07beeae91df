"""The program and its commands."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from typing import Annotated

import typer

from tinyinterp.cli import program
from tinyinterp.cli.account import account
from tinyinterp.cli.atlas import atlas
from tinyinterp.cli.command import Program
from tinyinterp.cli.compare import compare
from tinyinterp.cli.evaluate import evaluate
from tinyinterp.cli.explore import explore
from tinyinterp.cli.generate import generate
from tinyinterp.cli.heads import heads
from tinyinterp.cli.info import info
from tinyinterp.cli.lab import lab
from tinyinterp.cli.neurons import neurons
from tinyinterp.cli.several import among_others
from tinyinterp.cli.taggers import taggers
from tinyinterp.cli.train import EVERYTHING, train
from tinyinterp.cli.version import version_lines

COMPLETE = "_TINYINTERP_COMPLETE"

app = Program(name="tinyinterp")
app.command()(heads)
app.command()(neurons)
app.command()(account)
app.command()(atlas)
app.command()(explore)
app.command()(generate)
app.add_typer(evaluate, name="evaluate")
app.command()(compare)
app.command()(info)
app.command()(taggers)
app.command(context_settings=EVERYTHING, add_help_option=False)(train)
app.command()(lab)


def _print_version(*, wanted: bool) -> bool:
    if wanted:
        typer.echo("\n".join(version_lines()))
        raise typer.Exit
    return wanted


@app.callback()
def tinyinterp(
    *,
    _version: Annotated[
        bool,
        typer.Option(
            "--version",
            is_eager=True,
            callback=lambda value: _print_version(wanted=value),
            help="Print the version, and what a report of a bug needs.",
        ),
    ] = False,
    _debug: Annotated[
        bool,
        typer.Option(
            program.DEBUG,
            help="Show tracebacks and what was measured; may also stand after the command.",
        ),
    ] = False,
) -> None:
    """What each attention head and each neuron of a small language model does, measured."""


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command line and exit: 0 done, 1 failed, 2 wrong usage, 130 interrupted.

    Args:
        arguments: without the program's name; None: those of the process.
    """
    given = sys.argv[1:] if arguments is None else arguments
    if COMPLETE in os.environ:  # a shell asks what may follow
        from typer.completion import get_completion_inspect_parameters

        get_completion_inspect_parameters()  # registers the shells that typer knows
    with among_others(given):
        sys.exit(program.run(app, given, name="tinyinterp", prefix="tinyinterp"))
