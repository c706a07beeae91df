"""What a text holds, counted without the model."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

import numpy as np
from jaxtyping import Int

from tinyinterp.text.corpus import Corpus, Side


@dataclass(frozen=True)
class Survey:
    """The size of a text, and what it consists of."""

    tokens: int  # of all sequences, the end-of-text in front included
    text_tokens: int  # without the end-of-text
    fit_stories: int
    test_stories: int
    counted: int  # tokens that are counted: of TEST, without end-of-text
    types: Int[np.ndarray, " kind"]  # token ids that occur, ascending
    digest: str  # SHA-256 over the stories

    @property
    def split(self) -> bool:
        """Whether both sides have stories; if not, the whole text serves as both."""
        return self.fit_stories > 0 and self.test_stories > 0

    @property
    def counted_stories(self) -> int:
        """Stories that everything reported but the extremes rests on."""
        return self.test_stories if self.split else self.fit_stories + self.test_stories


def survey(corpus: Corpus) -> Survey:
    """Count tokens, stories by side, and token types."""
    tokens = 0
    counted = dict.fromkeys(Side, 0)
    stories = dict.fromkeys(Side, 0)
    occurs = np.zeros(0, dtype=bool)
    digest = hashlib.sha256()
    for sequence in corpus.sequences():
        tokens += len(sequence.tokens)
        counted[sequence.side] += len(sequence.tokens) - 1
        most = int(sequence.tokens.max()) + 1
        if most > len(occurs):
            occurs = np.append(occurs, np.zeros(most - len(occurs), dtype=bool))
        occurs[sequence.tokens[1:]] = True
        if sequence.start == 0:
            stories[sequence.side] += 1
            digest.update(sequence.story.encode("utf-8", "surrogatepass") + b"\0")
    split = all(stories.values())
    return Survey(
        tokens,
        sum(counted.values()),
        stories[Side.FIT],
        stories[Side.TEST],
        counted[Side.TEST] if split else sum(counted.values()),
        np.flatnonzero(occurs),
        digest.hexdigest(),
    )
