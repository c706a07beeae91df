"""The softmax of causal scores in place, compiled: keys that a query may not see cost nothing.

A row is read up to its own query, in a local layer from the first key of its window, while it is in
the cache: its maximum, exponentials with their sum, then the quotients; the other keys get 0. This
replaces a mask, its fill and a softmax over all keys, three passes over the whole of the memory.
Exponentials are within 2e-6 of themselves (a polynomial of degree 7 after Cody and Waite's
reduction), as PyTorch's are. A row with a NaN or an infinite score is NaN.
"""

from __future__ import annotations

from functools import partial
from typing import no_type_check

import numpy as np
from jaxtyping import Float
from torch import Tensor

from tinyinterp.compiled import compiled, compiled_sum, in_parts

LEAST = np.float32(-87.0)  # e to the power of less is no normal number, and 0 here
LOG2_E = np.float32(1.44269504)
LN_2_HIGH, LN_2_LOW = np.float32(0.693359375), np.float32(-2.12194440e-4)  # their sum is ln 2
NEGATIVE_ORDER = np.int32(0x7FFFFFFF)  # bits that turn round for floats below 0 to sort as integers


def causal_softmax_(
    scores: Float[Tensor, "batch head query key"], window: int | None
) -> Float[Tensor, "batch head query key"]:
    """Turn fp32 scores on the CPU, as they lie in memory, into a pattern; returns the same tensor.

    The queries are the last of the keys' positions; each sees itself and what comes before it, in
    all not more than ``window`` keys.
    """
    rows = scores.view(-1, *scores.shape[2:]).numpy()
    reach = scores.shape[-1] if window is None else window
    in_parts(partial(_softmax_rows, rows, rows.view(np.int32), reach), len(rows))
    return scores


@compiled
@no_type_check
def _softmax_rows(scores, bits, window, first, last):
    """Rows of ``scores``, [pattern query key], whose memory ``bits`` shares as integers."""
    n_query, n_key = scores.shape[1:]
    for pattern in range(first, last):
        for query in range(n_query):
            stop = n_key - n_query + query + 1
            start = max(0, stop - window)
            scores[pattern, query, :start] = 0
            scores[pattern, query, stop:] = 0
            row = scores[pattern, query, start:stop]
            total = _exponentials(row, _largest(bits[pattern, query, start:stop]))
            share = np.float32(1) / total
            for key in range(len(row)):
                row[key] *= share


@compiled
@no_type_check
def _largest(bits):
    """The largest of some floats, by their bits; NaN if one is (with its sign bit unset)."""
    largest = np.int32(-0x80000000)
    for key in range(len(bits)):
        here = bits[key] ^ ((bits[key] >> np.int32(31)) & NEGATIVE_ORDER)
        largest = max(largest, here)
    return np.int32(largest ^ ((largest >> np.int32(31)) & NEGATIVE_ORDER)).view(np.float32)


@compiled_sum
@no_type_check
def _exponentials(row, top):
    """Replace each ``x`` by ``exp(x - top)``; returns their sum."""
    total = np.float32(0)
    for key in range(len(row)):
        below = row[key] - top
        x = LEAST if below < LEAST else below  # noqa: FURB136 - keeps a NaN
        power = np.rint(x * LOG2_E)
        r = x - power * LN_2_HIGH
        r = r - power * LN_2_LOW
        p = np.float32(1.9875691500e-4)
        p = p * r + np.float32(1.3981999507e-3)
        p = p * r + np.float32(8.3334519073e-3)
        p = p * r + np.float32(4.1665795894e-2)
        p = p * r + np.float32(1.6666665459e-1)
        p = p * r + np.float32(5.0000001201e-1)
        p = p * r * r + r + np.float32(1)
        two = np.int32((np.int32(power) + np.int32(127)) << np.int32(23)).view(np.float32)
        y = np.float32(0) if below < LEAST else p * two
        row[key] = y
        total += y
    return total
