"""What a command of the command line did, for tests."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True)
class Outcome:
    """How it ended and what it printed."""

    code: int | str | None
    out: str
    err: str

    def refused(self, message: str, code: int = 1) -> None:
        """One line on standard error that says ``message``, and nothing on standard output."""
        assert self.code == code
        assert self.out == ""
        assert self.err.startswith("tinyinterp: ")
        assert self.err.count("\n") == 1
        assert re.search(message, self.err)


Run = Callable[..., Outcome]
