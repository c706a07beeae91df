"""From counts to kinds: the decision table of neurons, with all of its thresholds.

A *hit* is a TEST token at which a neuron reaches half of its largest FIT activation. The tests are
tried in order; the first that holds decides:

    largest activation <= 0, or range < 1e-6                          dead
    position explains at least half of the variance                   position
    at most 3 token types make 80 % of the hits                       word
    one tag makes 80 % of the hits, with lift >= 2, on at least 8
    types, none of them with more than half of the hits               part-of-speech
    the same for the tag of the next word                             next-word
    otherwise                                                         mixed

*Lift* is a tag's share of the hits over its share of all tokens. A hit on a token that is not
scored (a continuation, a space) counts against every tag.

A neuron is *undetermined* if it has fewer than 50 hits, or if the 95 % interval of the first share
that could decide contains its threshold: on other text that test might hold, and no later one would
be tried. If fewer than 16 stories were counted, every neuron that is not dead is undetermined, and
so is a neuron with a NaN among the numbers that a test looks at.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from tinyinterp.statistics import Interval

DEAD = "dead"
POSITION = "position"
WORD = "word"
PART_OF_SPEECH = "part-of-speech"
NEXT_WORD = "next-word"
MIXED = "mixed"
UNDETERMINED = "undetermined"


@dataclass(frozen=True)
class Thresholds:
    """The numbers in the decision table."""

    range: float = 1e-6
    position: float = 0.5
    stories: int = 16
    hits: int = 50
    word_types: int = 3
    share: float = 0.8  # of the hits, for three types or one tag
    lift: float = 2.0
    types: int = 8
    one_type: float = 0.5  # of the hits, at most, for one type


THRESHOLDS = Thresholds()


@dataclass(frozen=True)
class TagShare:
    """The tag with the largest share of the hits."""

    target: int
    share: Interval
    lift: float


@dataclass(frozen=True)
class Evidence:
    """The numbers that decide the label of a neuron."""

    largest: float
    smallest: float
    position: Interval  # share of the variance that position explains
    hits: int
    types: int  # token types among the hits
    one_type: float  # share of the hits with the most frequent type
    few_types: Interval  # share of the hits with the three most frequent types
    own: TagShare
    following: TagShare  # of the next word
    stories: int  # that were counted


@dataclass(frozen=True)
class Label:
    """A kind, and the target that decided it, if one did."""

    kind: str
    target: int | None = None


def decide(evidence: Evidence) -> Label:
    """Apply the decision table."""
    t = THRESHOLDS
    if not math.isfinite(evidence.largest - evidence.smallest):
        return Label(UNDETERMINED)
    if evidence.largest <= 0 or evidence.largest - evidence.smallest < t.range:
        return Label(DEAD)
    if evidence.stories < t.stories:
        return Label(UNDETERMINED)
    enough = evidence.hits >= t.hits
    tests = [(evidence.position, t.position, Label(POSITION))]
    if enough:
        tests.append((evidence.few_types, t.share, Label(WORD)))
        if evidence.types >= t.types and evidence.one_type <= t.one_type:
            for kind, tag in ((PART_OF_SPEECH, evidence.own), (NEXT_WORD, evidence.following)):
                if not tag.lift < t.lift:  # a NaN might be as large
                    tests.append((tag.share, t.share, Label(kind, tag.target)))
    for share, threshold, label in tests:
        if not share.high < threshold:
            return label if share.low >= threshold else Label(UNDETERMINED)
    return Label(MIXED if enough else UNDETERMINED)
