"""The program: its commands. Behind ``tinyinterp train`` it is one of the commands there."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import Annotated

import typer

from tinyinterp.cli import program
from tinyinterp.cli.command import Program

from ..command import COMMAND, PREFIX, TORCHRUN
from .convert import import_nanogpt
from .prepare import examples, prepare
from .reports import bundle, memory, plot
from .run import recipes, run

app = Program()
app.command()(prepare)
app.command()(examples)
app.command(epilog=f"On several processes: {TORCHRUN} run RECIPE")(run)
app.command()(plot)
app.command()(memory)
app.command()(bundle)
app.command()(import_nanogpt)
app.command()(recipes)


@app.callback()
def train(
    *,
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
    sys.exit(program.run(app, given, name=COMMAND, prefix=PREFIX))
