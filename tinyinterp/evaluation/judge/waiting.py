"""How long to wait before the next attempt: doubling, with seeded jitter, or as the server asks."""

from __future__ import annotations

import math
from collections.abc import Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

import numpy as np

FIRST_WAIT = 1.0  # seconds before the second attempt
LONGEST_WAIT = 30.0  # of our own
HOPELESS_WAIT = 120.0  # a server that asks for more is given up


def backoff(attempt: int, seed: tuple[int, ...]) -> float:
    """Seconds after an attempt, counted from 0: half to all of a time that doubles.

    >>> [round(backoff(attempt, (0, attempt)), 1) for attempt in (0, 1, 9)]
    [0.8, 1.9, 23.5]
    """
    whole = min(LONGEST_WAIT, FIRST_WAIT * 2**attempt)
    return whole * (0.5 + 0.5 * np.random.default_rng(seed).random())


def asked_wait(headers: Mapping[str, str]) -> float:
    """Seconds that ``Retry-After`` asks for, as a number or a date; 0 without one.

    >>> asked_wait({"retry-after": "3"}), asked_wait({"retry-after": "soon"}), asked_wait({})
    (3.0, 0.0, 0.0)
    """
    said = headers.get("retry-after", "").strip()
    try:
        seconds = float(said)
    except ValueError:
        seconds = _until(said)
    return max(0.0, seconds) if math.isfinite(seconds) else 0.0


def _until(date: str) -> float:
    try:
        when = parsedate_to_datetime(date)
    except ValueError:
        return 0.0
    if when.tzinfo is None:
        when = when.replace(tzinfo=UTC)
    return (when - datetime.now(UTC)).total_seconds()
