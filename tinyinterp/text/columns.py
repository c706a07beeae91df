"""Which column of a table, or key of an object, holds the stories."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from math import isnan
from typing import Any

from tinyinterp.errors import CorpusError
from tinyinterp.text.encodings import decoded_whole
from tinyinterp.text.notes import Notes

STORY_COLUMNS = ("text", "story", "content")  # the names that data sets of stories use
EXPECTED = "expected a column 'text', 'story' or 'content', or a single column of text"


def choose_column(columns: Mapping[str, str], texts: Sequence[str], notes: Notes) -> str:
    """The column of the stories: by its name, or the only one of text, which is noted.

    Args:
        columns: the type of each, in words.
        texts: the names of those that hold text.
        notes: of the text.

    Raises:
        CorpusError: there is none, or several could be it.
    """
    plain = {str(name).strip().lower(): name for name in reversed(list(columns))}
    for wanted in STORY_COLUMNS:
        if wanted not in plain:
            continue
        name = plain[wanted]
        if name in texts:
            return name
        raise CorpusError(
            f"{notes.name}: the column {name!r} holds {columns[name]}, not text; write its stories "
            "as strings"
        )
    if len(texts) == 1:
        notes.add("column", f"the stories are its only column of text, {texts[0]!r}")
        return texts[0]
    named = ", ".join(f"{name!r} ({kind})" for name, kind in columns.items()) or "none"
    raise CorpusError(f"{notes.name} has the columns {named}; {EXPECTED}")


class Objects:
    """Stories of rows that are strings or objects; the key is that of the first object."""

    def __init__(self, notes: Notes, unit: str) -> None:
        self._notes, self._unit = notes, unit
        self._key: str | None = None

    def story(self, row: object, number: int) -> str | None:
        """The story of a row; None if it holds none.

        Raises:
            CorpusError: the row holds something else.
        """
        if isinstance(row, Mapping):
            if not any(value is not None for value in row.values()):
                return None
            if self._key is None or (self._key not in row and row.keys() & STORY_COLUMNS):
                self._key = self._choose(row)
            row = row.get(self._key)
        return as_story(row, f"{self._notes.name}, {self._unit} {number}", self._notes)

    def _choose(self, row: Mapping[str, Any]) -> str:
        kinds = {name: _kind(value) for name, value in row.items()}
        texts = [name for name, value in row.items() if isinstance(value, str | bytes | None)]
        filled = [name for name in texts if row[name] is not None]
        named = {str(name).strip().lower() for name in row}.intersection(STORY_COLUMNS)
        return choose_column(kinds, texts if named else filled, self._notes)


def as_story(value: object, where: str, notes: Notes) -> str | None:
    """The text of a value; None for a null.

    Raises:
        CorpusError: it is no text.
    """
    if value is None or (isinstance(value, float) and isnan(value)):  # NaN: pandas' null
        return None
    if isinstance(value, str):
        return value
    if isinstance(value, bytes):
        return decoded_whole(value, notes)
    raise CorpusError(
        f"{where}: {_kind(value)} {value!r:.40} where a story was expected: strings, or objects "
        "with 'text', 'story' or 'content'"
    )


def looks_like_number(cells: Iterable[str]) -> bool:
    """Whether all cells that are not empty are numbers."""
    filled = [cell.strip() for cell in cells if cell.strip()]
    return bool(filled) and all(_is_number(cell) for cell in filled)


def _is_number(cell: str) -> bool:
    try:
        float(cell)
    except ValueError:
        return False
    return True


def _kind(value: object) -> str:
    kinds = {str: "text", bytes: "bytes", bool: "a truth value", int: "a number", float: "a number"}
    kinds |= {list: "a list", dict: "an object", type(None): "null"}
    return kinds.get(type(value), type(value).__name__)
