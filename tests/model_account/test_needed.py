"""The lowest rung that is enough, where every rung up to it is known."""

from __future__ import annotations

import numpy as np
import pytest

from tinyinterp.model_account.judged import Shares, needed
from tinyinterp.model_account.ladder import CONTEXT, LADDER

NAMES = tuple("abcdefgh"[:LADDER])
NAN = float("nan")


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ((0.9, 0.9, 0.9), "a"),
        ((0.1, 0.9, 0.9), "b"),
        ((0.1, 0.2, 0.3), CONTEXT),
        ((NAN, NAN, NAN), ""),
        ((NAN, 0.9, 0.9), ""),  # the first might have been enough
        ((0.1, 0.2, NAN), ""),
        ((0.9, NAN, NAN), "a"),  # none above was needed
    ],
)
def test_a_rung_that_is_not_known_decides_nothing(values, expected):
    column = np.full((LADDER, 1), values[-1])
    column[: len(values), 0] = values
    shares = Shares(column, column - 0.01, column + 0.01)
    assert needed(shares, NAMES, 0.8, 0.7) == [expected]
