"""Means over stories as lines for a terminal: a line for each measure, a column for each model."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from tinyinterp.io.table import is_known
from tinyinterp.views.style import DASH

MODELS_A_BLOCK = 3  # side by side on a line of 100 characters
LONGEST_NAME = 20  # characters of a model's


def measure_blocks(
    rows: Sequence[Mapping[str, Any]], measures: Mapping[str, str], digits: int = 3
) -> list[tuple[list[str], list[list[str]]]]:
    """Header and lines of a block for each share and each three models.

    Args:
        rows: with ``model``, ``share``, ``measure``, ``value``, ``low`` and ``high``.
        measures: what to show, in order, and how each is called; one that no model has is left out.
        digits: after the point.
    """
    cells = {(row["share"], row["model"], row["measure"]): row for row in rows}
    blocks = []
    for share in dict.fromkeys(row["share"] for row in rows):
        models = list(dict.fromkeys(row["model"] for row in rows if row["share"] == share))
        for at in range(0, len(models), MODELS_A_BLOCK):
            part = models[at : at + MODELS_A_BLOCK]
            lines = []
            for measure, shown in measures.items():
                found = [cells.get((share, model, measure)) for model in part]
                if any(row and is_known(row["value"]) for row in found):
                    lines.append([shown, *(cell(row, digits) for row in found)])
            blocks.append(([f"prompt: {share}", *map(short_name, part)], lines))
    return blocks


def cell(row: Mapping[str, Any] | None, digits: int = 3) -> str:
    """A mean with its interval; a dash where it is not known.

    >>> cell({"value": 0.4312, "low": 0.41, "high": 0.4551})
    '0.431 [0.410, 0.455]'
    """
    if row is None or not is_known(row["value"]):
        return DASH
    digits = digits if abs(row["value"]) < 10 else 1
    value = f"{row['value']:.{digits}f}"
    if not (is_known(row["low"]) and is_known(row["high"])):
        return value
    return f"{value} [{row['low']:.{digits}f}, {row['high']:.{digits}f}]"


def short_name(name: str) -> str:
    """A model's name, or the end of it, where it heads a column."""
    return name if len(name) <= LONGEST_NAME else "…" + name[1 - LONGEST_NAME :]
