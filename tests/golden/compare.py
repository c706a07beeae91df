"""What differs between a golden table and one taken now."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence

from golden.tables import Row

# Loops that sum in another order, other instructions, other threads move the sixth digit; fp64 in
# place of fp32, which is the most that rounding can matter, moves most numbers by 1e-6 and a rank
# by one (test_precision.py). A changed formula, seed, split or threshold moves far more. So a
# number may change by a thousandth of itself, and a small one by 1/5,000 of the largest of its
# column.
RELATIVE, OF_LARGEST = 1e-3, 2e-4
# A bound of a ratio of two small effects moves with the ratios of single resamples, where the lower
# effect may be near 0: on an EPYC one moved by .002 of its interval's width. Another seed of the
# bootstrap moves bounds by some hundredths.
OF_WIDTH = 5e-3
# A neuron with an activation at its threshold gains or loses a hit; other whole numbers are exact.
COUNTS = {"hits", "types", "words"}
PER_HIT = {"tag_precision", "tag_recall", "purity", "lift", "word_share"}  # shares of the hits
HIT_ROWS = 0.02  # of the rows may have one hit more or less


def differences(golden: Sequence[Row], now: Sequence[Row], keys: Sequence[str]) -> list[str]:
    """A line for each cell that differs by more than its tolerance; labels must be the same."""
    if len(golden) != len(now) or list(golden[0]) != list(now[0]):
        return [f"{len(golden)} rows of {list(golden[0])}, now {len(now)} of {list(now[0])}"]
    largest = {name: _largest(golden, name) for name in golden[0]}
    pairs = list(zip(golden, now, strict=True))
    moved = [_hit_moved(before, after) for before, after in pairs]
    allowed = sum(moved) <= HIT_ROWS * len(pairs)
    return [
        f"{' '.join(before[key] for key in keys)}: {name} was {before[name]}, is {after[name]}"
        for (before, after), of_hits in zip(pairs, moved, strict=True)
        for name in _differing(before, after, largest)
        if not (allowed and of_hits and name in COUNTS | PER_HIT)
    ]


def alike(before: str, after: str, room: float = 0.0) -> bool:
    """Whether a cell is as it was, as far as it must be: a number may move by ``room``.

    >>> alike("mixed", "sink"), alike("0.5", "0.50001"), alike("0.5", ""), alike("7", "8")
    (False, True, False, False)
    """
    try:
        old, new = float(before), float(after)
    except ValueError:
        return before == after
    if before.isdigit():
        return old == new
    return math.isclose(old, new, rel_tol=RELATIVE, abs_tol=room)


def _differing(before: Row, after: Row, largest: dict[str, float]) -> Iterator[str]:
    for name in before:
        room = max(OF_LARGEST * largest[name], OF_WIDTH * _width(before, name))
        if not alike(before[name], after[name], room):
            yield name


def _width(row: Row, name: str) -> float:
    """The width of the interval that a column is a bound of; 0 for others, or if not known."""
    stem = name.removesuffix("_low").removesuffix("_high")
    bounds = [row.get(f"{stem}_{end}", "") for end in ("low", "high")]
    return float(bounds[1]) - float(bounds[0]) if stem != name and all(bounds) else 0.0


def _largest(rows: Sequence[Row], name: str) -> float:
    found = 0.0
    for row in rows:
        try:
            found = max(found, abs(float(row[name])))
        except ValueError:
            continue
    return found


def _hit_moved(before: Row, after: Row) -> bool:
    """Whether a neuron has one hit more or less than it had."""
    return "hits" in before and abs(int(before["hits"]) - int(after["hits"])) == 1
