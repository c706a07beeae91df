"""What a file is: its first bytes decide, then its name, then its first characters."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import chain
from pathlib import Path

from tinyinterp.errors import CorpusError
from tinyinterp.text.arrow_stories import ARROW_MAGIC, PARQUET_MAGIC, read_arrow, read_parquet
from tinyinterp.text.csv_stories import looks_like_csv, read_csv
from tinyinterp.text.encodings import BYTES_AT_ONCE, decoded
from tinyinterp.text.json_stories import (
    looks_like_json_lines,
    looks_like_json_list,
    looks_like_other_json,
    read_json,
    read_json_lines,
)
from tinyinterp.text.notes import Notes
from tinyinterp.text.opened import COMPRESSED_SUFFIXES, decompressed, is_compressed, open_bytes
from tinyinterp.text.separators import SAMPLE, Separator, lines_of, separate

BY_SUFFIX = {
    ".json": "json",
    ".jsonl": "json-lines",
    ".ndjson": "json-lines",
    ".csv": "csv",
    ".tsv": "csv",
    ".parquet": "parquet",
    ".arrow": "arrow",
}
TEXT_SUFFIXES = {*BY_SUFFIX, ".txt", ".text"}
OTHERS = {  # what begins like this is no text
    b"\x89PNG": "a PNG image",
    b"\xff\xd8\xff": "a JPEG image",
    b"GIF8": "a GIF image",
    b"%PDF": "a PDF; save its text as a .txt file",
    b"PK\x03\x04": "a ZIP archive (.docx, .npz and .pt files are ZIP archives too); unpack it",
    b"\x93NUMPY": "a NumPy array",
    b"\x89HDF": "an HDF5 file",
    b"SQLite format 3": "an SQLite database",
    b"\x7fELF": "a program",
    b"{\\rtf": "an RTF document; save it as plain text",
    b"version https://git-lfs": "a pointer of Git LFS, not the file itself; run git lfs pull",
}
PAGES = ("<!doctype", "<html", "<?xml")


@dataclass(frozen=True)
class Rows:
    """What a file holds, one by one: a number, and a story or None where there is none."""

    unit: str  # what the numbers count
    items: Iterator[tuple[int, str | None]]
    separated: bool  # whether the stories were told apart; otherwise marks may stand in a row


def open_rows(path: Path, separator: Separator, notes: Notes) -> Rows:
    """The rows of a file.

    Args:
        path: of a regular file, which may be compressed.
        separator: what is between the stories of a plain text.
        notes: what is to be said is collected here.

    Raises:
        CorpusError: the file holds no text.
    """
    file = open_bytes(path)
    try:
        start = file.read(BYTES_AT_ONCE)
    finally:
        file.close()
    _refuse_others(start, notes.name)
    name = Path(notes.name)
    suffix = Path(name.stem if name.suffix.lower() in COMPRESSED_SUFFIXES else name).suffix.lower()
    kind = BY_SUFFIX.get(suffix)
    if start.startswith((PARQUET_MAGIC, *ARROW_MAGIC)) or kind in ("parquet", "arrow"):
        _refuse_separator(separator, notes.name)
        whole = decompressed(path) if is_compressed(path) else path
        arrow = start.startswith(ARROW_MAGIC) or (
            kind == "arrow" and not start.startswith(PARQUET_MAGIC)
        )
        return Rows("row", (read_arrow if arrow else read_parquet)(whole, notes), separated=False)

    def pieces() -> Iterator[bytes]:
        file = open_bytes(path)
        try:
            while piece := file.read(BYTES_AT_ONCE):
                yield piece
        finally:
            file.close()

    text = decoded(pieces(), notes)
    taken, size = [], 0
    while size < SAMPLE and (piece := next(text, None)) is not None:
        taken.append(piece)
        size += len(piece)
    return _rows_of_text(chain(taken, text), "".join(taken), kind, separator, notes)


def _rows_of_text(
    pieces: Iterator[str], sample: str, named: str | None, separator: Separator, notes: Notes
) -> Rows:
    if named is not None:
        _refuse_separator(separator, notes.name)
    kind = named
    if named is None and separator in ("auto", "marks"):
        kind = _kind(sample, notes.name)
    elif named == "json" and sample.lstrip().startswith("{") and looks_like_json_lines(sample):
        kind = "json-lines"
    elif named == "json-lines" and looks_like_json_list(sample):
        kind = "json"
    if kind == "json" and (wrong := looks_like_other_json(sample)):
        raise CorpusError(f"{notes.name} {wrong}")
    if kind == "json":
        return Rows("item", read_json(pieces, notes), separated=False)
    if kind == "json-lines":
        return Rows("line", read_json_lines(lines_of(pieces, notes.name), notes), separated=False)
    if kind == "csv":
        return Rows("line", read_csv(lines_of(pieces, notes.name), notes), separated=False)
    stories = separate(pieces, sample, separator, notes)
    return Rows("story", enumerate(stories, start=1), separated=True)


def _kind(sample: str, name: str) -> str | None:
    """What a text is that its name does not show; None: plain."""
    if sample.lstrip()[:9].lower().startswith(PAGES):
        raise CorpusError(f"{name} is an HTML or XML page, not a text; save its text")
    if looks_like_json_list(sample):
        return "json"
    if looks_like_json_lines(sample):
        return "json-lines"
    if wrong := looks_like_other_json(sample):
        raise CorpusError(f"{name} {wrong}")
    return "csv" if looks_like_csv(sample) else None


def _refuse_separator(separator: Separator, name: str) -> None:
    if separator not in ("auto", "marks"):
        raise CorpusError(
            f"{name} holds its stories one by one; --separator {separator} is for a plain text"
        )


def _refuse_others(start: bytes, name: str) -> None:
    for magic, what in OTHERS.items():
        if start.startswith(magic):
            raise CorpusError(f"{name} is {what}")
    if start[:1] == b"\x80" and start[1:2] in b"\x02\x03\x04\x05":
        raise CorpusError(f"{name} is a pickle, which is never opened; save its stories as JSON")
    if start[257:262] == b"ustar":
        raise CorpusError(f"{name} is a tar archive; unpack it")
    size = int.from_bytes(start[:8], "little")
    if len(start) > 8 and start[8:10] in (b'{"', b"{}") and 1 < size < 1 << 32:
        raise CorpusError(f"{name} holds weights (safetensors); give it with --ckpt")
