"""Pages of prose and tables as Markdown, which the studies write."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence

from tinyinterp.io.lines import WIDTH


def paragraph(text: str) -> str:
    """``text`` in lines of at most ``WIDTH`` characters."""
    return textwrap.fill(text, WIDTH, break_on_hyphens=False, break_long_words=False)


def table(header: Sequence[str], lines: Sequence[Sequence[object]]) -> str:
    """A table, a string a line.

    >>> print(table(["a", "b"], [[1, "x"]]))
    | a | b |
    | --- | --- |
    | 1 | x |
    """
    rows = [header, ["---"] * len(header), *lines]
    return "\n".join("| " + " | ".join(map(str, row)) + " |" for row in rows)
