"""The word that each token belongs to, by the characters that both cover."""

from __future__ import annotations

from enum import IntEnum

import numpy as np
from jaxtyping import Int


class Part(IntEnum):
    """How a token relates to the words it overlaps."""

    NONE = 0
    WHOLE = 1
    START = 2
    CONTINUATION = 3
    SEVERAL = 4


def align(
    offsets: Int[np.ndarray, "position two"],
    starts: Int[np.ndarray, " word"],
    ends: Int[np.ndarray, " word"],
) -> tuple[Int[np.ndarray, " position"], Int[np.ndarray, " position"]]:
    """For every token the index of its word (-1: none or several) and its :class:`Part`.

    Args:
        offsets: the characters ``[start, end)`` of every token; empty for end-of-text. They never
            decrease; tokens that are parts of one character share its offsets.
        starts: first character of every word, ascending.
        ends: one past the last character of every word.
    """
    first = np.searchsorted(ends, offsets[:, 0], side="right")
    last = np.searchsorted(starts, offsets[:, 1], side="left") - 1
    n_words = np.where(offsets[:, 1] > offsets[:, 0], last - first + 1, 0)
    one = n_words == 1
    words = np.where(one, first, -1)
    begun = np.zeros(len(offsets), dtype=bool)  # an earlier token has a part of the word
    begun[1:] = (n_words[:-1] > 0) & (last[:-1] >= first[1:])
    begun[one] |= offsets[one, 0] > starts[first[one]]
    continued = np.zeros(len(offsets), dtype=bool)  # a later token has
    continued[:-1] = (n_words[1:] > 0) & (first[1:] <= last[:-1])
    continued[one] |= offsets[one, 1] < ends[first[one]]
    parts = np.full(len(offsets), Part.NONE, dtype=np.int64)
    parts[n_words > 1] = Part.SEVERAL
    parts[one] = Part.WHOLE
    parts[one & continued] = Part.START
    parts[one & begun] = Part.CONTINUATION
    return words, parts
