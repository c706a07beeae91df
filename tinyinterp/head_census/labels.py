"""From numbers to labels: the decision table, with all of its thresholds in one place.

The tests are tried in order and the first that holds decides:

    induction I >= .4                         semantic, induction
    duplicate D >= .2                         semantic, duplicate-token
    sink S >= .9                              sink
    contrast C < .05                          diffuse
    max(F, V) >= .6                           positional
    max(F, V) <= .4                           semantic
    otherwise                                 mixed

The role of a semantic head that neither test on repetition decided is what it looks at
(:mod:`tinyinterp.head_census.looked_at`), if its lift is at least 2 with the lower end of the
interval above 1.5, and if it explains at least 2.5 % of what position leaves unexplained. The last
condition excludes what is true but says next to nothing: of 128 heads of random models with scaled
query and key weights, those that met the first two explained 1.9 % at most.

A label whose deciding number has a 95 % interval across its threshold is *undetermined*, and so is
every label measured on fewer than 16 sequences, or where a number that is needed is NaN.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum
from itertools import pairwise

import numpy as np
from jaxtyping import Float, Int


@dataclass(frozen=True)
class Thresholds:
    """What the tests compare with."""

    induction: float = 0.4
    duplicate: float = 0.2
    sink: float = 0.9
    contrast: float = 0.05
    positional: float = 0.6
    semantic: float = 0.4
    sequences: int = 16
    one_distance: float = (
        0.5  # of a full row of the kernel: current-token, previous-token, offset-d
    )
    lift: float = 2.0  # of what a semantic head looks at, to be its role
    lift_low: float = 1.5  # the lower end of its interval must be above
    tells: float = 0.025  # share of what position leaves unexplained that it must explain


THRESHOLDS = Thresholds()


class Decision(IntEnum):
    """Which line of the table decided."""

    INDUCTION = 0
    DUPLICATE = 1
    SINK = 2
    DIFFUSE = 3
    POSITIONAL = 4
    SEMANTIC = 5
    MIXED = 6
    UNKNOWN = 7  # none: a number that the next test needs is NaN


UNDETERMINED = "undetermined"
KIND = {
    Decision.INDUCTION: "semantic",
    Decision.DUPLICATE: "semantic",
    Decision.SINK: "sink",
    Decision.DIFFUSE: "diffuse",
    Decision.POSITIONAL: "positional",
    Decision.SEMANTIC: "semantic",
    Decision.MIXED: "mixed",
    Decision.UNKNOWN: UNDETERMINED,
}
NEAREST = "nearest: "  # before the kind, in the role of an undetermined head
QUANTITY = {  # the deciding quantity of each test, as the column ``decided_by`` names it
    Decision.INDUCTION: "induction",
    Decision.DUPLICATE: "duplicate_token",
    Decision.SINK: "sink",
    Decision.DIFFUSE: "contrast",
    Decision.POSITIONAL: "max(position, place)_explained",
    Decision.SEMANTIC: "max(position, place)_explained",
    Decision.MIXED: "max(position, place)_explained",
}
ALIKE = 0.95  # two values of a kernel in this ratio or nearer count as the same


@dataclass(frozen=True)
class Quantities:
    """The numbers that the table needs, of any shape: heads, or bootstrap replicates of heads."""

    induction: Float[np.ndarray, "*shape"]
    duplicate: Float[np.ndarray, "*shape"]
    sink: Float[np.ndarray, "*shape"]
    contrast: Float[np.ndarray, "*shape"]
    position_explained: Float[np.ndarray, "*shape"]  # F; NaN for an exactly uniform head
    place_explained: Float[np.ndarray, "*shape"]  # V

    @property
    def explained(self) -> Float[np.ndarray, "*shape"]:
        """max(F, V); NaN where either is."""
        return np.maximum(self.position_explained, self.place_explained)

    def deciding(self, test: Decision) -> Float[np.ndarray, "*shape"]:
        """The values of the quantity that ``test`` looks at."""
        return {
            Decision.INDUCTION: self.induction,
            Decision.DUPLICATE: self.duplicate,
            Decision.SINK: self.sink,
            Decision.DIFFUSE: self.contrast,
        }.get(test, self.explained)


def decide(numbers: Quantities) -> Int[np.ndarray, "*shape"]:
    """The first test that holds, as :class:`Decision` values; elementwise.

    ``UNKNOWN`` where a test that comes before has a NaN to look at: it might have held.
    """
    explained = numbers.explained
    holds = {
        Decision.INDUCTION: numbers.induction >= THRESHOLDS.induction,
        Decision.DUPLICATE: numbers.duplicate >= THRESHOLDS.duplicate,
        Decision.SINK: numbers.sink >= THRESHOLDS.sink,
        Decision.DIFFUSE: numbers.contrast < THRESHOLDS.contrast,
        Decision.POSITIONAL: explained >= THRESHOLDS.positional,
        Decision.SEMANTIC: explained <= THRESHOLDS.semantic,
    }
    conditions, choices = [], []
    for test, held in holds.items():
        conditions += [np.isnan(numbers.deciding(test)), held]
        choices += [int(Decision.UNKNOWN), int(test)]
    return np.select(conditions, choices, default=int(Decision.MIXED))


def first_unknown(numbers: Quantities, at: tuple[int, int]) -> str:
    """The first quantity of the table that is NaN for one head, as ``decided_by`` names it."""
    unknown = (QUANTITY[test] for test in QUANTITY if np.isnan(numbers.deciding(test)[at]))
    return next(unknown, "")


def decision_of(decided_by: str, kind: str, role: str) -> Decision | None:
    """The test that decided, from the columns of the heads table; None for another rule than this.

    Args:
        decided_by: the name of the deciding quantity.
        kind: of the head.
        role: of the head; of an undetermined one it names the nearest kind.

    >>> decision_of("contrast", "undetermined", "nearest: diffuse")
    <Decision.DIFFUSE: 3>
    """
    kind = role.removeprefix(NEAREST) if kind == UNDETERMINED else kind
    for test, quantity in QUANTITY.items():
        if (quantity, KIND[test]) == (decided_by, kind):
            return test
    return None


def limits_of(test: Decision) -> tuple[float, ...]:
    """The thresholds that bound the deciding quantity of ``test``."""
    return {
        Decision.INDUCTION: (THRESHOLDS.induction,),
        Decision.DUPLICATE: (THRESHOLDS.duplicate,),
        Decision.SINK: (THRESHOLDS.sink,),
        Decision.DIFFUSE: (THRESHOLDS.contrast,),
        Decision.POSITIONAL: (THRESHOLDS.positional,),
        Decision.SEMANTIC: (THRESHOLDS.semantic,),
        Decision.MIXED: (THRESHOLDS.semantic, THRESHOLDS.positional),
        Decision.UNKNOWN: (),
    }[test]


def straddles(test: Decision, low: float, high: float) -> bool:
    """Whether the interval of the deciding quantity crosses a threshold of ``test``."""
    return any(low < threshold <= high for threshold in limits_of(test))


def positional_role(kernel: Float[np.ndarray, " distance"]) -> str:
    """The role of a positional head from its kernel over distances (which sums to 1)."""
    top = int(kernel.argmax())
    if kernel[top] >= THRESHOLDS.one_distance:
        return {0: "current-token", 1: "previous-token"}.get(top, f"offset-{top}")
    return "local-decay" if falls(kernel) else "absolute"


def falls(kernel: Float[np.ndarray, " distance"]) -> bool:
    """Whether a kernel falls with distance, at once or step by step.

    Its means over 0, 1, 2-3, 4-7, 8-15, ... are compared, as far as 99 % of its mass reaches and
    one further: from the largest on, which must be one of the first three, none is larger than the
    one before and the last is at most half of the largest. Differences below 5 % do not count, so
    that uniform attention to the last 8 keys also falls.
    """
    reach = int(np.searchsorted(kernel.cumsum(), 0.99)) + 1
    edges = [0, 1]
    while edges[-1] < len(kernel) and edges[-2] < reach:
        edges.append(2 * edges[-1])
    means = np.array([kernel[a:b].mean() for a, b in pairwise(edges)])
    peak = int((means >= ALIKE * means.max()).argmax())
    after = means[peak:]
    return peak < 3 and bool((after[1:] * ALIKE <= after[:-1]).all() and after[-1] <= after[0] / 2)
