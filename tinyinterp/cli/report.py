"""What commands print: results on standard output, everything else on standard error."""

from __future__ import annotations

import json
import math
import os
import sys
import textwrap
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import typer

from tinyinterp.io.lines import WIDTH
from tinyinterp.io.progress import say
from tinyinterp.processes import writes

UNBROKEN = "\u00a0"  # a space at which no line is broken


def say_written(folder: Path, paths: Sequence[Path]) -> None:
    """Which files a command wrote; those in a folder inside are only counted."""
    inside = [path.relative_to(folder).parts for path in paths]
    names = [parts[0] for parts in inside if len(parts) == 1]
    counts = Counter(parts[0] for parts in inside if len(parts) > 1)
    names += [f"{name}/ ({count} files)" for name, count in sorted(counts.items())]
    say(f"wrote {len(paths)} files in {folder}:")
    say(textwrap.fill(", ".join(names), WIDTH, initial_indent="  ", subsequent_indent="  "))


def without_nan(value: Any) -> Any:
    """Something that JSON holds, null for what is not finite: JSON has no NaN and no infinity.

    >>> without_nan({"low": [math.nan, 0.5], "high": math.inf})
    {'low': [None, 0.5], 'high': None}
    """
    if isinstance(value, dict):
        return {key: without_nan(inside) for key, inside in value.items()}
    if isinstance(value, (list, tuple)):
        return [without_nan(inside) for inside in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value


def print_json(content: dict[str, Any]) -> None:
    """The one JSON object that a command prints with ``--json``; what is not known is null."""
    if not writes():
        return
    text = json.dumps(without_nan(content), ensure_ascii=False, indent=1, allow_nan=False)
    typer.echo(text, file=sys.stdout)


def shown_interval(row: Mapping[str, Any], low: str, high: str, form: str = ".2f") -> str:
    """An interval of a table in words; *unknown* where there is none."""
    from tinyinterp.io.table import is_known

    if not (is_known(row[low]) and is_known(row[high])):
        return "unknown"
    return f"{row[low]:{form}} to {row[high]:{form}}"


def print_lines(lines: Iterable[str]) -> None:
    """Lines of a result, in colour where it goes to a terminal, unless NO_COLOR is set."""
    if not writes():
        return
    color = False if os.environ.get("NO_COLOR") else None
    for line in lines:
        typer.echo(line, file=sys.stdout, color=color)


def columns(header: Sequence[str], rows: Sequence[Sequence[Any]]) -> list[str]:
    """Lines of a small table: words to the left, numbers to the right, the last column wrapped.

    >>> columns(["part", "parameters"], [["blocks", 28342272], ["output", 768]])
    ['part    parameters', 'blocks  28,342,272', 'output         768']
    """
    cells = [[_cell(value) for value in row] for row in rows]
    widths = [max(map(len, column)) for column in zip(header, *cells, strict=True)]
    right = [all(isinstance(row[c], (int, float)) for row in rows) for c in range(len(header))]
    lines = []
    for line in [list(header), *cells]:
        *first, last = (
            cell.rjust(width) if to_right else cell.ljust(width)
            for cell, width, to_right in zip(line, widths, right, strict=True)
        )
        lead = "".join(f"{cell}  " for cell in first)
        lines += textwrap.wrap(
            f"{lead}{last}".rstrip(),
            WIDTH,
            subsequent_indent=" " * len(lead),
            break_on_hyphens=False,
        )
    return lines


def kind_lines(rows: Iterable[dict[str, Any]], counted: str, detail: str) -> list[str]:
    """A line for each kind: how many, what share, and the most frequent values of ``detail``.

    Args:
        rows: of a census, with a column ``kind``.
        counted: what a row is, in the plural, for the header.
        detail: a column whose values are counted within each kind; empty ones are left out.
    """
    rows = list(rows)
    kinds = Counter(row["kind"] for row in rows)
    lines = []
    for kind, count in sorted(kinds.items(), key=lambda item: (-item[1], item[0])):
        inside = Counter(row[detail] for row in rows if row["kind"] == kind and row[detail])
        ranked = sorted(inside.items(), key=lambda item: (-item[1], item[0]))
        whole = [f"{value} {number}".replace(" ", UNBROKEN) for value, number in ranked[:8]]
        named = ", ".join(whole)
        more = f", and {len(ranked) - 8} more" if len(ranked) > 8 else ""
        lines.append([kind, count, f"{count / len(rows):.0%}", named + more])
    table = columns(["kind", counted, "share", detail.replace("_", " ")], lines)
    return [line.replace(UNBROKEN, " ") for line in table]


def _cell(value: Any) -> str:
    return f"{value:,}" if isinstance(value, int) else str(value)
