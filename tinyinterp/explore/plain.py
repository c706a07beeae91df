"""Answers as JSON."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from typing import Any

from torch import Tensor

DIGITS = 6


def as_json(value: Any) -> bytes:
    """An answer as JSON, in ASCII.

    >>> as_json({"a": float("nan"), "b": (1.23456789, 2)})
    b'{"a":null,"b":[1.23457,2]}'
    """
    return json.dumps(plain(value), separators=(",", ":"), allow_nan=False).encode()


def plain(value: Any) -> Any:
    """The same value in what JSON knows; a number that is none becomes null."""
    if isinstance(value, float):
        return float(f"{value:.{DIGITS}g}") if math.isfinite(value) else None
    if isinstance(value, Tensor):
        return plain(value.tolist())
    if isinstance(value, Mapping):
        return {str(key): plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [plain(item) for item in value]
    return value
