from __future__ import annotations

import numpy as np
import pytest
from reference import auroc
from scipy import stats

from tinyinterp.statistics import (
    auroc_of_counts,
    block_bootstrap,
    percentile_interval,
    q_values,
    ratio_interval,
    resample,
    wilson_interval,
)


def test_auroc_of_groups_equals_that_of_their_members():
    random = np.random.default_rng(0)
    scores, groups = random.integers(0, 5, 13).astype(float), random.integers(0, 13, 211)
    positive = random.random(211) < 0.3
    positives = np.bincount(groups[positive], minlength=13).astype(float)
    negatives = np.bincount(groups[~positive], minlength=13).astype(float)
    whole = auroc(scores[groups], positive)
    assert auroc_of_counts(scores, positives, negatives) == pytest.approx(whole)


def test_bootstrap_of_a_mean_is_its_usual_interval():
    random = np.random.default_rng(6)
    sums = 3 + random.standard_normal((61, 5))
    low, high = block_bootstrap(lambda a, n: a / n, sums, np.ones((61, 1)))
    error = sums.std(axis=0, ddof=1) / np.sqrt(61)
    assert low == pytest.approx(sums.mean(axis=0) - 1.96 * error, abs=0.06)
    assert high == pytest.approx(sums.mean(axis=0) + 1.96 * error, abs=0.06)


def test_bootstrap_is_repeatable_and_leaves_out_empty_blocks():
    sums = np.random.default_rng(7).random(7)
    padded = np.insert(sums, [2, 5, 7], 0.0)
    same = block_bootstrap(np.divide, sums, sums**0)
    again = block_bootstrap(np.divide, padded, (padded > 0).astype(float))
    assert same == again
    assert same != block_bootstrap(np.divide, sums, sums**0, seed=1)


@pytest.mark.parametrize("blocks", [np.zeros(5), np.array([0.0, 3, 0])])
def test_bootstrap_knows_nothing_from_one_block(blocks: np.ndarray):
    assert block_bootstrap(lambda a: a, blocks) == (-np.inf, np.inf)


def test_resampling_draws_as_many_units_as_there_are():
    present = np.array([True, False, True, True, False])
    weights = resample(present, 0, 500)
    assert (weights.sum(1) == 3).all()
    assert not weights[:, ~present].any()
    np.testing.assert_allclose(weights[:, present].mean(0), 1, atol=0.15)
    assert not resample(np.zeros(5, dtype=bool), 0, 7).any()
    random = np.random.default_rng(0)
    assert (resample(present, random, 500) == weights).all()
    assert (resample(present, random, 500) != weights).any()  # the generator goes on


def test_an_interval_is_of_the_replicates_that_are_known():
    values = np.random.default_rng(0).standard_normal((997, 3))
    values[::5, 1] = np.nan
    values[:, 2] = np.nan
    low, high = percentile_interval(values)
    expected = np.nanpercentile(values[:, :2], [2.5, 97.5], axis=0)
    np.testing.assert_allclose([low[:2], high[:2]], expected)
    assert (low[2], high[2]) == (-np.inf, np.inf)


def test_ratio_interval():
    hits = np.array([[4.0, 0, 5], [3, 0, 0], [4, 0, 0], [2, 0, 0]])
    trials = np.array([[5.0, 0, 5], [5, 0, 0], [5, 0, 0], [5, 0, 0]])
    low, high = ratio_interval(hits, trials)
    assert 0.45 <= low[0] < 0.65 < high[0] <= 0.8
    assert (low[1], high[1]) == (0, 1)  # never tried
    assert (low[2], high[2]) == (0, 1)  # in one block only


def test_wilson_interval():
    low, high = wilson_interval(np.array([8.0, 0, 0]), np.array([10.0, 10, 0]))
    reference = stats.binomtest(8, 10).proportion_ci(method="wilson")
    assert (low[0], high[0]) == pytest.approx((reference.low, reference.high))
    assert low[1] == pytest.approx(0, abs=1e-12)
    assert (low[2], high[2]) == (0, 1)


def test_q_values_of_a_matrix_are_over_all_of_it():
    p = np.array([[0.001, 0.5], [0.02, 0.04]])
    assert q_values(p) == pytest.approx(np.array([[0.004, 0.5], [0.04, 0.16 / 3]]))


def test_false_discovery_rates_and_quantiles_are_scipys():
    random = np.random.default_rng(12)
    p = np.round(random.random((7, 31)), 2)  # with ties
    found = q_values(p)
    assert found.shape == p.shape
    np.testing.assert_allclose(found, stats.false_discovery_control(p.ravel()).reshape(p.shape))
    low, high = wilson_interval(np.array([3.0]), np.array([11.0]), confidence=0.9)
    expected = stats.binomtest(3, 11).proportion_ci(0.9, method="wilson")
    assert (low[0], high[0]) == pytest.approx((expected.low, expected.high), rel=1e-12)
