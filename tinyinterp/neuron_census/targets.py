"""What a token may be told by: its own tag, that of the next word, that of the word before."""

from __future__ import annotations

import numpy as np
from jaxtyping import Int

from tinyinterp.corpus import Sequence
from tinyinterp.speech import NO_TAG, TAGS, SpeechReader

CURRENT, NEXT, PREVIOUS = "current", "next", "previous"
SIDES = (CURRENT, NEXT, PREVIOUS)
N_TARGETS = len(SIDES) * len(TAGS)  # a target is a side and a tag; all tags of a side come together
OWN = range(len(TAGS))
FOLLOWING = range(len(TAGS), 2 * len(TAGS))


def side_of(target: int) -> str:
    """Which word the target is about."""
    return SIDES[target // len(TAGS)]


def tag_of(target: int) -> str:
    """The tag that this word has."""
    return TAGS[target % len(TAGS)]


def read_targets(speech: SpeechReader, sequence: Sequence) -> Int[np.ndarray, "row three"]:
    """The targets of every token after the end-of-text; below 0 where there is none.

    A token that is not scored (a continuation, a space) has none, a word at the edge of its story
    no neighbour.
    """
    read, story = speech.tokens(sequence), speech.words(sequence.story)
    scored = (read.tags != NO_TAG) & (read.words > 0)
    before = np.full(len(read.tags), NO_TAG)
    before[scored] = story.tags[read.words[scored] - 1]
    sides = np.stack([read.tags, read.next_tags, before], axis=1)[1:]
    return np.where(sides == NO_TAG, -1, sides + len(TAGS) * np.arange(len(SIDES)))
