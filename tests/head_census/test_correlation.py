from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from planted.patterns import PatternEngine, content, decay, offset, sink, uniform

from tinyinterp.head_census.correlation import (
    CellAccumulator,
    distance_correlation,
    report_correlation,
)
from tinyinterp.head_census.patterns import OnPatterns
from tinyinterp.scan import scan
from tinyinterp.text.sequences import MicroBatch, Sequence, Side

T = 128


def pattern_of(rule, n=T):
    tokens = torch.randint(1, 281, (1, n), generator=torch.Generator().manual_seed(0))
    return rule(tokens, torch.ones(n, n).tril().bool())[0].numpy()


def projected(row):
    """The nearest point to ``row`` whose entries are at least 0 and sum to 1."""
    ordered = np.sort(row)[::-1]
    levels = (ordered.cumsum() - 1) / np.arange(1, len(row) + 1)
    return np.maximum(row - levels[ordered > levels][-1], 0)


def best_possible(n):
    """The largest |report_r| of any causal pattern.

    Its mean is 1/n whatever the pattern is, so that only the sums of A·|i - j| and of A² matter; of
    patterns with one such sum the other is best at the projection of a multiple of the distances.
    """
    best = 0.0
    for steepness in (*np.geomspace(1e-3, 1, 30), *-np.geomspace(1e-3, 1, 30)):
        pattern = np.zeros((n, n))
        for i in range(n):
            pattern[i, : i + 1] = projected(steepness * np.arange(i, -1, -1.0))
        best = max(best, abs(report_correlation(pattern)))
    return best


@pytest.mark.parametrize(("rule", "known"), [(offset(1), -0.12), (decay(20), -0.39)])
def test_the_reports_correlation_of_known_patterns(rule, known):
    assert report_correlation(pattern_of(rule)) == pytest.approx(known, abs=0.006)


def test_no_causal_pattern_reaches_the_reports_threshold_from_28_tokens_on():
    assert best_possible(28) == pytest.approx(0.495, abs=0.001)
    assert best_possible(T) == pytest.approx(0.42, abs=0.005)
    assert best_possible(20) > 0.5
    random = np.random.default_rng(0)
    for _ in range(50):
        rows = [random.dirichlet(np.full(i + 1, random.choice([0.05, 1]))) for i in range(28)]
        pattern = np.array([[*row, *np.zeros(27 - i)] for i, row in enumerate(rows)])
        assert abs(report_correlation(pattern)) < best_possible(28)


def test_the_reports_correlation_of_a_single_cell_is_unknown():
    assert math.isnan(report_correlation(np.ones((1, 1))))
    assert report_correlation(np.eye(2)) == -1


def pairs_of_numbers():
    """Two samples of each kind: independent, dependent, with ties, far from 0, of few points."""
    random = np.random.default_rng(0)
    for n in (2, 3, 101, 1024):
        x = random.integers(0, 300, n).astype(float)
        noise = random.standard_normal(n)
        yield x, noise
        yield x, np.exp(-x / 50) + 0.01 * noise
        yield x, (x - 150) ** 2
        yield noise + 100, x / 1e9
        yield np.minimum(x, 7.0), np.round(noise)
    yield np.arange(13.0), np.arange(13.0)[::-1].copy()


def test_distance_correlation_is_that_of_dcor():
    import dcor  # takes seconds: it compiles its loops as it is imported

    for x, y in pairs_of_numbers():
        known = dcor.distance_correlation(x, y)
        assert distance_correlation(x, y) == pytest.approx(known, rel=1e-7, abs=1e-9)


def test_distance_correlation_with_what_does_not_vary_is_0():
    assert distance_correlation(np.arange(11.0), np.full(11, 0.1)) == 0
    assert distance_correlation(np.arange(11.0), np.arange(11.0)) == pytest.approx(1, abs=1e-12)


def batches(lengths, n_each=16):
    random = np.random.default_rng(0)
    for length in lengths:
        tokens = random.integers(1, 281, size=(n_each, length))
        none = np.zeros((length, 2), dtype=np.int64)
        sequences = tuple(Sequence(row, none, "", 0, Side.TEST, 0) for row in tokens)
        yield MicroBatch(sequences, torch.from_numpy(tokens))


def accumulated(rules, lengths=(T,) * 8, seed=0, **shape):
    engine = PatternEngine([rules], **shape)
    cells = CellAccumulator(engine.config, seed)
    scan(engine, batches(lengths), [OnPatterns(engine.config, [cells])])
    return cells


def test_distance_correlation_of_known_patterns():
    """The numbers are those of all cells; 1,024 of them are drawn."""
    rules = [decay(5), decay(20), offset(1), uniform(), uniform(T // 8), content(1.5)]
    cells = accumulated(rules)
    found = [cells.correlations(0, head, with_p=False)[0] for head in range(len(rules))]
    np.testing.assert_allclose(found[:5], [0.63, 0.90, 0.19, 0.46, 0.70], atol=0.06)
    assert 0.04 < found[5] < 0.2


def test_the_sink_is_no_part_of_it():
    cells = accumulated([decay(5), sink(0.7, decay(5))])
    plain, with_sink = (cells.correlations(0, head, with_p=False) for head in (0, 1))
    np.testing.assert_allclose(plain[::2], with_sink[::2], atol=1e-5)
    assert plain[2] < -0.9  # Spearman: it falls


def test_cells_are_allowed_ones_and_each_as_likely():
    cells = accumulated([uniform()], lengths=(4,) * 40, attention=("local",), window=2)
    distance = np.concatenate([sample.distance for sample in cells._held[0]])
    assert set(distance) == {0, 1}
    assert np.bincount(distance) / len(distance) == pytest.approx([0.5, 0.5], abs=0.06)
    cells = accumulated([uniform()], lengths=(4,) * 40)  # of 2 + 3 cells one is 2 away
    distance = np.concatenate([sample.distance for sample in cells._held[0]])
    assert np.bincount(distance) / len(distance) == pytest.approx([0.4, 0.4, 0.2], abs=0.06)
    weight = np.concatenate([sample.weight[0] for sample in cells._held[0]])
    assert set(weight.round(4)) == {0.5, 0.3333}


def test_the_sample_is_of_the_whole_text_and_small():
    lengths = (7,) * 8 + (13,) * 8
    cells = accumulated([uniform()], lengths=lengths)
    assert len(cells._held[0]) == 64
    far = sum(int((sample.distance >= 6).any()) for sample in cells._held[0])
    assert far > 16  # not the first, short ones alone


def test_p_values():
    rules = [decay(5), content(1.5), uniform(), sink(1.0, uniform())]
    shape = {"attention": ("local",), "window": 5}  # rows as long as each other, nearly all
    cells = accumulated(rules, lengths=(47,) * 4, **shape)
    p = [cells.correlations(0, head, with_p=True)[1] for head in range(4)]
    assert p[0] == 1 / 200
    assert p[1] > 0.01
    assert math.isnan(cells.correlations(0, 0, with_p=False)[1])


def test_without_cells_nothing_is_known():
    engine = PatternEngine([[uniform()]])
    cells = CellAccumulator(engine.config, 0)
    assert np.isnan(cells.correlations(0, 0, with_p=True)).all()
    scan(engine, batches([2]), [OnPatterns(engine.config, [cells])])
    assert np.isnan(cells.correlations(0, 0, with_p=True)).all()
