from __future__ import annotations

import base64

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from tinyinterp.views.quantise import STEPS, UNKNOWN, pack_pattern


def unpack(packed: str, n_tokens: int) -> np.ndarray:
    """As the page does it."""
    codes = np.frombuffer(base64.b64decode(packed), np.uint8).astype(np.float64)
    pattern = np.zeros((n_tokens, n_tokens))
    at = 0
    for query in range(n_tokens):
        for key in range(query + 1):
            pattern[query, key] = np.nan if codes[at] == UNKNOWN else (codes[at] / STEPS) ** 2
            at += 1
    assert at == len(codes)
    return pattern


@given(
    arrays.arrays(np.float64, st.integers(1, 11).map(lambda n: (n, n)), elements=st.floats(0, 1))
)
def test_a_weight_is_off_by_no_more_than_is_said(weights: np.ndarray):
    causal = np.tril(weights)
    error = np.abs(unpack(pack_pattern(weights), len(weights)) - causal)
    assert (error <= np.sqrt(causal) / STEPS + 1 / (4 * STEPS**2) + 1e-12).all()
    assert error.max() < 0.004


def test_nothing_and_everything_are_exact_and_what_is_no_number_stays_so():
    pattern = np.array([[1.0, 9.0, 9.0], [0.0, 1.0, 9.0], [np.nan, 0.25, np.inf]])
    expected = np.array([[1.0, 0.0, 0.0], [0.0, 1.0, 0.0], [np.nan, 0.25, np.nan]])
    np.testing.assert_array_equal(unpack(pack_pattern(pattern), 3), expected)
