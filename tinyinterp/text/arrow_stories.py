"""Stories in Parquet and Arrow files, and in what ``save_to_disk`` of ``datasets`` writes."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from tinyinterp.errors import CorpusError
from tinyinterp.io.described import read_described
from tinyinterp.io.paths import is_file, is_inside, leads_out
from tinyinterp.text.columns import as_story, choose_column
from tinyinterp.text.notes import Notes

if TYPE_CHECKING:
    import pyarrow as pa

ROWS_AT_ONCE = 1024
ARROW_MAGIC = (b"ARROW1", b"\xff\xff\xff\xff")  # of a file, and of a stream
PARQUET_MAGIC = b"PAR1"


@dataclass(frozen=True)
class _Splits:
    """``dataset_dict.json``."""

    splits: list[str]


@dataclass(frozen=True)
class _Part:
    filename: str


@dataclass(frozen=True)
class _State:
    """``state.json``."""

    _data_files: list[_Part]

    @property
    def data_files(self) -> list[_Part]:
        return self._data_files


def read_parquet(path: Path, notes: Notes) -> Iterator[tuple[int, str | None]]:
    """The stories of a Parquet file, each with the number of its row from 1.

    Raises:
        CorpusError: it is not Parquet, or no column holds stories.
    """
    from pyarrow import ArrowException, parquet

    try:
        with parquet.ParquetFile(path) as file:
            column = _column(file.schema_arrow, notes)
            batches = file.iter_batches(batch_size=ROWS_AT_ONCE, columns=[column])
            yield from _stories((batch.column(0) for batch in batches), 1, notes)
    except (ArrowException, UnicodeDecodeError) as error:  # the second: names of columns
        raise CorpusError(f"{notes.name} is not Parquet: {error}") from error


def read_arrow(path: Path, notes: Notes, first: int = 1) -> Iterator[tuple[int, str | None]]:
    """The stories of an Arrow file or stream; the number of the first row is ``first``.

    Raises:
        CorpusError: it is not Arrow, or no column holds stories.
    """
    import pyarrow as pa

    try:
        with pa.memory_map(str(path)) as file:
            if file.read(len(ARROW_MAGIC[0])) == ARROW_MAGIC[0]:
                reader = pa.ipc.open_file(file)
                batches = (reader.get_batch(n) for n in range(reader.num_record_batches))
            else:
                file.seek(0)
                reader = pa.ipc.open_stream(file)
                batches = iter(reader)
            column = _column(reader.schema, notes)
            yield from _stories((batch.column(column) for batch in batches), first, notes)
    except (pa.ArrowException, UnicodeDecodeError) as error:  # as above
        raise CorpusError(f"{notes.name} is not Arrow: {error}") from error


def is_saved_data_set(folder: Path) -> bool:
    """Whether ``save_to_disk`` of ``datasets`` wrote a folder."""
    return (folder / "dataset_dict.json").is_file() or (
        (folder / "state.json").is_file() and (folder / "dataset_info.json").is_file()
    )


def read_saved_data_set(folder: Path, split: str, notes: Notes) -> Iterator[tuple[int, str | None]]:
    """The stories of a folder that ``save_to_disk`` wrote, each with the number of its row.

    Raises:
        CorpusError: it has no such split, files are missing, or no column holds stories.
    """
    if (folder / "dataset_dict.json").is_file():
        splits = read_described(_Splits, folder / "dataset_dict.json", CorpusError).splits
        if split not in splits or leads_out(split):
            raise CorpusError(
                f"{notes.name} has no split {split!r}, only {', '.join(map(repr, splits))}; choose "
                "one with --split where the command has it, or give its folder"
            )
        folder /= split
    first = 1
    for part in read_described(_State, folder / "state.json", CorpusError).data_files:
        path = folder / part.filename
        if leads_out(part.filename) or not is_inside(path, folder):
            raise CorpusError(
                f"{notes.name} names {part.filename!r:.200}, which lies outside its folder; it is "
                "not opened"
            )
        if not is_file(path):
            raise CorpusError(f"{notes.name} lacks its file {part.filename}; save it again")
        for number, story in read_arrow(path, notes, first):
            yield number, story
            first = number + 1


def _column(schema: pa.Schema, notes: Notes) -> str:
    kinds = {field.name: str(field.type) for field in schema}
    texts = [field.name for field in schema if _is_text(field.type)]
    return choose_column(kinds, texts, notes)


def _is_text(kind: pa.DataType) -> bool:
    from pyarrow import types

    if types.is_dictionary(kind):
        kind = kind.value_type
    binary = (types.is_binary, types.is_large_binary, types.is_binary_view)
    strings = (types.is_string, types.is_large_string, types.is_string_view, types.is_null)
    return any(is_kind(kind) for is_kind in (*strings, *binary))


def _stories(
    columns: Iterator[pa.Array], first: int, notes: Notes
) -> Iterator[tuple[int, str | None]]:
    number = first
    for column in columns:
        column.validate(full=True)  # a damaged file may point outside itself
        for value in column:
            yield number, as_story(value.as_py(), f"{notes.name}, row {number}", notes)
            number += 1
