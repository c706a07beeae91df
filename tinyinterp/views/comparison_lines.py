"""A comparison as lines: a line for each measure, a column for each of three models."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from tinyinterp.io.table import is_known
from tinyinterp.views.story_measures import MODELS_A_BLOCK, cell, short_name
from tinyinterp.views.style import DASH

Row = Mapping[str, Any]
# What is shown with its interval: the line, the column, and how those of its bounds begin.
MEASURES = (
    ("bits per byte", "bits_per_byte", "bits"),
    ("  above the first", "bits_above_first", "bits_above_first"),
    ("nats per token", "nats_per_token", "nats"),
    ("  above the first", "nats_above_first", "nats_above_first"),
    ("prompts answered", "prompts_answered", "prompts"),
    ("original, precision", "original_precision", "original_precision"),
    ("other completions, F", "self_f", "self_f"),
    ("repeated 4-grams", "repeated_4grams", "repeated_4grams"),
    ("distinct-2", "distinct_2_in_all", "distinct_2_in_all"),
    ("account, recovered", "account_recovered", "account"),
)
PLAIN = ("parameters", "vocabulary")


def comparison_lines(rows: Sequence[Row]) -> list[list[str]]:
    """What each line says of these models; a line that is known of none is left out."""
    lines = [[name, *(f"{row[name]:,}" for row in rows)] for name in PLAIN]
    for name, column, bounds in MEASURES:
        if any(is_known(row.get(column)) for row in rows):
            lines.append([name, *(_measured(row, column, bounds) for row in rows)])
    for part in ("heads", "neurons"):
        columns = [c for c in rows[0] if c.startswith(f"{part}_")]
        for column in columns:
            if any(row[column] for row in rows):
                name = column.replace("_", ": ", 1).replace("_", "-")
                lines.append([name, *(_share(row, part, column) for row in rows)])
    return lines


def comparison_blocks(rows: Sequence[Row]) -> list[tuple[list[str], list[list[str]]]]:
    """Header and lines of a block for each three models."""
    parts = [rows[at : at + MODELS_A_BLOCK] for at in range(0, len(rows), MODELS_A_BLOCK)]
    return [
        (["", *(short_name(row["model"]) for row in part)], comparison_lines(part))
        for part in parts
    ]


def _measured(row: Row, column: str, bounds: str) -> str:
    value = {"value": row.get(column)}
    return cell(value | {"low": row.get(f"{bounds}_low"), "high": row.get(f"{bounds}_high")})


def _share(row: Row, part: str, column: str) -> str:
    if not is_known(row[column]):
        return DASH
    return f"{row[column]:,} ({row[column] / row[part]:.0%})"
