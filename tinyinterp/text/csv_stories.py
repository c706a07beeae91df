"""Stories in CSV, as pandas and Kaggle write it: a header, quoted cells, cells of several lines."""

from __future__ import annotations

import csv
import re
from collections.abc import Iterable, Iterator
from itertools import chain, islice

from tinyinterp.errors import CorpusError
from tinyinterp.text.columns import STORY_COLUMNS, choose_column, looks_like_number
from tinyinterp.text.notes import Notes

DELIMITERS = (",", "\t", ";")
NO_DELIMITER = "\x1f"  # of a single column, whose cells need no quotation marks for their commas
ROWS_LOOKED_AT = 20  # for the columns of text
NAME = re.compile(r"(?!.*\.(?:\s|$))[\w .#/-]{0,40}")  # of a column: no sentence


def looks_like_csv(sample: str) -> bool:
    """Whether a text begins with a header that names a column of stories, and rows under it."""
    head, _, rest = sample.lstrip().partition("\n")
    header = _header(head)
    names = [name.strip().lower() for name in header]
    if not rest.strip() or not any(name in STORY_COLUMNS for name in names):
        return False
    if not all(NAME.fullmatch(name) for name in header):
        return False
    # A story hardly ever begins with this word alone on a line.
    return len(header) > 1 or head.strip('"') in STORY_COLUMNS or rest.lstrip().startswith('"')


def read_csv(lines: Iterator[str], notes: Notes) -> Iterator[tuple[int, str | None]]:
    """The stories of a CSV file, each with the number of its line.

    Args:
        lines: of the file, without line ends.
        notes: of the text.

    Raises:
        CorpusError: it has no header, no column of stories, or a row that is not CSV.
    """
    before = 0
    head = ""
    for head in lines:
        before += 1
        if head.strip():
            break
    header = _header(head)
    delimiter = _delimiter(head, header)
    if not any(header) or not all(NAME.fullmatch(name.strip()) for name in header):
        raise CorpusError(
            f"{notes.name} has no header: its first line is {head[:40]!r}; put a line with the "
            "names of the columns first, 'text' for the stories"
        )
    rows = _records(lines, delimiter, before, notes.name)
    first = list(islice(rows, ROWS_LOOKED_AT))
    column = _column(header, [row for _, row in first], notes)
    for line, row in chain(first, rows):
        if len(row) > len(header):
            raise CorpusError(
                f"{notes.name}, line {line}: {len(row)} cells under a header of {len(header)}; a "
                "cell that holds a comma or a line break needs quotation marks around it"
            )
        yield line, row[column] if column < len(row) else None


def _records(
    lines: Iterable[str], delimiter: str, before: int, name: str
) -> Iterator[tuple[int, list[str]]]:
    reader = csv.reader(
        (f"{line}\n" for line in lines), delimiter=delimiter, strict=True, skipinitialspace=True
    )
    start = before + 1
    try:
        for row in reader:
            if row:
                yield start, row
            start = before + reader.line_num + 1
    except csv.Error as error:
        raise CorpusError(
            f"{name}, line {start}: not CSV ({error}); a quotation mark within a cell is written "
            "twice"
        ) from error


def _column(header: list[str], rows: list[list[str]], notes: Notes) -> int:
    kinds = {}
    for index, name in enumerate(header):
        cells = [row[index] for row in rows if index < len(row)]
        kinds[name] = "numbers" if looks_like_number(cells) else "text"
    texts = [name for name, kind in kinds.items() if kind == "text"]
    return header.index(choose_column(kinds, texts, notes))


def _header(line: str) -> list[str]:
    delimiter = max(DELIMITERS, key=line.count)
    try:
        return next(csv.reader([line], delimiter=delimiter, strict=True), [])
    except csv.Error:
        return []


def _delimiter(line: str, header: list[str]) -> str:
    return max(DELIMITERS, key=line.count) if len(header) > 1 else NO_DELIMITER
