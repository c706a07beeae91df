"""Saves how far a census has read, so that an interrupted census resumes."""

from __future__ import annotations

import hashlib
import signal
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from types import FrameType
from typing import Annotated, Literal, cast

import numpy as np
from safetensors import SafetensorError, safe_open
from safetensors.numpy import save_file

from tinyinterp.errors import OutputError
from tinyinterp.io.described import Matching, described

SECONDS = 60.0  # between two saves
MOST_OF_THE_TIME = 0.05  # that saving may take


@dataclass(frozen=True)
class _About:
    """What the file says beside its arrays, in strings."""

    fingerprint: str
    side: Literal["FIT", "TEST"]
    digest: str  # of the arrays
    batches: Annotated[str, Matching(r"\d{1,18}")]


@dataclass(frozen=True)
class SavedPass:
    """The state of an interrupted pass."""

    side: str
    batches: int  # micro-batches of that side that were read
    arrays: dict[str, np.ndarray]


def restore(arrays: Mapping[str, np.ndarray], saved: Mapping[str, np.ndarray]) -> None:
    """Fill ``arrays`` with the saved ones of the same names.

    Raises:
        OutputError: one is missing, or of another shape or type.
    """
    for name, array in arrays.items():
        found = saved.get(name)
        if found is None or found.shape != array.shape or found.dtype != array.dtype:
            shape = "nothing" if found is None else f"{found.dtype} {list(found.shape)}"
            raise OutputError(
                f"the saved progress of the census does not fit it ({name}: {shape}, expected "
                f"{array.dtype} {list(array.shape)}); delete the file, or choose another folder "
                "with --out"
            )
        array[...] = found


def _digest(arrays: Mapping[str, np.ndarray]) -> str:
    digest = hashlib.sha256()
    for name, array in sorted(arrays.items()):
        digest.update(f"{name} {array.dtype} {array.shape}".encode())
        digest.update(np.ascontiguousarray(array).data.cast("B") if array.size else b"")
    return digest.hexdigest()


class Checkpointer:
    """Saves the state of a pass once a minute, and on Ctrl-C.

    Args:
        path: of the file, which ends in ``.safetensors``; None: nothing is saved.
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
            with safe_open(self._path, "np") as file:
                about = described(_About, file.metadata() or {}, self._path.name, OutputError)
                if about.fingerprint != self._fingerprint:
                    return None
                arrays = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
            if _digest(arrays) != about.digest:
                return None
        except (OSError, SafetensorError, OutputError):
            return None
        return SavedPass(about.side, int(about.batches), arrays)

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
        temporary = path.with_suffix(f".tmp{path.suffix}")
        whole = {name: np.ascontiguousarray(array) for name, array in arrays.items()}
        about = _About(
            self._fingerprint, cast("Literal['FIT', 'TEST']", side), _digest(whole), str(batches)
        )
        try:
            save_file(whole, temporary, metadata=asdict(about))
            temporary.replace(path)
        except (OSError, SafetensorError) as error:
            reason = getattr(error, "strerror", None) or error
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
