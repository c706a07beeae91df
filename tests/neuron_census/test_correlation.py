from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import pearsonr

from tinyinterp.neuron_census.activations import Rows
from tinyinterp.neuron_census.correlation import Correlation, TagSums, correlate
from tinyinterp.neuron_census.targets import Targets
from tinyinterp.tagging import UNIVERSAL

N_TAGS = len(UNIVERSAL)
TARGETS = Targets(UNIVERSAL)
NOTHING = (0.0, -1.0, 1.0)


def summed(values: np.ndarray, targets: np.ndarray, blocks: np.ndarray, parts: int = 1) -> TagSums:
    """The sums over rows that arrive in several parts, end-of-text rows between them."""
    sums = TagSums(values.shape[1], TARGETS)
    for part in np.array_split(np.arange(len(values)), parts):
        flat = np.full((2 * len(part) + 1, values.shape[1]), 1e6, dtype=np.float32)
        at = 2 * np.arange(len(part)) + 1
        flat[at] = values[part]
        rows = Rows((), at, part, part * 0, part * 0, blocks[part])
        sums.add(flat, rows, targets[part])
    return sums


def own_tags(tags: np.ndarray) -> np.ndarray:
    """Targets of rows whose neighbours have no tag."""
    return np.stack([tags, tags * 0 - 1, tags * 0 - 1], axis=1)


def random_text(seed: int, n: int = 2003, n_neurons: int = 5):
    """Rows of which some are not scored; the first neuron follows the first row's tag."""
    random = np.random.default_rng(seed)
    own = random.choice(N_TAGS, n, p=random.dirichlet(np.ones(N_TAGS)))
    values = (random.standard_normal((n, n_neurons)) + 3).astype(np.float32)
    values[:, 0] += 2 * (own == own[0])
    own = np.where(random.random(n) < 0.2, -1, own)
    own[0] = max(own[0], 0)
    following = np.where(random.random(n) < 0.1, -1, N_TAGS + random.integers(0, 4, n))
    targets = np.stack([own, following, 2 * N_TAGS + random.integers(0, 2, n)], axis=1)
    return values, targets, random.integers(3, 23, n)


@pytest.mark.parametrize("seed", range(2))
def test_it_is_scipys_on_the_scored_tokens(seed: int):
    values, targets, blocks = random_text(seed)
    found = correlate(summed(values, targets, blocks, parts=7))
    scored = targets[:, 0] >= 0
    compared = 0
    for target in range(TARGETS.n):
        positive = targets[scored, TARGETS.side(target)] == target
        for neuron in range(values.shape[1]):
            at = target, neuron
            if min(positive.sum(), (~positive).sum()) < 50:
                assert (found.value[at], found.low[at], found.high[at]) == NOTHING
                continue
            compared += 1
            expected = pearsonr(values[scored, neuron].astype(np.float64), positive).statistic
            assert found.value[at] == pytest.approx(expected, abs=1e-12)
            assert -1 <= found.low[at] < found.value[at] < found.high[at] <= 1
    assert compared > 5 * 8


def test_the_interval_is_that_of_blocks_drawn_again():
    """The error by the delta method, against a bootstrap that knows nothing of it."""
    random = np.random.default_rng(11)
    n_blocks, length = 64, 50
    blocks = np.repeat(np.arange(n_blocks), length)
    tags = (random.random(len(blocks)) < 0.3).astype(np.int64)
    level, slope = random.standard_normal((2, n_blocks))[:, blocks]
    values = level + (2 + slope) * tags + random.standard_normal(len(blocks))
    found = correlate(summed(values[:, None].astype(np.float32), own_tags(tags), blocks))
    drawn = []
    for _ in range(2000):
        rows = (
            random.integers(0, n_blocks, n_blocks)[:, None] * length + np.arange(length)
        ).ravel()
        drawn.append(np.corrcoef(values[rows], tags[rows])[0, 1])
    low, high = np.quantile(drawn, [0.025, 0.975])
    assert found.low[1, 0] == pytest.approx(low, abs=0.15 * (high - low))
    assert found.high[1, 0] == pytest.approx(high, abs=0.15 * (high - low))


def test_intervals_hold_0_where_tags_are_permuted_within_stories():
    """Stories differ in their tags and in their level; only the order of the tags is at random."""
    random = np.random.default_rng(3)
    n_blocks, length, n_neurons, n_tags = 64, 60, 90, 4
    blocks = np.repeat(np.arange(n_blocks), length)
    level = 2.0 * random.standard_normal((n_blocks, n_neurons))[blocks]
    values = (level + random.standard_normal((len(blocks), n_neurons))).astype(np.float32)
    taste = random.dirichlet(10 * np.ones(n_tags), n_blocks)
    tags = np.concatenate([random.choice(n_tags, length, p=share) for share in taste])
    above, below = [], []
    for _ in range(6):
        permuted = np.concatenate([random.permutation(part) for part in tags.reshape(n_blocks, -1)])
        found = correlate(summed(values, own_tags(permuted), blocks))
        above.append(found.low[:n_tags] > 0)
        below.append(found.high[:n_tags] < 0)
    assert np.mean(above) == pytest.approx(0.025, abs=0.02)
    assert np.mean(below) == pytest.approx(0.025, abs=0.02)


def test_intervals_hold_a_correlation_that_is_there():
    """Many texts of one process, whose r is known from its formula."""
    random = np.random.default_rng(5)
    n_blocks, length, n_neurons, share, slope, spread = 64, 40, 120, 0.2, 1.5, 0.7
    blocks = np.repeat(np.arange(n_blocks), length)
    true = slope * np.sqrt(share * (1 - share) / (slope**2 * share * (1 - share) + spread**2 + 1))
    held = []
    for _ in range(10):
        tags = (random.random(len(blocks)) < share).astype(np.int64)
        level = spread * random.standard_normal((n_blocks, n_neurons))[blocks]
        noise = random.standard_normal((len(blocks), n_neurons))
        values = (slope * tags[:, None] + level + noise).astype(np.float32)
        found = correlate(summed(values, own_tags(tags), blocks))
        held.append((found.low[1] <= true) & (true <= found.high[1]))
    assert np.mean(held) == pytest.approx(0.95, abs=0.03)


def test_a_perfect_neuron_has_correlation_1_and_a_constant_one_none():
    random = np.random.default_rng(0)
    tags = random.integers(0, 3, 600)
    values = np.stack([tags == 1, -1.0 * (tags == 1), np.full(600, 0.7)], axis=1)
    found = correlate(summed(values.astype(np.float32), own_tags(tags), np.arange(600) % 7))
    assert found.value[1, :2] == pytest.approx([1, -1])
    assert found.low[1, :2] == pytest.approx([1, -1], abs=1e-6)
    assert found.high[1, :2] == pytest.approx([1, -1], abs=1e-6)
    assert (found.value[1, 2], found.low[1, 2], found.high[1, 2]) == NOTHING
    tested = np.arange(TARGETS.n) < 3
    assert found.best(tested, TARGETS.own).tolist()[0] == 1
    assert found.best(tested, TARGETS.own).tolist()[2] == -1


def test_one_block_gives_a_value_and_no_interval():
    values, targets, blocks = random_text(4)
    found = correlate(summed(values, targets, blocks * 0))
    assert found.value.any()
    assert (found.low == -1).all()
    assert (found.high == 1).all()


def test_the_best_tag_is_chosen_by_the_lower_bound_among_those_tested():
    value = np.zeros((TARGETS.n, 2))
    low, high = value - 1, value + 1
    low[[0, 1, 2], 0] = 0.1, 0.3, 0.2
    low[[0, 1, 2], 1] = -0.1, -0.3, -0.2
    low[N_TAGS] = 0.9  # of the next word
    found = Correlation(value, low, high)
    tested = np.ones(TARGETS.n, dtype=bool)
    assert found.best(tested, TARGETS.own).tolist() == [1, 0]
    tested[1] = False
    assert found.best(tested, TARGETS.own).tolist() == [2, 0]
    assert found.best(tested & False, TARGETS.own).tolist() == [-1, -1]


def test_nothing_scored_is_no_finding():
    found = correlate(TagSums(3, TARGETS))
    assert not found.value.any()
    assert (found.low == -1).all()
