"""Saves how far a census has read, so that an interrupted census resumes."""

from __future__ import annotations

import signal
import threading
import time
import zipfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import FrameType
from typing import Any

import numpy as np

from tinyinterp.errors import OutputError

SECONDS = 60.0  # between two saves
MOST_OF_THE_TIME = 0.05  # that saving may take
FINGERPRINT, SIDE, BATCHES = "fingerprint", "side", "batches"


@dataclass(frozen=True)
class SavedPass:
    """The state of an interrupted pass."""

    side: str
    batches: int  # micro-batches of that side that were read
    arrays: dict[str, np.ndarray]


class Checkpointer:
    """Saves the state of a pass once a minute, and on Ctrl-C.

    Args:
        path: of the file, which ends in ``.npz``; None: nothing is saved.
        fingerprint: of everything that the pass depends on; a file with another is ignored.
    """

    def __init__(self, path: Path | None, fingerprint: str) -> None:
        self._path = path
        self._fingerprint = fingerprint
        self._interrupted = False

    def load(self) -> SavedPass | None:
        """The saved state; None if there is none, it is damaged, or it is of another census."""
        if self._path is None or not self._path.is_file():
            return None
        try:
            with self._path.open("rb") as raw, np.load(raw, allow_pickle=False) as file:
                if str(file[FINGERPRINT]) != self._fingerprint:
                    return None
                arrays = {name: file[name] for name in file.files}
            side, batches = str(arrays.pop(SIDE)), int(arrays.pop(BATCHES))
        except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile):
            return None
        return SavedPass(side, batches, arrays)

    @contextmanager
    def watching(
        self, side: str, arrays: Callable[[], dict[str, np.ndarray]], done: int
    ) -> Iterator[Callable[[], None]]:
        """Save during a pass; yields what to call after each micro-batch.

        The first Ctrl-C takes effect at the end of a micro-batch, a second one at once.

        Args:
            side: the side being read.
            arrays: returns the whole state of the pass.
            done: micro-batches of this side that were read before.

        Raises:
            KeyboardInterrupt: Ctrl-C was pressed, and the state is saved.
            OutputError: the file cannot be written.
        """
        due, batches = time.monotonic() + SECONDS, done

        def after() -> None:
            nonlocal due, batches
            batches += 1
            if self._path is None or not (self._interrupted or time.monotonic() >= due):
                return
            start = time.monotonic()
            self._save(self._path, side, batches, arrays())
            took = time.monotonic() - start
            due = time.monotonic() + max(SECONDS, took / MOST_OF_THE_TIME)
            if self._interrupted:
                raise KeyboardInterrupt

        with self._deferring_interrupts():
            yield after

    def clear(self) -> None:
        """Delete the file: the census is complete."""
        if self._path is not None:
            self._path.unlink(missing_ok=True)

    def _save(self, path: Path, side: str, batches: int, arrays: dict[str, np.ndarray]) -> None:
        content: dict[str, Any] = {FINGERPRINT: self._fingerprint, SIDE: side, BATCHES: batches}
        content |= arrays
        temporary = path.with_suffix(".tmp.npz")
        try:
            with temporary.open("wb") as file:
                np.savez(file, **content)
            temporary.replace(path)
        except OSError as error:
            reason = error.strerror or error
            raise OutputError(f"cannot save progress in {path.parent}: {reason}") from error

    @contextmanager
    def _deferring_interrupts(self) -> Iterator[None]:
        if self._path is None or threading.current_thread() is not threading.main_thread():
            yield
            return

        def note(_number: int, _frame: FrameType | None) -> None:
            self._interrupted = True
            signal.signal(signal.SIGINT, before)

        before = signal.signal(signal.SIGINT, note)
        try:
            yield
        finally:
            signal.signal(signal.SIGINT, before)
