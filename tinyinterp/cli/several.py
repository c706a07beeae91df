"""Commands in several processes, as ``torchrun`` starts them."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from tinyinterp.errors import ProcessesError
from tinyinterp.processes import processes, started

SHARED = ("heads", "neurons", "account")  # commands whose passes over the text are shared
OWN = ("train",)  # joins the others by itself


@contextmanager
def among_others(arguments: Sequence[str]) -> Iterator[None]:
    """Join the other processes, if there are any, for a command that is shared.

    Args:
        arguments: of the program.

    Raises:
        SystemExit: there are others, and the command runs in one process only, or they cannot be
            joined; the reason is on standard error.
    """
    command = next((word for word in arguments if not word.startswith("-")), "")
    try:
        _, world = started()
        if world > 1 and command not in (*SHARED, *OWN):
            raise ProcessesError(
                f"'{command}' runs in one process; torchrun is for {', '.join((*SHARED, *OWN))}"
            )
    except ProcessesError as error:
        sys.exit(f"tinyinterp: {error}")
    if world == 1 or command in OWN:
        yield
        return
    with processes(on_cuda=False):  # --device says where each computes
        yield
