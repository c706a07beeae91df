"""Ctrl-C and SIGTERM end a run after the current step, not in the middle of it."""

from __future__ import annotations

import signal
from types import FrameType

SIGNALS = (signal.SIGINT, signal.SIGTERM)


class Interrupts:
    """Within the block, notes the two signals; afterwards their former handlers are back.

    ``received`` may also be set by hand.
    """

    def __init__(self) -> None:
        self.received = False

    def __enter__(self) -> None:
        self.received = False
        self._before = {number: signal.signal(number, self._note) for number in SIGNALS}

    def __exit__(self, *_: object) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)

    def _note(self, _signal: int, _frame: FrameType | None) -> None:
        self.received = True
