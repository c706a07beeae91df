"""How a program ends: its exit code, and one line for whatever went wrong."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, nullcontext

import typer

from tinyinterp.cli.report import say
from tinyinterp.cli.streams import escape_what_cannot_be_encoded
from tinyinterp.errors import TinyinterpError

DEBUG = "--debug"
INTERRUPTED = 130
REPORT_IT = "please report it"  # said of what no command expects


def run(app: typer.Typer, arguments: Sequence[str], *, name: str, prefix: str) -> int:
    """Run a program: 0 done, 1 failed, 2 wrong usage, 130 interrupted.

    Args:
        app: its commands.
        arguments: without the program's name; ``--debug`` may stand anywhere before a ``--``.
        name: how it is called, for its help.
        prefix: what each line about an error starts with.
    """
    escape_what_cannot_be_encoded()
    given = list(arguments)
    n_options = given.index("--") if "--" in given else len(given)  # what follows is only text
    debug = DEBUG in given[:n_options]
    rest = [word for word in given[:n_options] if word != DEBUG] + given[n_options:]
    with _details_shown() if debug else nullcontext():
        return _run(app, rest, name=name, prefix=prefix, debug=debug)


def _run(app: typer.Typer, rest: list[str], *, name: str, prefix: str, debug: bool) -> int:
    try:
        try:
            app(rest, prog_name=name)
        except SystemExit as ended:  # how the parser ends, also when all went well
            sys.stdout.flush()
            code = ended.code if isinstance(ended.code, int) else 0
            if code == INTERRUPTED:
                say(f"{prefix}: interrupted; nothing half-written is left")
            return code
    except BrokenPipeError:  # the reader has gone, as `head` does
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1
    except KeyboardInterrupt:
        say(f"{prefix}: interrupted; nothing half-written is left")
        return INTERRUPTED
    except TinyinterpError as error:
        if debug:
            raise
        _complain(f"{prefix}: {_one_line(error)}")
    # The outermost frame of the program: whatever arrives here is our mistake. A person gets
    # one line that names it and exit 1, as promised; --debug raises it.
    except Exception as error:
        if debug:
            raise
        _complain(
            f"{prefix}: unexpected {type(error).__name__}: {_one_line(error)}; "
            f"run it again with {DEBUG} for a traceback, and {REPORT_IT}"
        )
    return 1


@contextmanager
def _details_shown() -> Iterator[None]:
    """Write to standard error what the package decides by itself, such as by a measurement."""
    import logging

    handler = logging.StreamHandler()
    handler.setFormatter(logging.Formatter("debug: %(message)s"))
    logger = logging.getLogger("tinyinterp")
    level = logger.level
    logger.addHandler(handler)
    logger.setLevel(logging.DEBUG)
    try:
        yield
    finally:
        logger.removeHandler(handler)
        logger.setLevel(level)


def _complain(message: str) -> None:
    """Say what went wrong, in whichever of several processes it did."""
    sys.stderr.write(f"{message}\n")
    sys.stderr.flush()


def _one_line(error: Exception) -> str:
    return " ".join(str(error).split())
