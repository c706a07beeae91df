"""The program: its commands, and what becomes of an error."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from typing import Annotated

import typer

from tinyinterp import __version__
from tinyinterp.cli.census import heads, neurons
from tinyinterp.cli.evaluate import evaluate
from tinyinterp.cli.generate import generate
from tinyinterp.cli.info import info
from tinyinterp.cli.report import say
from tinyinterp.errors import TinyinterpError

DEBUG = "--debug"
INTERRUPTED = 130

app = typer.Typer(
    name="tinyinterp",
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode=None,  # rich takes longer to import than all the rest
    pretty_exceptions_enable=False,
    context_settings={"max_content_width": 100},
)
app.command()(heads)
app.command()(neurons)
app.command()(generate)
app.add_typer(evaluate, name="evaluate")
app.command()(info)


def _print_version(*, wanted: bool) -> bool:
    if wanted:
        typer.echo(f"tinyinterp {__version__}")
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
            help="Print the version.",
        ),
    ] = False,
    _debug: Annotated[
        bool, typer.Option(DEBUG, help="Show tracebacks; may also follow the command.")
    ] = False,
) -> None:
    """What each attention head and each neuron of a small language model does, measured."""


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command line and exit: 0 done, 1 failed, 2 wrong usage, 130 interrupted.

    Args:
        arguments: without the program's name; None: those of the process.
    """
    given = list(sys.argv[1:] if arguments is None else arguments)
    n_options = given.index("--") if "--" in given else len(given)  # what follows is only text
    debug = DEBUG in given[:n_options]
    rest = [word for word in given[:n_options] if word != DEBUG] + given[n_options:]
    sys.exit(_run(rest, debug=debug))


def _run(arguments: list[str], *, debug: bool) -> int:
    try:
        try:
            app(arguments, prog_name="tinyinterp")
        except SystemExit as ended:  # how the parser ends, also when all went well
            sys.stdout.flush()
            code = ended.code if isinstance(ended.code, int) else 0
            if code == INTERRUPTED:
                say("tinyinterp: interrupted; nothing half-written is left")
            return code
    except BrokenPipeError:  # the reader has gone, as `head` does; there is nobody to tell
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1
    except KeyboardInterrupt:
        say("tinyinterp: interrupted; nothing half-written is left")
        return INTERRUPTED
    except TinyinterpError as error:
        if debug:
            raise
        say(f"tinyinterp: {_one_line(error)}")
    # Whatever else goes wrong is a mistake of ours; a person still gets a line, not a traceback.
    except Exception as error:
        if debug:
            raise
        say(
            f"tinyinterp: unexpected {type(error).__name__}: {_one_line(error)}; "
            f"run it again with {DEBUG} and report what it shows"
        )
    return 1


def _one_line(error: Exception) -> str:
    return " ".join(str(error).split())
