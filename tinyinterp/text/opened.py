"""The bytes of a text: files, compressed ones too, and standard input and pipes.

A text is read several times over, a pipe only once: what comes through one is copied to a temporary
file, which goes when the process ends.
"""

from __future__ import annotations

import bz2
import gzip
import lzma
import shutil
import stat
import sys
from functools import cache
from pathlib import Path
from typing import Protocol, runtime_checkable

from tinyinterp.errors import CorpusError
from tinyinterp.io.scratch import scratch_folder
from tinyinterp.processes import current

STANDARD_INPUT = "-"
MAGIC_BYTES = 512  # at the start of a file; tar's mark stands at 257
COMPRESSED = {
    b"\x1f\x8b": "gzip",
    b"\x28\xb5\x2f\xfd": "zstd",
    b"BZh": "bzip2",
    b"\xfd7zXZ\x00": "xz",
}
COMPRESSED_SUFFIXES = {".gz", ".zst", ".bz2", ".xz"}


@runtime_checkable
class Bytes(Protocol):
    """What can be read piece by piece, and closed."""

    def read(self, size: int = ..., /) -> bytes:
        """As many bytes, or fewer; none at the end."""
        ...

    def close(self) -> None:
        """Let go of the file."""
        ...


def is_pipe(path: Path) -> bool:
    """Whether a path names standard input, or something that can be read only once."""
    if str(path) == STANDARD_INPUT:
        return True
    try:
        mode = path.stat().st_mode
    except (OSError, ValueError):
        return False
    return stat.S_ISFIFO(mode)


def name_of(path: Path) -> str:
    """What tables call a text."""
    if str(path) in (STANDARD_INPUT, "/dev/stdin"):
        return "standard input"
    return path.resolve().name if path.name in ("", "..") else path.name


def regular(path: Path) -> Path:
    """The path itself, or of a pipe the file that it was copied to."""
    return _copied(str(path)) if is_pipe(path) else path


def open_bytes(path: Path) -> Bytes:
    """A file's bytes, decompressed where they begin as gzip, Zstandard, bzip2 or xz do."""
    with path.open("rb") as file:
        start = file.read(MAGIC_BYTES)
    kind = next((kind for magic, kind in COMPRESSED.items() if start.startswith(magic)), None)
    if kind == "zstd":
        import pyarrow as pa

        return pa.CompressedInputStream(pa.OSFile(str(path)), "zstd")
    openers = {"gzip": gzip.open, "bzip2": bz2.open, "xz": lzma.open}
    return openers[kind](path, "rb") if kind else path.open("rb")


def is_compressed(path: Path) -> bool:
    """Whether a file begins as a compressed one."""
    with path.open("rb") as file:
        start = file.read(MAGIC_BYTES)
    return any(start.startswith(magic) for magic in COMPRESSED)


@cache
def decompressed(path: Path) -> Path:
    """A temporary file with the bytes of a compressed one, for what must be read out of order."""
    target = _temporary_file()
    source = open_bytes(path)
    try:
        with target.open("wb") as file:
            while piece := source.read(1 << 20):
                file.write(piece)
    finally:
        source.close()
    return target


@cache
def _copied(path: str) -> Path:
    target = _temporary_file()
    with target.open("wb") as file:
        if path == STANDARD_INPUT:
            if sys.stdin is None or sys.stdin.closed:
                raise CorpusError("--text -: there is no standard input to read")
            if current() is not None:
                raise CorpusError("--text -: several processes cannot read one standard input; "
                                  "give a file")  # fmt: skip
            shutil.copyfileobj(sys.stdin.buffer, file)
        else:
            with Path(path).open("rb") as source:
                shutil.copyfileobj(source, file)
    return target


def _temporary_file() -> Path:
    return scratch_folder() / "text"
