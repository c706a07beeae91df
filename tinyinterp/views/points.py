"""Rows of a table as points of a scatter plot, by kind: what both drawers of one start from."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from tinyinterp.errors import SelectionError
from tinyinterp.io.table import Table, is_known
from tinyinterp.views import style

Row = Mapping[str, Any]


@dataclass(frozen=True)
class Group:
    """The points of one kind."""

    kind: str
    rows: list[Row]
    x: list[float]  # NaN where it is not known
    y: list[float]

    @property
    def label(self) -> str:
        """The kind and how many there are, for a legend."""
        return f"{self.kind} ({len(self.rows):,})"

    @property
    def colour(self) -> str:
        """The colour of the kind."""
        return style.kind_colour(self.kind)


def groups_by_kind(rows: Iterable[Row], x: str, y: str) -> list[Group]:
    """Rows by kind, the largest group first, so that it lies below the others.

    Args:
        rows: of a table with a column ``kind``.
        x: the column drawn across.
        y: the column drawn upwards.
    """
    by_kind: dict[str, list[Row]] = defaultdict(list)
    for row in rows:
        by_kind[row["kind"]].append(row)
    kinds = sorted(by_kind, key=lambda kind: (-len(by_kind[kind]), kind))
    return [Group(kind, by_kind[kind], *_columns(by_kind[kind], x, y)) for kind in kinds]


def check_column(table: Table, column: str) -> None:
    """Refuse a column that has no numbers.

    Raises:
        SelectionError: there is none of that name.
    """
    numbers = [name for name in table.columns if _is_number(table[name])]
    if column not in numbers:
        raise SelectionError(
            f"there is no column {column!r} of numbers; known: {', '.join(numbers)}"
        )


def place_of(row: Row) -> str:
    """What to call the head or neuron of a row: ``3.2``."""
    return f"{row['layer']}.{row['head' if 'head' in row else 'neuron']}"


def _columns(rows: list[Row], *names: str) -> list[list[float]]:
    return [[row[name] if is_known(row[name]) else math.nan for row in rows] for name in names]


def _is_number(values: Sequence[Any]) -> bool:
    return any(isinstance(value, float) for value in values)
