from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from reference import auroc, auroc_interval, rank_tests
from scipy import stats

from tinyinterp.statistics import Interval


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
