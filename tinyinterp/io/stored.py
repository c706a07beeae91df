"""Tables that lie in a folder, read back: a column of a name holds the same in every table.

What :class:`tinyinterp.io.table.Table` wrote comes back as Parquet or JSON, perhaps from a stranger
or through a damaged disk. What a column may hold is said once, in :data:`HOLDS`; columns that are
not named there hold numbers, which may be missing but in those of :data:`NEVER_MISSING`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypedDict, get_args

from tinyinterp.errors import TinyinterpError
from tinyinterp.io.bounded import parse_json, read_json
from tinyinterp.io.described import checked, described
from tinyinterp.io.paths import is_file, shown
from tinyinterp.io.table import METADATA

if TYPE_CHECKING:
    import pyarrow as pa

MOST_ROWS = 1 << 26
MOST_BYTES = 8 << 30  # of a table in memory
LEAST_BELIEVED = 64 << 20  # bytes in memory that are believed of any file
MOST_INFLATED = 200  # times its size on the disk, beyond that
HOLDS: dict[Any, str] = {  # by type: the columns that hold it
    int: "layer head neuron rank story position hits types parameters within_word_tokens",
    str: "kind role attention decided_by causal_check looks_at report_label best_tag best_target "
    "tag target token before after band needs family part rung copies copies_names",
    list[str]: "words raises lowers raises_at examples drawn_to composes_with head_read_by "
    "written_by read_by rules",
    list[float]: "composition",
    list[int]: "counts",
    bool: "tested",
}
KINDS: dict[str, Any] = {name: kind for kind, names in HOLDS.items() for name in names.split()}
NEVER_MISSING = {*KINDS, "activation", "max_activation"}
Row = dict[str, Any]


class Notes(TypedDict, total=False):
    """What the notes of a table say, as far as they are read."""

    model: str
    fingerprint: str
    checkpoint: str
    census: str
    text: str
    warnings: list[str]


@dataclass(frozen=True)
class Stored:
    """A table from a file.

    Args:
        rows: with plain values.
        notes: what it was measured on.
    """

    rows: list[Row]
    notes: dict[str, Any]


@dataclass(frozen=True)
class _Json:
    rows: list[Mapping[str, Any]]
    notes: Notes


def read_json_table(path: Path, needed: Iterable[str], error: type[TinyinterpError]) -> Stored:
    """A table that was written as JSON.

    Args:
        path: of the file.
        needed: columns that must be there.
        error: what is raised.

    Raises:
        error: it cannot be read, lacks a column, or a column holds something else than it should.
    """
    found = described(_Json, read_json(path, error), shown(path), error)
    names = list(found.rows[0]) if found.rows else []
    _require(needed if found.rows else (), names, path, error)
    for number, row in enumerate(found.rows):
        if set(row) != set(names):
            raise error(f"{shown(path)}: row {number} has other columns than the first")
        for name, value in row.items():
            kind = KINDS.get(name, float if name in NEVER_MISSING else float | None)
            checked(kind, value, f"{shown(path)}: {name:.60} of row {number}", error)
    return Stored([dict(row) for row in found.rows], dict(found.notes))


def read_parquet(
    path: Path,
    needed: Iterable[str],
    error: type[TinyinterpError],
    filters: Sequence[tuple[str, str, Any]] | None = None,
) -> Stored:
    """A table that was written as Parquet; arguments and errors are :func:`read_json_table`'s.

    Args:
        path: see there.
        needed: see there.
        error: see there.
        filters: which rows, as pyarrow takes them; None: all.
    """
    import pyarrow as pa
    from pyarrow import parquet

    if not is_file(path):
        raise error(f"cannot read {shown(path)}: there is no such file")
    try:
        with parquet.ParquetFile(path) as file:
            _require_plausible(file.metadata, path, error)
            schema = file.schema_arrow
            _require(needed, schema.names, path, error)
            _require_kinds(schema, path, error)
        table: pa.Table = parquet.read_table(path, filters=list(filters) if filters else None)
        table.validate(full=True)
        for name in table.column_names:
            if name in NEVER_MISSING and table[name].null_count:
                raise error(f"{shown(path)}: column {name} lacks values; it is damaged")
        rows = table.to_pylist()
    except (OSError, ValueError, pa.ArrowException) as wrong:
        raise error(f"cannot read {shown(path)}: {wrong}") from wrong
    return Stored(rows, _notes(schema, path, error))


def read_notes(path: Path, error: type[TinyinterpError]) -> dict[str, Any]:
    """The notes of a Parquet table, without its rows.

    Raises:
        error: it cannot be read, or has none.
    """
    import pyarrow as pa
    from pyarrow import parquet

    if not is_file(path):
        raise error(f"cannot read {shown(path)}: there is no such file")
    try:
        schema = parquet.read_schema(path)
    except (OSError, ValueError, pa.ArrowException) as wrong:
        raise error(f"cannot read {shown(path)}: {wrong}") from wrong
    return _notes(schema, path, error)


def _notes(schema: pa.Schema, path: Path, error: type[TinyinterpError]) -> dict[str, Any]:
    stored = (schema.metadata or {}).get(METADATA)
    if stored is None:
        raise error(f"{shown(path)} was not written by tinyinterp")
    where = f"the notes of {shown(path)}"
    return dict(described(Notes, parse_json(stored, where, error), where, error))


def _require(
    needed: Iterable[str], names: Sequence[str], path: Path, error: type[TinyinterpError]
) -> None:
    if len(set(names)) < len(names):
        raise error(f"{shown(path)} has two columns of the same name")
    missing = [name for name in needed if name not in names]
    if missing:
        raise error(f"{shown(path)} has no column {missing[0]}")


def _require_plausible(metadata: Any, path: Path, error: type[TinyinterpError]) -> None:
    """Refuse a file that says it holds far more than a file of its size does."""
    groups = range(metadata.num_row_groups)
    size = sum(metadata.row_group(group).total_byte_size for group in groups)
    most = min(MOST_BYTES, max(LEAST_BELIEVED, MOST_INFLATED * path.stat().st_size))
    if not (0 <= metadata.num_rows <= MOST_ROWS and 0 <= size <= most):
        raise error(
            f"{shown(path)} says that it holds {metadata.num_rows:,} rows of {size:,} bytes, more "
            "than such a file can; it is damaged"
        )


def _require_kinds(schema: pa.Schema, path: Path, error: type[TinyinterpError]) -> None:
    from pyarrow import types

    numbers = (types.is_integer, types.is_floating, types.is_null)
    tests: dict[Any, Any] = {
        int: types.is_integer,
        str: types.is_string,
        bool: types.is_boolean,
        float: lambda kind: any(test(kind) for test in numbers),
    }
    for field in schema:
        kind, within = KINDS.get(field.name, float), field.type
        if kind in (list[str], list[int], list[float]):
            if not types.is_list(within):
                raise _other(field, path, error)
            (kind,), within = get_args(kind), within.value_type
            if types.is_null(within):  # of empty lists
                continue
        if not tests[kind](within):
            raise _other(field, path, error)


def _other(field: pa.Field, path: Path, error: type[TinyinterpError]) -> TinyinterpError:
    return error(f"{shown(path)}: column {field.name:.60} holds {field.type}, which it never does")
