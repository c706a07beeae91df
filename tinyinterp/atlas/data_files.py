"""Data as scripts: what a page can load from disk, where a browser refuses to fetch files."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

from tinyinterp.io.files import write_text
from tinyinterp.views.page import json_block

DIGITS = 4  # significant digits of numbers that are only looked at


def write_data(folder: Path, name: str, data: Any) -> None:
    """Write ``data/NAME.js``, which hands ``data`` to the page that loads it."""
    write_text(folder / "data" / f"{name}.js", f'atlas.put("{name}",{json_block(data)});\n')


def short(value: float | None) -> float | int | None:
    """A number in few digits; None for one that is not known.

    >>> short(0.123456), short(2.0), short(float("nan"))
    (0.1235, 2, None)
    """
    if value is None or not math.isfinite(value):
        return None
    rounded = float(f"{value:.{DIGITS}g}")
    return int(rounded) if rounded.is_integer() else rounded
