from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from reference import auroc, auroc_interval, rank_tests
from scipy.stats import kstest, rankdata

from tinyinterp.neuron_census.activations import Rows
from tinyinterp.neuron_census.association import TokenControl, associate
from tinyinterp.neuron_census.ranking import ROW_BITS, ROW_MASK, sort_rows
from tinyinterp.neuron_census.sample import EvenSample, Sample
from tinyinterp.neuron_census.targets import Targets
from tinyinterp.tagging import UNIVERSAL, TagSet

N_TAGS = len(UNIVERSAL)
TARGETS = Targets(UNIVERSAL)


def rows(ids: np.ndarray) -> tuple[Rows, np.ndarray, np.ndarray]:
    """Rows whose every column is a function of the token's id."""
    found = Rows((), ids, ids, ids % 13, 1 + ids % 31, ids % 7)
    own = np.where(ids % 5 == 0, -1, ids % 3)
    others = [np.where(own < 0, -1, N_TAGS * side + ids % (2 + side)) for side in (1, 2)]
    return found, ids % 13, np.stack([own, *others], axis=1)


def draw(sizes: list[int], seed: int = 0, size: int = 101) -> tuple[Sample, np.ndarray]:
    """The sample and the ids that were drawn, in the order of the text."""
    sample = EvenSample(sum(sizes), seed, size)
    starts = np.cumsum([0, *sizes[:-1]])
    drawn = []
    for n, start in np.random.default_rng(1).permutation(np.stack([sizes, starts], axis=1)):
        ids = np.arange(start, start + n)
        drawn.append(ids[sample.draw(*rows(ids))])
    ids = np.concatenate(drawn)
    found, order = sample.finish(TARGETS), ids.argsort()
    assert (found.types == ids % 13).all()
    return found.chosen(order), ids[order]


def test_the_sample_does_not_depend_on_the_batches():
    (one, ids), (other, others) = draw([3000]), draw([700, 1, 0, 299, 1500, 500])
    assert (ids == others).all()
    for name in ("types", "targets", "blocks"):
        assert (getattr(one, name) == getattr(other, name)).all()
    again = draw([3000], seed=1)[1]
    assert len(set(ids) & set(again)) < 20


def test_the_sample_is_even():
    ids = draw([20_011], size=1009)[1]
    assert len(ids) == pytest.approx(1009, abs=4 * np.sqrt(1009))
    assert len(set(ids)) == len(ids)
    assert ids.mean() == pytest.approx(10_005, abs=4 * 20_011 / np.sqrt(12 * 1009))


def test_a_short_text_is_taken_whole():
    assert draw([50])[1].tolist() == list(range(50))
    assert len(draw([0])[1]) == 0


def random_sample(seed: int, n: int = 2003, n_neurons: int = 5) -> tuple[np.ndarray, Sample]:
    """Values full of ties, tags and types at random; the first neuron predicts the first tag."""
    random = np.random.default_rng(seed)
    own = random.choice(N_TAGS, n, p=random.dirichlet(np.ones(N_TAGS)))
    following = np.where(random.random(n) < 0.1, -1, N_TAGS + random.integers(0, 4, n))
    before = 2 * N_TAGS + random.integers(0, 2, n)
    values = random.integers(0, 40, (n, n_neurons)).astype(np.float32)
    values[:, 0] += 20 * (own == own[0])
    sample = Sample(
        random.integers(0, 17, n),
        np.stack([own, following, before], 1),
        random.integers(3, 23, n),
        TARGETS,
    )
    return values, sample


def average_precision(values: np.ndarray, positive: np.ndarray) -> float:
    """The definition: precision at every threshold, weighted by the recall it adds."""
    total = 0.0
    for level in np.unique(values):
        taken = values >= level
        total += positive[values == level].sum() / positive.sum() * positive[taken].mean()
    return total


@pytest.mark.parametrize("seed", range(2))
def test_every_neuron_against_every_target_equals_the_slow_way(seed: int):
    values, sample = random_sample(seed)
    found = associate(values, sample)
    ranks = np.asarray(rankdata(values, axis=0), dtype=np.float64)
    for side in range(3):
        classes = np.where(sample.targets[:, side] < 0, -1, sample.targets[:, side] - N_TAGS * side)
        slow = rank_tests(ranks, classes, N_TAGS, sample.blocks)
        tested = np.flatnonzero(found.tested[N_TAGS * side : N_TAGS * (side + 1)])
        assert len(tested)
        for tag in tested:
            target = N_TAGS * side + int(tag)
            assert found.p[target] == pytest.approx(slow.p[tag], rel=1e-6)
            positive = sample.positive(target)
            for neuron in range(values.shape[1]):
                interval = auroc_interval(ranks[:, neuron], positive, sample.blocks)
                at = target, neuron
                assert found.auroc[at] == pytest.approx(interval.value)
                assert found.low[at] == pytest.approx(interval.low)
                assert found.high[at] == pytest.approx(interval.high)
                expected = average_precision(values[:, neuron], positive)
                assert found.precision[at] == pytest.approx(expected)
    unknown = ~found.tested
    assert unknown.any()
    assert (found.auroc[unknown] == 0.5).all()
    assert (found.q[unknown] == 1).all()


def test_a_target_has_a_side_and_a_tag():
    three = Targets(TagSet("three", ("A", "B", "C")))
    assert [f"{three.side_of(target)} {three.tag_of(target)}" for target in range(three.n)] == [
        *("current A", "current B", "current C"),
        *("next A", "next B", "next C"),
        *("previous A", "previous B", "previous C"),
    ]
    assert {three.side_of(target) for target in three.own} == {"current"}
    assert {three.side_of(target) for target in three.following} == {"next"}


def test_nothing_scored_is_no_finding():
    nothing = Sample(*(np.zeros(shape, dtype=np.int64) for shape in (0, (0, 3), 0)), TARGETS)
    found = associate(np.zeros((0, 3), np.float32), nothing)
    assert not found.tested.any()
    assert (found.auroc == 0.5).all()


def test_p_values_are_even_where_tags_are_permuted_within_stories():
    """Stories differ in their tags and in their level; only the order of the tags is at random."""
    random = np.random.default_rng(3)
    n_blocks, length, n_neurons, n_tags = 64, 60, 40, 4
    blocks = np.repeat(np.arange(n_blocks), length)
    level = 2.0 * random.standard_normal((n_blocks, n_neurons))[blocks]
    values = (level + random.standard_normal((len(blocks), n_neurons))).astype(np.float32)
    taste = random.dirichlet(10 * np.ones(n_tags), n_blocks)
    tags = np.concatenate([random.choice(n_tags, length, p=share) for share in taste])
    p = []
    for _ in range(6):
        permuted = np.concatenate([random.permutation(part) for part in tags.reshape(n_blocks, -1)])
        targets = np.stack([permuted, permuted * 0 - 1, permuted * 0 - 1], axis=1)
        found = associate(values, Sample(blocks * 0, targets, blocks, TARGETS))
        p.append(found.p[:n_tags].ravel())
    every = np.concatenate(p)
    assert kstest(every, "uniform").statistic < 0.08
    for bound in (0.01, 0.05, 0.2):
        assert np.mean(every < bound) == pytest.approx(bound, abs=0.25 * bound + 0.01)


def test_the_token_control_is_the_auroc_of_the_means():
    values, sample = random_sample(5)
    types, kind = np.unique(sample.types, return_inverse=True)
    means = np.random.default_rng(0).integers(0, 4, (len(types), 5)).astype(float)
    control = TokenControl(values, sample, means)
    for target in (int(sample.targets[0, 0]), N_TAGS, 2 * N_TAGS):
        expected = auroc(means[kind, 1], sample.positive(target))
        assert control.by_token(1, target) == pytest.approx(expected)


def test_within_a_word_only_its_own_tokens_are_compared():
    values, sample = random_sample(7)
    control = TokenControl(values, sample, np.zeros((17, 5)))
    target = int(sample.targets[0, 0])
    wins, pairs, tokens = 0.0, 0, 0
    for kind in range(17):
        here = sample.types == kind
        positive = sample.positive(target)[here]
        above, below = values[here, 0][positive], values[here, 0][~positive]
        gaps = above[:, None] - below
        wins += (gaps > 0).sum() + (gaps == 0).sum() / 2
        pairs += gaps.size
        tokens += here.sum() if gaps.size else 0
    assert control.within(0, target) == (pytest.approx(wins / pairs), tokens)
    alone = Sample(np.arange(len(values)), sample.targets, sample.blocks, TARGETS)
    assert TokenControl(values, alone, np.zeros((len(values), 5))).within(0, target) == (0.5, 0)


@given(st.lists(st.floats(width=32, allow_nan=False, allow_infinity=False)))
def test_rows_are_sorted_by_value_and_equal_ones_share_a_key(column: list[float]):
    values = np.array([*column, 0.0, -0.0], dtype=np.float32)
    pairs, spare = np.empty((2, len(values)), dtype=np.int64)
    sort_rows(values, pairs, spare)
    keys, order = pairs >> ROW_BITS, pairs & ROW_MASK
    assert order.tolist() == values.argsort(kind="stable").tolist()
    assert ((keys[1:] == keys[:-1]) == (values[order][1:] == values[order][:-1])).all()


def test_a_sample_whose_sums_need_wider_numbers_equals_the_slow_way():
    values, sample = random_sample(3, n=40_009, n_neurons=1)
    values[:, 0] = np.random.default_rng(5).permutation(len(values))  # the sums are largest
    sample = Sample(sample.types, sample.targets, np.full(len(values), 2), sample.all_targets)
    target = int(sample.targets[0, 0])
    found = associate(values, sample)
    expected = auroc(values[:, 0], sample.positive(target))
    assert found.auroc[target, 0] == pytest.approx(expected, abs=1e-9)
    two = Sample(sample.types, sample.targets, np.arange(len(values)) // 30_000, sample.all_targets)
    wide = associate(values, two)
    interval = auroc_interval(values[:, 0] + 1, sample.positive(target), two.blocks)
    assert wide.high[target, 0] == pytest.approx(min(interval.high, 1))
