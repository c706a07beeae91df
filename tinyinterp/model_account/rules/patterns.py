"""Patterns of at most four tokens: how one is stored, and which ones end at each token of a text.

A pattern asks something of a token and of the up to three tokens before it. Each of these four
*slots* asks for a token, for a part of speech or for nothing; the slot of the token itself always
asks for one of the two, so that there are 2 * 3 * 3 * 3 forms. What a slot asks for is a number of
16 bits, 0 for nothing, and the pattern is all four of them in one integer of 64 bits.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import product

import numpy as np
from jaxtyping import Bool, Int, UInt64

from tinyinterp.neuron_census.activations import Rows
from tinyinterp.text.sequences import Sequence as TokenSequence

SLOTS = 4  # slot 0 is the token itself, slot 1 the one before
BITS = 16  # of what a slot asks for
ANY, TAG, TOKEN = 0, 1, 2
Form = tuple[int, ...]  # ANY, TAG or TOKEN for each slot

TagsOf = Callable[[TokenSequence], Int[np.ndarray, " position"]]


def _plainest_first(form: Form) -> tuple[int, int, list[int]]:
    """Few demands, a short reach, tokens rather than tags, these near the token itself."""
    asked = [slot for slot in range(SLOTS) if form[slot] != ANY]
    return len(asked), asked[-1], [-kind for kind in form]


FORMS: tuple[Form, ...] = tuple(
    sorted(
        (form for form in product((ANY, TAG, TOKEN), repeat=SLOTS) if form[0] != ANY),
        key=_plainest_first,
    )
)
DEMANDS = np.array([sum(kind != ANY for kind in form) for form in FORMS], dtype=np.int64)


@dataclass(frozen=True)
class Words:
    """What a slot may ask for, by number: nothing, then the tags, then the commonest tokens.

    Args:
        n_tags: tags of the tag set.
        types: token ids, ascending.
        n_vocab: token ids that the model has.
    """

    n_tags: int
    types: Int[np.ndarray, " kind"]
    n_vocab: int

    @classmethod
    def of_text(cls, tokens: Int[np.ndarray, " row"], n_tags: int, n_vocab: int) -> Words:
        """The token types of a text; the commonest ones if there are more than numbers."""
        counts = np.bincount(tokens, minlength=n_vocab)
        commonest = np.argsort(-counts, kind="stable")[: (1 << BITS) - 1 - n_tags]
        return cls(n_tags, np.sort(commonest[counts[commonest] > 0]), n_vocab)

    def of_tokens(self, tokens: Int[np.ndarray, "row slot"]) -> Int[np.ndarray, "row slot"]:
        """The numbers of tokens; 0 for those that have none, and for -1."""
        return self._numbers[tokens]

    @cached_property
    def _numbers(self) -> Int[np.ndarray, " token"]:
        numbers = np.zeros(self.n_vocab + 1, dtype=np.int64)  # the last for no token at all
        numbers[self.types] = 1 + self.n_tags + np.arange(len(self.types))
        return numbers

    def kind(self, number: int) -> int:
        """Whether a number asks for nothing, for a tag or for a token."""
        return ANY if number == 0 else TAG if number <= self.n_tags else TOKEN

    def tag(self, number: int) -> int:
        """The tag that a number asks for."""
        return number - 1

    def token(self, number: int) -> int:
        """The token id that a number asks for."""
        return int(self.types[number - 1 - self.n_tags])


@dataclass(frozen=True)
class Surroundings:
    """The tokens of a text, each with those before it; -1 where the sequence has none.

    The end-of-text in front of a sequence is a token like any other here, but has no tag.
    """

    tokens: Int[np.ndarray, "row slot"]
    tags: Int[np.ndarray, "row slot"]

    @classmethod
    def of(cls, rows: Rows, tags_of: TagsOf) -> Surroundings:
        """Those of the rows of a micro-batch."""
        tokens = [_slots(sequence.tokens) for sequence in rows.sequences]
        tags = [_slots(tags_of(sequence)) for sequence in rows.sequences]
        return cls(np.concatenate(tokens), np.concatenate(tags))

    def numbers(self, words: Words) -> Numbers:
        """What each slot has of what can be asked for."""
        return Numbers(self.tags + 1, words.of_tokens(self.tokens))


@dataclass(frozen=True)
class Numbers:
    """The numbers of the tag and of the token in each slot of each row; 0 where there is none."""

    tags: Int[np.ndarray, "row slot"]
    tokens: Int[np.ndarray, "row slot"]

    def patterns(self, form: Form) -> tuple[UInt64[np.ndarray, " row"], Bool[np.ndarray, " row"]]:
        """The pattern of a form that ends at each row, and whether there is one."""
        found = np.zeros(len(self.tags), dtype=np.uint64)
        there = np.ones(len(self.tags), dtype=bool)
        for slot, kind in enumerate(form):
            if kind != ANY:
                numbers = (self.tags if kind == TAG else self.tokens)[:, slot]
                found |= numbers.astype(np.uint64) << np.uint64(BITS * slot)
                there &= numbers > 0
        return found, there


def slots_of(pattern: int) -> tuple[int, ...]:
    """What each slot of a pattern asks for, the token itself first.

    >>> slots_of(5 | 9 << 32)
    (5, 0, 9, 0)
    """
    return tuple(pattern >> BITS * slot & (1 << BITS) - 1 for slot in range(SLOTS))


def _slots(values: Sequence[int] | Int[np.ndarray, " position"]) -> Int[np.ndarray, "row slot"]:
    """The value at each position after the first and those before it; -1 before the first."""
    padded = np.concatenate([np.full(SLOTS - 1, -1), values])
    return np.lib.stride_tricks.sliding_window_view(padded, SLOTS)[1:, ::-1].astype(np.int64)
