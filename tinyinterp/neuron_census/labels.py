"""From counts to kinds: the decision table of neurons, with all of its thresholds in one place.

A *hit* is a TEST token on which a neuron reaches half of its largest FIT activation. The tests are
tried in order and the first that holds decides:

    largest activation <= 0, or range < 1e-6                          dead
    share of variance explained by position >= .5                     position
    at most 3 token types make 80 % of the hits                       word
    one tag makes >= 80 % of the hits, lift >= 2, at least 8 types,
    none of them more than half                                       part-of-speech
    the same for the tag of the word that comes next                  next-word
    otherwise                                                         mixed

*Lift* is a tag's share of the hits over its share of all tokens. A hit on a token that is not
scored (a continuation, a space) counts against every tag. A neuron with fewer than 50 hits is
*undetermined*, and so is one for which the 95 % interval of the first share that could decide lies
across its threshold (a share just short of it might hold on other text, and what comes after in the
table would not be asked), and all that was counted on fewer than 16 stories, dead neurons aside.
"""

from __future__ import annotations

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
    """What the tests compare with."""

    range: float = 1e-6
    position: float = 0.5
    stories: int = 16
    hits: int = 50
    word_types: int = 3
    share: float = 0.8  # of the hits, that three types or one tag make
    lift: float = 2.0
    types: int = 8
    one_type: float = 0.5  # of the hits, the most that one type may make


THRESHOLDS = Thresholds()


@dataclass(frozen=True)
class TagShare:
    """The tag that most hits have."""

    target: int
    share: Interval
    lift: float


@dataclass(frozen=True)
class Evidence:
    """All that the label of a neuron rests on."""

    largest: float
    smallest: float
    position: Interval  # share of variance explained by position
    hits: int
    types: int  # token types among the hits
    one_type: float  # share of the hits that the most frequent type makes
    few_types: Interval  # share that the most frequent three make
    own: TagShare
    following: TagShare  # of the word that comes next
    stories: int  # that all this was counted on


@dataclass(frozen=True)
class Label:
    """A kind, and the tag that decided it, if one did."""

    kind: str
    target: int | None = None


def decide(evidence: Evidence, thresholds: Thresholds = THRESHOLDS) -> Label:
    """Apply the table."""
    t = thresholds
    if evidence.largest <= 0 or evidence.largest - evidence.smallest < t.range:
        return Label(DEAD)
    if evidence.stories < t.stories:
        return Label(UNDETERMINED)
    if evidence.position.high >= t.position:
        return Label(POSITION if evidence.position.low >= t.position else UNDETERMINED)
    if evidence.hits < t.hits:
        return Label(UNDETERMINED)
    tests: list[tuple[Interval, Label]] = [(evidence.few_types, Label(WORD))]
    if evidence.types >= t.types and evidence.one_type <= t.one_type:
        for kind, tag in ((PART_OF_SPEECH, evidence.own), (NEXT_WORD, evidence.following)):
            if tag.lift >= t.lift:
                tests.append((tag.share, Label(kind, tag.target)))
    for share, label in tests:
        if share.high >= t.share:
            return label if share.low >= t.share else Label(UNDETERMINED)
    return Label(MIXED)
