"""Rows of numbers in a file: appended during a pass over a text, and read when it is done.

What is needed only at the end of a pass need not lie in memory until then.
"""

from __future__ import annotations

import hashlib
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
from jaxtyping import Shaped

from tinyinterp.errors import OutputError

PIECE = 1 << 22  # bytes that are hashed at a time


class RowsFile:
    """A growing file of rows.

    Args:
        path: of the file; None: it has no name and ends with this object.
        width: numbers in a row.
        dtype: of the numbers.
        held: rows that a file of an earlier process has, which this one continues; what lies after
            them is dropped. 0: a new file.

    Raises:
        OutputError: it cannot be opened or written.
    """

    def __init__(
        self, path: Path | None, width: int, dtype: type = np.float32, *, held: int = 0
    ) -> None:
        self.path, self._width, self._dtype = path, width, np.dtype(dtype)
        self._digest, self._digested = hashlib.sha256(), 0
        self.n_rows = held
        with self._errors():
            if path is None:
                self._file: Any = tempfile.TemporaryFile()  # noqa: SIM115 - for its lifetime
            else:
                self._file = path.open("r+b" if held else "w+b")
            self._file.truncate(self.n_bytes)

    @property
    def n_bytes(self) -> int:
        """Of all rows."""
        return self.n_rows * self._width * self._dtype.itemsize

    def append(self, rows: Shaped[np.ndarray, "row width"]) -> None:
        """Write rows after those that are there.

        Raises:
            OutputError: there is no room, or the file cannot be written.
        """
        whole = np.ascontiguousarray(rows, dtype=self._dtype)
        with self._errors():
            self._file.seek(self.n_bytes)
            self._file.write(whole.data.cast("B") if whole.size else b"")
        self.n_rows += len(rows)

    def replace(self, parts: list[Shaped[np.ndarray, "_ width"]]) -> None:
        """Write these rows in place of all that are there."""
        self.n_rows, self._digest, self._digested = 0, hashlib.sha256(), 0
        with self._errors():
            self._file.truncate(0)
        for rows in parts:
            self.append(rows)

    def read(self) -> Shaped[np.ndarray, "row width"]:
        """All rows, in the order in which they were appended."""
        found = np.empty((self.n_rows, self._width), dtype=self._dtype)
        with self._errors():
            self._file.seek(0)
            if found.size and self._file.readinto(found.data.cast("B")) != found.nbytes:
                raise OutputError(f"{self._where} was cut while it was in use; run the same again")
        return found

    def digest(self) -> str:
        """SHA-256 of all rows; only those that came since the last call are read."""
        with self._errors():
            for piece in _pieces(self._file, self._digested, self.n_bytes):
                self._digest.update(piece)
        self._digested = self.n_bytes
        return self._digest.hexdigest()

    def rename(self, path: Path) -> None:
        """Go on under another name; a file without a name keeps none."""
        if self.path is None or self.path == path:
            return
        with self._errors():
            self._file.close()  # an open file cannot be renamed everywhere
            self.path = self.path.replace(path)
            self._file = path.open("r+b")

    def close(self) -> None:
        """Close the file, and delete it."""
        self._file.close()
        if self.path is not None:
            self.path.unlink(missing_ok=True)

    def __del__(self) -> None:
        """Close the file; one that has a name stays for the process that continues it."""
        if hasattr(self, "_file"):
            self._file.close()

    @property
    def _where(self) -> str:
        return tempfile.gettempdir() if self.path is None else str(self.path.parent)

    @contextmanager
    def _errors(self) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            raise OutputError(
                f"cannot keep activations in {self._where}: {error.strerror or error}"
            ) from error


def digest_of(path: Path, n_bytes: int) -> str | None:
    """SHA-256 of the first bytes of a file; None if there are fewer.

    Raises:
        OSError: it cannot be read.
    """
    digest, left = hashlib.sha256(), n_bytes
    with path.open("rb") as file:
        for piece in _pieces(file, 0, n_bytes):
            digest.update(piece)
            left -= len(piece)
    return None if left else digest.hexdigest()


def _pieces(file: BinaryIO, start: int, stop: int) -> Iterator[bytes]:
    file.seek(start)
    while start < stop and (piece := file.read(min(PIECE, stop - start))):
        start += len(piece)
        yield piece
