"""The form every result takes: a table of rows, written as CSV, Parquet and JSON."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, is_dataclass
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import numpy as np
import pyarrow as pa
from jaxtyping import Float
from pyarrow import csv, parquet

from tinyinterp.errors import DependencyError
from tinyinterp.io.files import replacing_file, write_text
from tinyinterp.io.paths import expanded

if TYPE_CHECKING:
    import pandas as pd

METADATA = b"tinyinterp"  # under which the notes stand in a schema
LEAST_QUICK, MOST_QUICK = 1e-9, 1e5  # sizes that are rounded without going through text
SIGNIFICANT = 6  # digits kept of every number, so that a table is the same wherever it was made


class Table:
    """Rows with named columns. ``notes`` say what the table was measured on.

    >>> table = Table("heads", [{"layer": 0, "head": 1, "sink": 0.5}], notes={"text": "stories"})
    >>> len(table), table.columns
    (1, ['layer', 'head', 'sink'])
    """

    def __init__(
        self, name: str, rows: Sequence[Any], *, notes: Mapping[str, Any] | None = None
    ) -> None:
        self.name = name
        self.notes = dict(notes or {})
        plain = [_plain(row) for row in rows]
        self.columns: list[str] = list(plain[0]) if plain else []
        self._rows = plain

    @classmethod
    def of_arrow(cls, name: str, table: pa.Table) -> Table:
        """What :meth:`to_arrow` gave; see :mod:`tinyinterp.io.stored` for what lies in a file."""
        made = cls(name, [], notes=json.loads((table.schema.metadata or {})[METADATA]))
        made.columns, made._rows = table.column_names, table.to_pylist()
        return made

    def __len__(self) -> int:
        return len(self._rows)

    def __iter__(self) -> Iterator[dict[str, Any]]:
        return iter(self._rows)

    def __getitem__(self, column: str) -> list[Any]:
        """All values of a column, in row order."""
        return [row[column] for row in self._rows]

    def row(self, **values: Any) -> dict[str, Any]:
        """The one row with these values; KeyError if there is none.

        >>> Table("heads", [{"layer": 0, "head": 1}]).row(layer=0, head=1)
        {'layer': 0, 'head': 1}
        """
        for row in self._rows:
            if all(row[key] == value for key, value in values.items()):
                return row
        raise KeyError(values)

    def to_arrow(self) -> pa.Table:
        """As an Arrow table; NaN becomes null, also where a column holds nothing else."""
        columns = {c: _arrow_array(self[c]) for c in self.columns}
        metadata = {METADATA: json.dumps(self.notes)}
        return pa.table(columns).replace_schema_metadata(metadata)

    def to_pandas(self) -> pd.DataFrame:
        """As a pandas data frame.

        Raises:
            DependencyError: pandas is not installed.
        """
        try:
            import_module("pandas")  # Arrow will need it
        except ImportError as error:
            raise DependencyError("pandas", "pandas") from error
        return self.to_arrow().to_pandas()

    def to_json(self) -> str:
        """One JSON object: ``table``, ``notes`` and ``rows``, each row on a line of its own."""
        rows = [{key: _none_for_nan(value) for key, value in row.items()} for row in self._rows]
        name, notes = (json.dumps(each, ensure_ascii=False) for each in (self.name, self.notes))
        lines = ",\n".join(
            json.dumps(row, ensure_ascii=False) for row in rows
        )  # quicker than indent
        return f'{{"table": {name},\n"notes": {notes},\n"rows": [\n{lines}\n]}}\n'

    def write(self, folder: Path) -> list[Path]:
        """Write ``name.csv``, ``name.parquet`` and ``name.json``; each whole or not at all.

        List values are joined by spaces in the CSV. Returns the paths.
        """
        folder, arrow = expanded(folder), self.to_arrow()
        paths = [folder / f"{self.name}.{suffix}" for suffix in ("csv", "parquet", "json")]
        flat = {
            c: [" ".join(map(str, v)) if isinstance(v, list) else v for v in arrow[c].to_pylist()]
            for c in self.columns
        }
        with replacing_file(paths[0]) as temporary:
            csv.write_csv(pa.table(flat), temporary)
        with replacing_file(paths[1]) as temporary:
            parquet.write_table(arrow, temporary)
        write_text(paths[2], self.to_json())
        return paths

    def to_html(self) -> str:
        """As an HTML table, the middle of a long one left out."""
        return self.to_pandas().to_html(index=False, max_rows=64, border=0)

    def _repr_html_(self) -> str:
        return self.to_html()


def _plain(row: Any) -> dict[str, Any]:
    values = asdict(cast("Any", row)) if is_dataclass(row) else dict(row)
    return {key: rounded(value) for key, value in values.items()}


def is_known(value: Any) -> bool:
    """Whether a cell holds something: not None, nor a number that is not finite.

    Tables store such numbers as nulls, in whatever form they were given.

    >>> is_known(0.5), is_known(""), is_known(None), is_known(float("nan")), is_known(-math.inf)
    (True, True, False, False, False)
    """
    return value is not None and not (
        isinstance(value, (float, np.floating)) and not math.isfinite(value)
    )


def rounded(value: Any) -> Any:
    """A number with six significant digits; in a list or tuple, each. Anything else as it is."""
    if isinstance(value, (np.floating, float)):
        number = float(value)
        return float(f"{number:.{SIGNIFICANT}g}") if math.isfinite(number) else number
    if isinstance(value, (np.integer, np.bool_)):
        return value.item()
    if isinstance(value, (tuple, list)):
        return [rounded(item) for item in value]
    return value


def rounded_array(values: Float[np.ndarray, "*shape"]) -> Float[np.ndarray, "*shape"]:
    """The same for many finite numbers at a time."""
    size = np.abs(values)
    usual = (size >= LEAST_QUICK) & (size < MOST_QUICK)
    digits = SIGNIFICANT - 1 - np.floor(np.log10(np.where(usual, size, 1.0)))
    scale = 10.0**digits  # a quotient of a whole number and a power of ten is as near as can be
    found = np.round(values * scale) / scale
    found[~usual] = [rounded(value) for value in values[~usual].tolist()]
    return found


def _arrow_array(values: list[Any]) -> pa.Array:
    numbers = any(isinstance(value, float) for value in values)
    return pa.array([_none_for_nan(v) for v in values], pa.float64() if numbers else None)


def _none_for_nan(value: Any) -> Any:
    return value if is_known(value) else None
