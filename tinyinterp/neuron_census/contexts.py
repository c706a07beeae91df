"""The words around a hit: a reading of the text for the tokens that made it into a list."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from jaxtyping import Int

from tinyinterp.neuron_census.kernels import STORY_SHIFT
from tinyinterp.neuron_census.rows import token_ids
from tinyinterp.tagging import NO_TAG, SpeechReader
from tinyinterp.text.corpus import Corpus, Sequence

CONTEXT = 5  # tokens on each side


@dataclass(frozen=True, slots=True)
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
    names: dict[int, str] = {}
    for sequence in corpus.sequences():
        present = token_ids(sequence)
        first, last = np.searchsorted(wanted, (present[0], present[-1] + 1))
        if first < last:
            found |= _hits(corpus, speech, sequence, wanted[first:last], names)
    return found


def _hits(
    corpus: Corpus,
    speech: SpeechReader,
    sequence: Sequence,
    numbers: Int[np.ndarray, " hit"],
    names: dict[int, str],
) -> dict[int, Hit]:
    """The hits in one sequence; ``names`` are texts of tokens that are known by now."""
    tokens, tags = sequence.tokens.tolist(), speech.tokens(sequence).tags.tolist()
    places = (numbers - int(token_ids(sequence)[0]) + 1).tolist()
    pieces = [tokens[max(1, i - CONTEXT) : i] for i in places]
    pieces += [tokens[i + 1 : i + 1 + CONTEXT] for i in places]
    texts = corpus.tokenizer.decode_batch(pieces)
    found = {}
    for index, (number, place) in enumerate(zip(numbers.tolist(), places, strict=True)):
        token = tokens[place]
        if token not in names:
            names[token] = corpus.tokenizer.token_text(token)
        found[number] = Hit(
            token=names[token],
            before=texts[index],
            after=texts[len(places) + index],
            tag="" if tags[place] == NO_TAG else speech.tag_set.names[tags[place]],
            story=number >> STORY_SHIFT,
            position=number & ((1 << STORY_SHIFT) - 1),
        )
    return found
