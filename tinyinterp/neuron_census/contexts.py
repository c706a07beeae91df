"""The words around a hit: a reading of the text for the tokens that made it into a list."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from jaxtyping import Int

from tinyinterp.corpus import Corpus, Sequence
from tinyinterp.neuron_census.rows import STORY_SHIFT, token_ids
from tinyinterp.speech import NO_TAG, TAGS, SpeechReader, TokenTags

CONTEXT = 5  # tokens on each side


@dataclass(frozen=True)
class Hit:
    """A token with its surroundings, as text."""

    token: str
    before: str
    after: str
    tag: str  # "" where the token is not scored
    story: int
    position: int  # in the story, whose first token has 1


def find_hits(corpus: Corpus, speech: SpeechReader, ids: Int[np.ndarray, " hit"]) -> dict[int, Hit]:
    """The tokens of these ids, each with up to five tokens of its sequence on either side."""
    wanted = np.unique(ids)
    found: dict[int, Hit] = {}
    for sequence in corpus.sequences():
        present = token_ids(sequence)
        first, last = np.searchsorted(wanted, (present[0], present[-1] + 1))
        if first == last:
            continue
        tags = speech.tokens(sequence)
        for number in wanted[first:last].tolist():
            index = number - int(present[0]) + 1
            found[number] = _hit(corpus, sequence, tags, index, number)
    return found


def _hit(corpus: Corpus, sequence: Sequence, tags: TokenTags, index: int, number: int) -> Hit:
    tokens = sequence.tokens.tolist()
    tag = int(tags.tags[index])
    return Hit(
        token=corpus.tokenizer.token_text(tokens[index]),
        before=corpus.tokenizer.decode(tokens[max(1, index - CONTEXT) : index]),
        after=corpus.tokenizer.decode(tokens[index + 1 : index + 1 + CONTEXT]),
        tag="" if tag == NO_TAG else TAGS[tag],
        story=number >> STORY_SHIFT,
        position=number & ((1 << STORY_SHIFT) - 1),
    )
