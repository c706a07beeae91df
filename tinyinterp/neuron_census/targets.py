"""What a token may be told by: its own tag, that of the next word, that of the word before."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from jaxtyping import Int

from tinyinterp.tagging import NO_TAG, SpeechReader, TagSet
from tinyinterp.text.corpus import Sequence

CURRENT, NEXT, PREVIOUS = "current", "next", "previous"
SIDES = (CURRENT, NEXT, PREVIOUS)


@dataclass(frozen=True)
class Targets:
    """All targets of a tag set, by number: a side and a tag each, all tags of a side together."""

    tag_set: TagSet

    @property
    def n(self) -> int:
        """How many there are."""
        return len(SIDES) * len(self.tag_set)

    @property
    def own(self) -> range:
        """Those about the word itself."""
        return range(len(self.tag_set))

    @property
    def following(self) -> range:
        """Those about the next word."""
        return range(len(self.tag_set), 2 * len(self.tag_set))

    def side(self, target: int) -> int:
        """Which of ``SIDES`` the target is about."""
        return target // len(self.tag_set)

    def side_of(self, target: int) -> str:
        """Which word the target is about."""
        return SIDES[self.side(target)]

    def tag_of(self, target: int) -> str:
        """The tag that this word has."""
        return self.tag_set.names[target % len(self.tag_set)]


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
    return np.where(sides == NO_TAG, -1, sides + len(speech.tag_set) * np.arange(len(SIDES)))
