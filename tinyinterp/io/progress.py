"""What goes to standard error: messages, and a bar with an estimate on a terminal."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Protocol, runtime_checkable

from tinyinterp.processes import writes


@runtime_checkable
class Progress(Protocol):
    """What a long computation reports to."""

    def advance(self, steps: float = 1, note: str | None = None) -> None:
        """``steps`` more of the total are done; ``note`` is shown beside the bar from now on."""
        ...


class _Silent:
    def advance(self, steps: float = 1, note: str | None = None) -> None:
        pass


def say(message: str) -> None:
    """A message for the person at the terminal, above the bar where one is shown.

    Of several processes rank 0 alone speaks.
    """
    if not writes():
        return
    sys.stderr.write(f"{message}\n")
    sys.stderr.flush()


@contextmanager
def progress(title: str, total: float | None) -> Iterator[Progress]:
    """A bar while the block runs, named ``title``; nothing when piped.

    ``total`` are its steps; None: unknown.
    """
    if not (sys.stderr.isatty() and writes()):
        yield _Silent()
        return
    from rich.console import Console
    from rich.progress import BarColumn, TextColumn, TimeElapsedColumn, TimeRemainingColumn
    from rich.progress import Progress as Bars

    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        TextColumn("{task.percentage:>3.0f} %"),
        TimeElapsedColumn(),
        TextColumn("left"),
        TimeRemainingColumn(),
        TextColumn("{task.fields[note]}"),
    )
    with Bars(*columns, console=Console(stderr=True), transient=True) as bars:
        task = bars.add_task(title, total=total, note="")

        class _Bar:
            def advance(self, steps: float = 1, note: str | None = None) -> None:
                bars.advance(task, steps)
                if note is not None:
                    bars.update(task, note=note)

        yield _Bar()
