"""How a head's label was decided, in words: the tests in their order, and how sure the last is.

Nothing is decided here. Which test gave the label is read off the table (``decided_by``, ``kind``
and ``role``), since its numbers are rounded and may lie on a threshold that the exact ones missed.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

from tinyinterp.head_census.labels import (
    NEAREST,
    QUANTITY,
    THRESHOLDS,
    UNDETERMINED,
    Decision,
    limits_of,
)
from tinyinterp.io.table import is_known

MOST_DIGITS = 4  # of a percentage, where it takes that many to tell it from the threshold
UNKNOWN = "unknown"
Row = Mapping[str, Any]


class FirstTest(NamedTuple):
    """A test that comes before position: what it measures, and what it asks for."""

    decision: Decision
    words: str
    needed: str


FIRST_TESTS = (
    FirstTest(
        Decision.INDUCTION,
        "Induction: on repeated random tokens, {} of its attention goes to the token that followed "
        "the earlier copy (I; {} needed)",
        f"at least {THRESHOLDS.induction:.0%}",
    ),
    FirstTest(
        Decision.DUPLICATE,
        "Duplicate token: {} goes to the earlier copy itself (D; {} needed)",
        f"at least {THRESHOLDS.duplicate:.0%}",
    ),
    FirstTest(
        Decision.SINK,
        "Sink: on stories, {} of its attention goes to the first token (S; {} needed)",
        f"at least {THRESHOLDS.sink:.0%}",
    ),
    FirstTest(
        Decision.DIFFUSE,
        "Diffuse: without the first token, it departs from uniform attention by {} of the maximum "
        "(C; {} needed)",
        f"less than {THRESHOLDS.contrast:.0%}",
    ),
)
POSITION_WORDS = {
    Decision.POSITIONAL: f"at least {THRESHOLDS.positional:.0%} makes a head positional",
    Decision.SEMANTIC: f"at most {THRESHOLDS.semantic:.0%} makes a head semantic",
    Decision.MIXED: f"between {THRESHOLDS.semantic:.0%} and {THRESHOLDS.positional:.0%} a head is "
    "mixed",
}


def label_words(row: Row) -> str:
    """Kind and role in words."""
    if row["kind"] == UNDETERMINED:
        return f"{UNDETERMINED} ({row['role']})" if row["role"] else UNDETERMINED
    return f"{row['kind']}, {row['role']}" if row["role"] else row["kind"]


def test_words(row: Row, found: Decision) -> str:
    """What the tests said, in their order, as far as the one that decided."""
    said = ["The tests, in order."]
    for test in FIRST_TESTS:
        passed = test.decision is found
        value = row[QUANTITY[test.decision]]
        share = _share(value, test.decision, passed=passed) if is_known(value) else UNKNOWN
        verdict = "yes, which decides" if passed else "no"
        said.append(f"{test.words.format(share, test.needed)}: {verdict}.")
        if passed:
            return " ".join(said)
    by_distance, by_position = row["position_explained"], row["place_explained"]
    best = max((v for v in (by_distance, by_position) if is_known(v)), default=None)
    share = UNKNOWN if best is None else _share(best, found, passed=True)
    said.append(
        f"Position explains {share} of that departure (by distance, F = {shown(by_distance)}; by "
        f"absolute position, V = {shown(by_position)}): {POSITION_WORDS[found]}."
    )
    return " ".join(said)


def _share(value: float, test: Decision, *, passed: bool) -> str:
    """A percentage with as many digits as set it apart from the thresholds of its test.

    The table rounds: a number that stands exactly on a threshold may have missed it.
    """
    limits = limits_of(test)
    if value in limits:
        missed = {
            Decision.DIFFUSE: passed,
            Decision.POSITIONAL: False,
            Decision.SEMANTIC: False,
            Decision.MIXED: True,
        }.get(test, not passed)
        beside = "just above " if test is Decision.MIXED and value == limits[0] else "just below "
        return f"{beside if missed else ''}{value:.0%}"
    for digits in range(MOST_DIGITS):
        said = f"{value:.{digits}%}"
        if said not in [f"{limit:.{digits}%}" for limit in limits]:
            return said
    return f"{value:.{MOST_DIGITS}%}"


def certainty(row: Row, found: Decision) -> str:
    """The deciding number with its interval, how stable the label is, and its q."""
    limits = [f"{limit:g}" for limit in limits_of(found)]
    said = (
        f"The deciding number is {shown(row['value'])}, with a 95% interval from "
        f"{shown(row['low'])} to {shown(row['high'])}"
    )
    if row["kind"] == UNDETERMINED:
        said += f": the threshold {' or '.join(limits)} lies inside it, or the text is too short."
    elif found is Decision.MIXED:
        said += f", between the thresholds {' and '.join(limits)}."
    else:
        said += f", on one side of the threshold {' or '.join(limits)}."
    if is_known(row["stability"]):
        kind = row["role"].removeprefix(NEAREST) if row["kind"] == UNDETERMINED else row["kind"]
        said += f" {row['stability']:.0%} of the resamples of the stories give {kind}."
    if is_known(row["q_value"]):
        said += f" Against randomly initialised models, q = {shown(row['q_value'])}."
    return said


def shown(value: float | None, form: str = ".3g") -> str:
    """A number, of three digits or in another form, or that it is not known."""
    return f"{value:{form}}" if value is not None and is_known(value) else UNKNOWN
