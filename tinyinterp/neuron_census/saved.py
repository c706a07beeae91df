"""How far a pass has come, on disk, so that one that was stopped can go on where it was."""

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

SECONDS = 60.0  # between two savings
MOST_OF_THE_TIME = 0.05  # that saving may take
FINGERPRINT, SIDE, BATCHES = "fingerprint", "side", "batches"


@dataclass(frozen=True)
class Saved:
    """What a pass had gathered when it was saved."""

    side: str
    batches: int  # micro-batches of that side that had been taken in
    arrays: dict[str, np.ndarray]


class Keeper:
    """Saves a pass once a minute, and when it is interrupted.

    Args:
        path: of the file, which ends in ``.npz``; None: nothing is saved.
        fingerprint: of everything that the pass depends on; a file with another is of no use.
    """

    def __init__(self, path: Path | None, fingerprint: str) -> None:
        self._path = path
        self._fingerprint = fingerprint
        self._interrupted = False

    def load(self) -> Saved | None:
        """What was saved; None if that is nothing, damaged, or of something else."""
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
        return Saved(side, batches, arrays)

    @contextmanager
    def watching(
        self, side: str, arrays: Callable[[], dict[str, np.ndarray]], done: int
    ) -> Iterator[Callable[[], None]]:
        """Give what is to be called after each micro-batch.

        Ctrl-C waits for the end of a micro-batch; a second one does not.

        Args:
            side: which side is read.
            arrays: what the pass holds, all of it.
            done: micro-batches that were taken in before.

        Raises:
            KeyboardInterrupt: Ctrl-C was pressed, and everything is saved.
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

        with self._waiting_for_the_end():
            yield after

    def clear(self) -> None:
        """Delete the file: the pass is complete."""
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
    def _waiting_for_the_end(self) -> Iterator[None]:
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
