from __future__ import annotations

import numpy as np
import pytest

from tinyinterp.head_census.estimates import estimate
from tinyinterp.head_census.labels import Decision, decide
from tinyinterp.head_census.sums import Sum
from tinyinterp.statistics import percentile_interval
from tinyinterp.text.sequences import N_BLOCKS

HEADS = 211
REPEATS = np.full((32, 1, HEADS), 0.25)


def random_sums(sink=0.3, contrast=0.2, explained=0.5, seed=0, blocks=N_BLOCKS):
    """Sums of heads that are alike but for chance; blocks differ in size."""
    random = np.random.default_rng(seed)
    sums = np.zeros((N_BLOCKS, 1, HEADS, len(Sum)))
    rows = random.integers(50, 150, size=(blocks, 1, 1)) + np.zeros((1, 1, HEADS))

    def around(mean):
        return rows * mean * random.gamma(20, 1 / 20, size=rows.shape)

    kept = sums[:blocks]
    kept[..., Sum.ROWS] = kept[..., Sum.SINK_ROWS] = rows
    kept[..., Sum.SINK] = around(sink)
    kept[..., Sum.UNIFORM] = rows * np.log(20)
    uneven = around(contrast * np.log(20))
    kept[..., Sum.ENTROPY] = kept[..., Sum.UNIFORM] - uneven
    left = around((1 - explained) * contrast * np.log(20))
    kept[..., Sum.DISTANCE] = kept[..., Sum.ENTROPY] + left
    kept[..., Sum.POSITION] = kept[..., Sum.ENTROPY] + 2 * left
    return sums


def test_points_are_ratios_of_sums():
    sums = random_sums()
    point = estimate(sums, REPEATS, REPEATS / 5, seed=0).point
    whole = sums.sum(0)
    rows = whole[..., Sum.ROWS]
    uneven = whole[..., Sum.UNIFORM] - whole[..., Sum.ENTROPY]
    np.testing.assert_allclose(point.sink, whole[..., Sum.SINK] / rows)
    np.testing.assert_allclose(point.contrast, uneven / whole[..., Sum.UNIFORM])
    left = whole[..., Sum.DISTANCE] - whole[..., Sum.ENTROPY]
    np.testing.assert_allclose(point.position_explained, 1 - left / uneven)
    np.testing.assert_allclose(point.place_explained, 1 - 2 * left / uneven)
    np.testing.assert_allclose(point.explained, point.position_explained)
    np.testing.assert_allclose(point.induction, 0.25)
    np.testing.assert_allclose(point.duplicate, 0.05)


@pytest.mark.parametrize("seed", [0, 1])
def test_intervals_cover_the_truth_as_often_as_they_say(seed):
    found = estimate(random_sums(seed=seed), REPEATS, REPEATS, seed=seed)
    truths = {"sink": 0.3, "contrast": 0.2, "position_explained": 0.5, "place_explained": 0.0}
    for name, truth in truths.items():
        low, high = percentile_interval(getattr(found.replicates, name))
        covered = float(((low <= truth) & (truth <= high)).mean())
        assert 0.89 <= covered <= 0.99, name
        middle = getattr(found.replicates, name).mean(0)
        assert np.abs(middle - getattr(found.point, name)).max() < 0.01, name


def test_repeated_sequences_are_drawn_too():
    random = np.random.default_rng(0)
    induction = random.normal(0.4, 0.1, size=(32, 1, HEADS))
    found = estimate(random_sums(), induction, REPEATS, seed=0)
    np.testing.assert_allclose(found.replicates.induction.std(0), 0.1 / np.sqrt(32), rtol=0.5)
    low, high = percentile_interval(found.replicates.induction)
    assert 0.87 <= float(((low <= 0.4) & (high >= 0.4)).mean()) <= 0.99


def test_an_exactly_uniform_head_is_diffuse_with_no_share_explained():
    sums = random_sums()
    noise = 1 + 1e-9 * np.random.default_rng(0).normal(size=sums.shape[:3])
    sums[..., Sum.ENTROPY] = sums[..., Sum.UNIFORM] * noise
    found = estimate(sums, REPEATS, REPEATS * 0, seed=0)
    assert np.isnan(found.point.position_explained).all()
    assert np.isnan(found.replicates.place_explained).all()
    assert (decide(found.point) == Decision.DIFFUSE).all()
    assert (decide(found.replicates) == Decision.DIFFUSE).all()


def test_a_head_that_leaves_no_row_is_a_sink_or_diffuse():
    sums = np.zeros((N_BLOCKS, 1, HEADS, len(Sum)))
    sums[:5, ..., Sum.SINK_ROWS] = 10
    sums[:5, :, 0, Sum.SINK] = 10
    found = estimate(sums, REPEATS, REPEATS * 0, seed=0)
    assert decide(found.point)[0, :2].tolist() == [Decision.SINK, Decision.DIFFUSE]
    assert found.blocks == 5


def test_blocks_that_hold_something_are_counted():
    assert estimate(random_sums(blocks=7), REPEATS, REPEATS, seed=0).blocks == 7
    only_rows = random_sums(blocks=3)
    only_rows[..., Sum.SINK_ROWS] = 0  # a window too narrow to see key 0
    found = estimate(only_rows, REPEATS, REPEATS, seed=0)
    assert found.blocks == 3
    assert np.isfinite(found.replicates.contrast).all()


NEEDED = (Sum.SINK, Sum.SINK_ROWS, Sum.UNIFORM, Sum.ENTROPY, Sum.DISTANCE, Sum.POSITION)


@pytest.mark.parametrize("column", NEEDED)
@pytest.mark.parametrize("contrast", [0.0, 0.2])
def test_a_sum_that_is_nan_decides_nothing(column, contrast):
    sums = random_sums(contrast=contrast)
    before = decide(estimate(sums, REPEATS * 0, REPEATS * 0, seed=0).point)
    sums[3, 0, 7, column] = np.nan
    found = estimate(sums, REPEATS * 0, REPEATS * 0, seed=0).point
    decided = decide(found)
    assert (np.delete(decided, 7) == np.delete(before, 7)).all()
    if contrast == 0 and column in (Sum.DISTANCE, Sum.POSITION):
        assert decided[0, 7] == Decision.DIFFUSE  # a test before
    else:
        assert decided[0, 7] == Decision.UNKNOWN


@pytest.mark.parametrize("name", ["induction", "duplicate"])
def test_a_nan_on_repeated_tokens_decides_nothing(name):
    repeats = {"induction": REPEATS * 0, "duplicate": REPEATS * 0}
    spoilt = repeats[name].copy()
    spoilt[5, 0, 7] = np.nan
    found = estimate(random_sums(sink=0.95), **(repeats | {name: spoilt}), seed=0)
    assert decide(found.point)[0, 7] == Decision.UNKNOWN
    assert decide(found.point)[0, 8] == Decision.SINK
