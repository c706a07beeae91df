from __future__ import annotations

import math
from dataclasses import replace

import pytest

from tinyinterp.neuron_census.labels import Evidence, TagShare, decide
from tinyinterp.statistics import Interval


def share(low: float, value: float, high: float) -> Interval:
    return Interval(value, low, high)


LOW = share(0.1, 0.2, 0.3)
HIGH = share(0.85, 0.9, 0.95)
ACROSS = share(0.75, 0.82, 0.88)
UNKNOWN = share(math.nan, math.nan, math.nan)
MIXED = Evidence(
    largest=2.0,
    smallest=-0.17,
    position=LOW,
    hits=1000,
    types=40,
    one_type=0.1,
    few_types=LOW,
    own=TagShare(2, LOW, 4.0),
    following=TagShare(17, LOW, 4.0),
    stories=100,
)
NOUN = TagShare(0, HIGH, 5.0)
THEN_VERB = TagShare(17, HIGH, 5.0)


@pytest.mark.parametrize(
    ("kind", "target", "changes"),
    [
        ("mixed", None, {}),
        ("dead", None, {"largest": 0.0}),
        ("dead", None, {"largest": 2.0, "smallest": 2.0 - 1e-7}),
        ("dead", None, {"largest": 0.0, "hits": 0, "stories": 1}),
        ("position", None, {"position": HIGH, "few_types": HIGH, "own": NOUN}),
        ("position", None, {"position": HIGH, "hits": 3}),
        ("undetermined", None, {"position": share(0.45, 0.55, 0.6)}),
        ("undetermined", None, {"position": share(0.3, 0.45, 0.51)}),
        ("undetermined", None, {"hits": 49, "few_types": HIGH}),
        ("undetermined", None, {"stories": 15, "own": NOUN}),
        ("word", None, {"few_types": HIGH, "own": NOUN}),
        ("word", None, {"few_types": HIGH, "types": 2}),
        ("undetermined", None, {"few_types": ACROSS, "own": NOUN}),
        ("part-of-speech", 0, {"own": NOUN, "following": THEN_VERB}),
        ("undetermined", None, {"own": replace(NOUN, share=ACROSS)}),
        ("mixed", None, {"own": replace(NOUN, lift=1.9)}),
        ("mixed", None, {"own": NOUN, "types": 7}),
        ("mixed", None, {"own": NOUN, "one_type": 0.51}),
        ("part-of-speech", 0, {"own": NOUN, "types": 8, "one_type": 0.5}),
        ("next-word", 17, {"following": THEN_VERB}),
        ("undetermined", None, {"following": replace(THEN_VERB, share=ACROSS)}),
        ("mixed", None, {"following": THEN_VERB, "types": 7}),
        ("undetermined", None, {"largest": math.nan}),
        ("undetermined", None, {"smallest": math.nan, "largest": 0.0}),
        ("undetermined", None, {"largest": math.inf}),
        ("undetermined", None, {"position": UNKNOWN}),
        ("undetermined", None, {"few_types": UNKNOWN, "own": NOUN}),
        ("undetermined", None, {"own": replace(NOUN, share=UNKNOWN)}),
        ("undetermined", None, {"own": replace(NOUN, lift=math.nan, share=UNKNOWN)}),
        ("undetermined", None, {"following": replace(THEN_VERB, share=UNKNOWN)}),
    ],
)
def test_the_first_test_that_holds_decides(kind: str, target: int | None, changes: dict):
    label = decide(replace(MIXED, **changes))
    assert (label.kind, label.target) == (kind, target)
