from __future__ import annotations

import numpy as np
import pytest

from tinyinterp.head_census.labels import (
    Decision,
    Quantities,
    decide,
    decision_of,
    falls,
    first_unknown,
    positional_role,
    straddles,
)

NAMES = ("induction", "duplicate", "sink", "contrast", "position_explained", "place_explained")


def decided(*values):
    numbers = Quantities(**{n: np.array([v]) for n, v in zip(NAMES, values, strict=True)})
    return Decision(int(decide(numbers)[0]))


@pytest.mark.parametrize(
    ("values", "decision"),
    [  # I, D, S, C, F, V: each line of the table at its threshold and just beside it
        ((0.4, 0.9, 0.95, 0.01, 0.9, 0.9), Decision.INDUCTION),
        ((0.399, 0.2, 0.95, 0.01, 0.9, 0.9), Decision.DUPLICATE),
        ((0.399, 0.199, 0.9, 0.01, 0.9, 0.9), Decision.SINK),
        ((0.399, 0.199, 0.899, 0.049, 0.9, 0.9), Decision.DIFFUSE),
        ((0.399, 0.199, 0.899, 0.05, 0.6, 0.1), Decision.POSITIONAL),
        ((0.0, 0.0, 0.0, 0.05, 0.1, 0.6), Decision.POSITIONAL),
        ((0.0, 0.0, 0.0, 0.05, 0.599, 0.1), Decision.MIXED),
        ((0.0, 0.0, 0.0, 0.05, 0.1, 0.401), Decision.MIXED),
        ((0.0, 0.0, 0.0, 0.05, 0.4, 0.1), Decision.SEMANTIC),
        ((0.0, 0.0, 0.0, 0.05, -3.0, -9.0), Decision.SEMANTIC),
        ((0.0, 0.0, 0.0, 0.0, np.nan, np.nan), Decision.DIFFUSE),
        ((0.0, 0.0, 0.0, 0.5, np.nan, 0.7), Decision.UNKNOWN),
        ((np.nan, 0.9, 0.95, 0.01, 0.9, 0.9), Decision.UNKNOWN),
        ((0.0, np.nan, 0.95, 0.01, 0.9, 0.9), Decision.UNKNOWN),
        ((0.0, 0.0, np.nan, 0.01, 0.9, 0.9), Decision.UNKNOWN),
        ((0.0, 0.0, 0.0, np.nan, 0.9, 0.9), Decision.UNKNOWN),
        ((0.0, 0.0, 0.0, 0.5, np.nan, np.nan), Decision.UNKNOWN),
        ((0.4, np.nan, np.nan, np.nan, np.nan, np.nan), Decision.INDUCTION),  # none was needed
        ((0.0, 0.0, 0.9, np.nan, np.nan, np.nan), Decision.SINK),
    ],
)
def test_the_first_test_that_holds_decides(values, decision):
    assert decided(*values) is decision


@pytest.mark.parametrize(
    ("values", "named"),
    [
        ((np.nan, np.nan, 0.1, 0.1, 0.1, 0.1), "induction"),
        ((0.1, 0.1, np.nan, 0.1, 0.1, 0.1), "sink"),
        ((0.1, 0.1, 0.1, 0.1, np.nan, np.nan), "max(position, place)_explained"),
    ],
)
def test_what_is_unknown_is_named(values, named):
    numbers = Quantities(**{n: np.array([[v]]) for n, v in zip(NAMES, values, strict=True)})
    assert first_unknown(numbers, (0, 0)) == named
    assert decision_of(named, "undetermined", "") is None


def test_the_table_is_applied_elementwise():
    shape = (3, 5, 2)
    numbers = Quantities(*(np.random.default_rng(0).random(shape) for _ in NAMES))
    found = decide(numbers)
    assert found.shape == shape
    for at in np.ndindex(shape):
        assert found[at] == decided(*(getattr(numbers, name)[at] for name in NAMES))


@pytest.mark.parametrize(
    ("test", "low", "high", "crosses"),
    [
        (Decision.SINK, 0.89, 0.93, True),
        (Decision.SINK, 0.9, 0.93, False),  # the bound itself still is a sink
        (Decision.DIFFUSE, 0.01, 0.05, True),
        (Decision.DIFFUSE, 0.01, 0.049, False),
        (Decision.POSITIONAL, 0.59, 0.7, True),
        (Decision.SEMANTIC, 0.3, 0.41, True),
        (Decision.SEMANTIC, 0.3, 0.39, False),
        (Decision.MIXED, 0.41, 0.59, False),
        (Decision.MIXED, 0.41, 0.61, True),
        (Decision.MIXED, 0.39, 0.5, True),
        (Decision.INDUCTION, -np.inf, np.inf, True),
    ],
)
def test_an_interval_straddles_a_threshold(test, low, high, crosses):
    assert straddles(test, low, high) == crosses


def kernel(*weights, n=40):
    filled = np.zeros(n)
    filled[: len(weights)] = weights
    return filled / filled.sum()


@pytest.mark.parametrize(
    ("shape", "role"),
    [
        (kernel(0.6, 0.4), "current-token"),
        (kernel(0.2, 0.5, 0.3), "previous-token"),
        (kernel(0, 0, 0, 0, 0, 1), "offset-5"),
        (kernel(*np.exp(-np.arange(40) / 3)), "local-decay"),
        (kernel(*np.exp(-np.arange(40) / 15)), "local-decay"),
        (kernel(0.1, 0.49, *0.41 * np.exp(-np.arange(20) / 2)), "local-decay"),
        (kernel(1, 1, 1, 1, 1), "local-decay"),  # the last five alike
        (kernel(1.001, 1, 0.999, 1.002, 1, 1, 1, 1.003), "local-decay"),
        (kernel(*np.ones(40)), "absolute"),
        (kernel(*np.arange(40)), "absolute"),
        (kernel(*np.ones(4), *np.zeros(10), *np.ones(9)), "absolute"),
        (kernel(*np.zeros(9), 1, 1, 1, 1), "absolute"),
        (kernel(1, n=1), "current-token"),
    ],
)
def test_roles_of_kernels(shape, role):
    assert positional_role(shape) == role


def test_a_kernel_as_long_as_its_mass_reaches():
    for n in range(1, 20):
        assert falls(kernel(*0.5 ** np.arange(n), n=n)) == (n > 1)
