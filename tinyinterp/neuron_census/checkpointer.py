"""Saves how far a census has read, so that an interrupted census resumes.

The state is arrays, and files of rows that a pass appends to. The arrays go into one file; it names
the others, with how much of each belongs to the state and the digest of that part.
"""

from __future__ import annotations

import hashlib
import json
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
import torch
from safetensors import SafetensorError, safe_open

from tinyinterp.errors import OutputError
from tinyinterp.io.bounded import parse_json
from tinyinterp.io.described import Count, Matching, checked, described
from tinyinterp.io.rows_file import RowsFile, digest_of
from tinyinterp.io.tensors import write_tensors

SECONDS = 60.0  # between two saves
MOST_OF_THE_TIME = 0.05  # that saving may take


@dataclass(frozen=True)
class _About:
    """What the file says beside its arrays, in strings."""

    fingerprint: str
    side: Literal["FIT", "TEST"]
    digest: str  # of the arrays
    batches: Annotated[str, Matching(r"\d{1,18}")]
    rows: str  # JSON: what belongs to it of each file of rows


@dataclass(frozen=True)
class _Part:
    """How much of a file of rows belongs to the state."""

    name: Annotated[str, Matching(r"[a-z]+\d{0,9}")]
    n_bytes: Count
    digest: str


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


def _rows_path(path: Path, name: str, *, saved: bool = True) -> Path:
    """Where a file of rows lies; one that no state names yet is deleted as every ``.tmp`` is."""
    return path.with_name(f"{path.stem}.{name}{'' if saved else '.tmp'}.rows")


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
        self._rows: dict[str, RowsFile] = {}
        self._held: dict[str, int] = {}  # bytes that belong to the state loaded

    def rows_file(self, name: str, width: int, dtype: type = np.float32) -> RowsFile:
        """A file of rows that belongs to the state: that of the state loaded, or a new one.

        Raises:
            OutputError: it cannot be opened.
        """
        held = self._held.get(name, 0) // (width * np.dtype(dtype).itemsize)
        path = None if self._path is None else _rows_path(self._path, name, saved=held > 0)
        self._rows[name] = RowsFile(path, width, dtype, held=held)
        return self._rows[name]

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
            found = parse_json(about.rows, self._path.name, OutputError)
            parts: list[_Part] = checked(list[_Part], found, self._path.name, OutputError)
            for part in parts:
                path = _rows_path(self._path, part.name)
                if digest_of(path, part.n_bytes) != part.digest:
                    return None
        except (OSError, SafetensorError, OutputError):
            return None
        self._held = {part.name: part.n_bytes for part in parts}
        return SavedPass(about.side, int(about.batches), arrays)

    @contextmanager
    def keeping_rows(self) -> Iterator[None]:
        """If the block fails, delete the files of rows that no saved state names."""
        try:
            yield
        except BaseException:
            for name, file in self._rows.items():
                if self._path is not None and file.path != _rows_path(self._path, name):
                    file.close()
            raise

    def forget(self) -> None:
        """Begin anew in spite of the state loaded."""
        self._held = {}

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
        """Delete the state: the census is complete."""
        for file in self._rows.values():
            file.close()
        self._rows.clear()
        if self._path is not None:
            self._path.unlink(missing_ok=True)
            for path in self._path.parent.glob(f"{self._path.stem}.*.rows"):  # of older states, too
                path.unlink(missing_ok=True)

    def _save(self, path: Path, side: str, batches: int, arrays: dict[str, np.ndarray]) -> None:
        temporary = path.with_suffix(f".tmp{path.suffix}")
        whole = {name: np.ascontiguousarray(array) for name, array in arrays.items()}
        parts = [_Part(name, file.n_bytes, file.digest()) for name, file in self._rows.items()]
        about = _About(
            self._fingerprint,
            cast("Literal['FIT', 'TEST']", side),
            _digest(whole),
            str(batches),
            json.dumps([asdict(part) for part in parts]),
        )
        tensors = {name: torch.from_numpy(array) for name, array in whole.items()}
        try:
            write_tensors(temporary, tensors, asdict(about))
            for name, file in self._rows.items():
                file.rename(_rows_path(path, name))
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
