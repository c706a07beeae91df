from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from tinyinterp.statistics import (
    Interval,
    auroc,
    auroc_interval,
    auroc_of_counts,
    block_bootstrap,
    q_values,
    rank_tests,
    ratio_interval,
    wilson_interval,
)


def pairwise(scores: np.ndarray, positive: np.ndarray) -> float:
    """AUROC as it is defined."""
    above = scores[positive][:, None] - scores[~positive][None, :]
    return float(((above > 0) + 0.5 * (above == 0)).mean())


@given(st.lists(st.tuples(st.integers(-4, 4), st.booleans()), min_size=2, max_size=30))
def test_auroc_is_the_share_of_pairs_in_order(samples: list[tuple[int, bool]]):
    scores = np.array([float(score) for score, _ in samples])
    positive = np.array([label for _, label in samples])
    if positive.all() or not positive.any():
        assert auroc(scores, positive) == 0.5
        return
    expected = pairwise(scores, positive)
    assert auroc(scores, positive) == pytest.approx(expected)
    n, m = positive.sum(), (~positive).sum()
    u = stats.mannwhitneyu(scores[positive], scores[~positive]).statistic
    assert expected == pytest.approx(u / (n * m))


def test_auroc_of_groups_equals_that_of_their_members():
    random = np.random.default_rng(0)
    scores, groups = random.integers(0, 5, 13).astype(float), random.integers(0, 13, 211)
    positive = random.random(211) < 0.3
    positives = np.bincount(groups[positive], minlength=13).astype(float)
    negatives = np.bincount(groups[~positive], minlength=13).astype(float)
    whole = auroc(scores[groups], positive)
    assert auroc_of_counts(scores, positives, negatives) == pytest.approx(whole)


def test_rank_tests_are_auroc_for_every_item_and_class():
    random = np.random.default_rng(1)
    scores = random.integers(0, 9, (151, 7)).astype(float)
    classes, blocks = random.integers(-1, 3, 151), random.integers(0, 11, 151)
    found = rank_tests(stats.rankdata(scores, axis=0), classes, 5, blocks)
    for item in range(7):
        for label in range(3):
            expected = pairwise(scores[:, item], classes == label)
            assert found.auroc[label, item] == pytest.approx(expected)
    assert (found.auroc[3:] == 0.5).all()  # classes that nothing has
    assert (found.p[3:] == 1).all()


def test_p_values_are_even_where_nothing_is_to_be_found():
    """Stories share their scores, so that tests which took tokens for independent would fail."""
    random = np.random.default_rng(2)
    n_blocks, per_block, n_items = 61, 13, 997
    blocks = np.repeat(np.arange(n_blocks), per_block)
    scores = random.standard_normal((n_blocks, n_items))[blocks] + 0.1 * random.standard_normal(
        (len(blocks), n_items)
    )
    rates = random.random(n_blocks)[blocks]  # the label too differs between stories
    classes = np.where(random.random(len(blocks)) < rates, 0, -1)
    p = rank_tests(stats.rankdata(scores, axis=0), classes, 1, blocks).p[0]
    assert 0.03 < (p < 0.05).mean() < 0.075
    assert 0.45 < (p < 0.5).mean() < 0.55


def test_p_values_find_what_is_there():
    random = np.random.default_rng(3)
    classes, blocks = random.integers(0, 2, 401), random.integers(0, 23, 401)
    scores = np.stack([classes + random.standard_normal(401), classes], axis=1)
    p = rank_tests(stats.rankdata(scores, axis=0), classes, 2, blocks).p
    assert (p < 1e-6).all()
    one_block = rank_tests(stats.rankdata(scores, axis=0), classes, 2, np.zeros(401, dtype=int))
    assert (one_block.p == 1).all()


def test_constant_scores_are_no_finding():
    found = rank_tests(
        stats.rankdata(np.ones((30, 1)), axis=0), np.arange(30) % 2, 2, np.arange(30)
    )
    assert found.auroc.tolist() == [[0.5], [0.5]]
    assert found.p.tolist() == [[1.0], [1.0]]


def test_no_samples_are_no_finding():
    nothing = np.zeros(0, dtype=np.int64)
    found = rank_tests(np.zeros((0, 3)), nothing, 2, nothing)
    assert (found.auroc == 0.5).all()
    assert (found.p == 1).all()


def delong(scores: np.ndarray, positive: np.ndarray) -> float:
    """The standard error of DeLong, DeLong and Clarke-Pearson (1988), samples independent."""
    above = scores[positive][:, None] - scores[~positive][None, :]
    wins = (above > 0) + 0.5 * (above == 0)
    of_positives, of_negatives = wins.mean(axis=1), wins.mean(axis=0)
    return np.sqrt(
        of_positives.var(ddof=1) / len(of_positives) + of_negatives.var(ddof=1) / len(of_negatives)
    )


def test_with_a_block_for_each_sample_the_interval_is_delongs():
    random = np.random.default_rng(4)
    positive = random.random(2003) < 0.3
    scores = np.round(positive + random.standard_normal(2003), 1)
    found = auroc_interval(stats.rankdata(scores), positive, np.arange(2003))
    assert found.value == pytest.approx(pairwise(scores, positive))
    half = (found.high - found.low) / 2
    assert half == pytest.approx(1.96 * delong(scores, positive), rel=0.01)


def test_the_interval_covers_the_truth_when_stories_are_alike():
    random = np.random.default_rng(5)
    blocks = np.repeat(np.arange(53), 11)
    truth = stats.norm.cdf(1 / np.sqrt(2 * 1.25))
    inside = 0
    for _ in range(200):
        positive = random.random(len(blocks)) < 0.4
        story = 0.5 * random.standard_normal(53)[blocks]
        scores = positive + story + random.standard_normal(len(blocks))
        found = auroc_interval(stats.rankdata(scores), positive, blocks)
        inside += found.low <= truth <= found.high
    assert 180 <= inside <= 199


@pytest.mark.parametrize("positive", [[True] * 4, [False] * 4])
def test_one_side_empty_leaves_everything_open(positive: list[bool]):
    found = auroc_interval(np.arange(1.0, 5), np.array(positive), np.arange(4))
    assert found == Interval(0.5, 0.0, 1.0)


def test_one_block_leaves_everything_open_but_the_value():
    found = auroc_interval(np.arange(1.0, 5), np.arange(4) > 1, np.zeros(4, dtype=int))
    assert found == Interval(1.0, 0.0, 1.0)


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
