"""The targets of a token: the tag of its own word, of the next word and of the previous one."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from jaxtyping import Int

from tinyinterp.tagging import NO_TAG, TagReader, TagSet
from tinyinterp.text.sequences import Sequence

CURRENT, NEXT, PREVIOUS = "current", "next", "previous"
SIDES = (CURRENT, NEXT, PREVIOUS)


@dataclass(frozen=True)
class Targets:
    """All targets of a tag set, numbered side by side: every tag of ``SIDES[0]``, then the next.

    >>> from tinyinterp.tagging import UNIVERSAL
    >>> targets = Targets(UNIVERSAL)
    >>> target = targets.following[2]
    >>> target, targets.side_of(target), targets.tag_of(target)
    (17, 'next', 'VERB')
    """

    tag_set: TagSet

    @property
    def n(self) -> int:
        """How many there are."""
        return len(SIDES) * len(self.tag_set)

    @property
    def own(self) -> range:
        """Those of the word itself."""
        return range(len(self.tag_set))

    @property
    def following(self) -> range:
        """Those of the next word."""
        return range(len(self.tag_set), 2 * len(self.tag_set))

    def side(self, target: int) -> int:
        """The index of the target's side in ``SIDES``."""
        return target // len(self.tag_set)

    def side_of(self, target: int) -> str:
        """The target's side: whose tag it is."""
        return SIDES[self.side(target)]

    def tag_of(self, target: int) -> str:
        """The target's tag."""
        return self.tag_set.names[target % len(self.tag_set)]


def read_targets(tag_reader: TagReader, sequence: Sequence) -> Int[np.ndarray, "row three"]:
    """The targets of every token after the end-of-text; below 0 where there is none.

    A token that is not scored (a continuation, a space) has no target. The first word of a story
    has no previous word, the last no next.
    """
    read, story = tag_reader.tokens(sequence), tag_reader.words(sequence.story)
    scored = (read.tags != NO_TAG) & (read.words > 0)
    before = np.full(len(read.tags), NO_TAG)
    before[scored] = story.tags[read.words[scored] - 1]
    sides = np.stack([read.tags, read.next_tags, before], axis=1)[1:]
    return np.where(sides == NO_TAG, -1, sides + len(tag_reader.tag_set) * np.arange(len(SIDES)))
