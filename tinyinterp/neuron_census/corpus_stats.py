"""What a text consists of, counted without the model."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

import numpy as np
from jaxtyping import Int

from tinyinterp.text.corpus import Corpus
from tinyinterp.text.sequences import Side


@dataclass(frozen=True)
class CorpusStats:
    """The size of a text, the token types that occur in it, and a digest of its stories."""

    tokens: int  # of all sequences, the end-of-text in front included
    longest: int  # tokens of a sequence
    text_tokens: int  # without end-of-text
    fit_stories: int
    test_stories: int
    counted_tokens: int  # on TEST, without end-of-text; see :attr:`split`
    types: Int[np.ndarray, " kind"]  # token ids that occur, ascending
    digest: str  # SHA-256 over the stories

    @property
    def split(self) -> bool:
        """Whether both sides have stories; if not, the whole text is both FIT and TEST."""
        return self.fit_stories > 0 and self.test_stories > 0

    @property
    def counted_stories(self) -> int:
        """Stories on TEST: those behind every reported number except the extremes."""
        return self.test_stories if self.split else self.fit_stories + self.test_stories


def corpus_stats(corpus: Corpus) -> CorpusStats:
    """Count tokens, stories by side, and token types."""
    tokens = longest = 0
    text_tokens = dict.fromkeys(Side, 0)
    stories = dict.fromkeys(Side, 0)
    occurs = np.zeros(0, dtype=bool)
    digest = hashlib.sha256()
    for sequence in corpus.sequences():
        tokens += len(sequence.tokens)
        longest = max(longest, len(sequence.tokens))
        text_tokens[sequence.side] += len(sequence.tokens) - 1
        largest = int(sequence.tokens.max()) + 1
        if largest > len(occurs):
            occurs = np.append(occurs, np.zeros(largest - len(occurs), dtype=bool))
        occurs[sequence.tokens[1:]] = True
        if sequence.start == 0:
            stories[sequence.side] += 1
            digest.update(sequence.story.encode("utf-8", "surrogatepass") + b"\0")
    whole = sum(text_tokens.values())
    return CorpusStats(
        tokens=tokens,
        longest=longest,
        text_tokens=whole,
        fit_stories=stories[Side.FIT],
        test_stories=stories[Side.TEST],
        counted_tokens=text_tokens[Side.TEST] if all(stories.values()) else whole,
        types=np.flatnonzero(occurs),
        digest=digest.hexdigest(),
    )
