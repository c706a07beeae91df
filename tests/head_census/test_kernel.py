from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from planted.patterns import (
    PatternEngine,
    content,
    decay,
    mixture,
    offset,
    place,
    random_corpus,
    uniform,
)

from tinyinterp.head_census.kernel import (
    SHRINKAGES,
    FitSums,
    fit_kernel,
    fit_surrogate,
    sum_by_distance,
    surrogate_by_distance,
)
from tinyinterp.head_census.kernels import score_shrinkages
from tinyinterp.head_census.measure import measure, read_patterns
from tinyinterp.text.sequences import Side

N = 23


def expected_sums(kernel, window, rows):
    """Summed patterns [query key] of a head that is its kernel, with so many rows a query."""
    weights = np.zeros((N, N))
    for i in range(2, N):
        keys = [j for j in range(1, i + 1) if window is None or j > i - window]
        total = sum(kernel[i - j] for j in keys)
        for j in keys:
            weights[i, j] = rows[i] * kernel[i - j] / total
    return torch.tensor(weights)


def log_likelihood(kernel, weights, window):
    """Of a kernel, cell by cell."""
    total = 0.0
    for i in range(2, N):
        keys = [j for j in range(1, i + 1) if window is None or j > i - window]
        norm = sum(kernel[i - j] for j in keys)
        total += sum(float(weights[i, j]) * np.log(kernel[i - j] / norm) for j in keys)
    return total


def fewer_and_fewer(most):
    """Rows by query, as stories of many lengths give them."""
    return np.array([0, 0, *np.linspace(most, most / 10, N - 2)])


@pytest.mark.parametrize("window", [None, 7])
def test_a_planted_kernel_is_found(window):
    reach = N - 1 if window is None else window
    kernels = np.random.default_rng(0).dirichlet(np.ones(reach), size=3) + 0.01
    kernels /= kernels.sum(1, keepdims=True)
    rows = fewer_and_fewer(2000)
    weights = torch.stack([expected_sums(kernel, window, rows) for kernel in kernels])
    found = fit_kernel(weights, torch.tensor(rows).expand(3, -1), window)
    assert found.shape == (3, reach)
    np.testing.assert_allclose(found, kernels, atol=2e-3)
    np.testing.assert_allclose(found.sum(1), 1)


def test_distances_that_only_another_head_reaches_are_carried_on():
    rows = np.zeros((2, N))
    rows[0, 2:] = 50
    rows[1, 2:13] = 50  # the second head's longer rows do not count
    falling = np.exp(-np.arange(N) / 3)
    weights = torch.stack([expected_sums(falling, None, r) for r in rows])
    weights[1, :, 1:] *= torch.tensor(np.eye(N)[:, 1:] == 0)  # and it never looks at itself
    weights[1] *= 50 / weights[1].sum(1, keepdim=True).clamp_min(1e-9)
    both = fit_kernel(weights, torch.tensor(rows), None)
    alone = fit_kernel(weights[1:, :13, :13], torch.tensor(rows[1:, :13]), None)
    assert torch.isfinite(both).all()
    assert (both > 0).all()
    np.testing.assert_allclose(both[1, 12:], both[1, 11], rtol=1e-12)
    np.testing.assert_allclose(both[1, :12] / both[1, :12].sum(), alone[0], atol=1e-6)


@settings(max_examples=25, deadline=None)
@given(seed=st.integers(0, 10**6), window=st.sampled_from([None, 5, 7]))
def test_no_other_kernel_is_more_likely(seed, window):
    random = np.random.default_rng(seed)
    weights = torch.zeros(N, N, dtype=torch.float64)
    rows = random.integers(500, 900, size=N).astype(float)
    rows[:2] = 0
    for i in range(2, N):
        first = 1 if window is None else max(1, i - window + 1)
        row = random.dirichlet(np.full(i - first + 1, 0.7))  # by no means a kernel's
        weights[i, first : i + 1] = torch.tensor(rows[i] * row)
    kernel = fit_kernel(weights[None], torch.tensor(rows)[None], window)[0].numpy()
    best = log_likelihood(kernel, weights, window)
    for size in (0.01, 0.1, 1.0):
        other = kernel * np.exp(random.normal(scale=size, size=len(kernel)))
        assert log_likelihood(other / other.sum(), weights, window) < best


def test_distances_that_no_row_can_look_back_go_on_as_the_last_ones():
    kernel = np.exp(-np.arange(N) / 30)
    rows = np.where(np.arange(N) < 17, 1000.0, 0.0)
    rows[:2] = 0
    found = fit_kernel(expected_sums(kernel, None, rows)[None], torch.tensor(rows)[None], None)[0]
    assert (found > 0).all()
    np.testing.assert_allclose(found[16:], found[14:16].mean())
    np.testing.assert_allclose(found[:16] / found[0], kernel[:16], rtol=0.02)


def test_a_head_without_rows_gets_a_flat_kernel():
    found = fit_kernel(torch.zeros(1, N, N), torch.zeros(1, N), 7)
    np.testing.assert_allclose(found, 1 / 7)


def test_diagonals_are_summed():
    weights = torch.rand(2, 11, 11, generator=torch.Generator().manual_seed(0)).tril()
    sums = sum_by_distance(weights)
    for head in range(2):
        for d in range(11):
            along = sum(float(weights[head, i, i - d]) for i in range(d, 11))
            assert float(sums[head, d]) == pytest.approx(along)


@pytest.mark.parametrize("window", [None, 5])
def test_rows_of_the_surrogate_sum_to_1_over_allowed_keys(window):
    reach = N - 1 if window is None else window
    kernel = torch.rand(3, reach, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    table = surrogate_by_distance(kernel, window, N)
    for i in range(N):
        for j in range(N):
            allowed = i >= 2 and 1 <= j <= i and (window is None or j > i - window)
            assert bool((table[:, i, j] > 0).all()) == allowed
    np.testing.assert_allclose(table[:, 2:].sum(-1), 1)
    np.testing.assert_allclose(table[:, 9, 7] / table[:, 9, 8], kernel[:, 2] / kernel[:, 1])


def halves(weights, rows, window=None):
    return FitSums(weights.expand(2, -1, -1, -1) / 2, rows.expand(2, -1, -1) / 2, window)


def test_the_place_surrogate_is_the_kernel_one_where_there_is_no_data():
    rows = torch.where(torch.arange(N) < 13, 400.0, 0.0).double()
    rows[:2] = 0
    weights = torch.zeros(1, N, N, dtype=torch.float64)
    weights[0, torch.arange(2, 13), 1] = 400  # always the first key
    found = fit_surrogate(halves(weights, rows[None]))
    np.testing.assert_allclose(found.by_position[:, 13:], found.by_distance[:, 13:])
    assert float(found.by_position[0, 2:13, 1].min()) > 0.97
    np.testing.assert_allclose(found.by_position[:, 2:].sum(-1), 1)
    assert found.shrinkage.tolist() == [3]


def test_one_half_alone_cannot_speak_for_places():
    random = np.random.default_rng(0)
    weights = torch.tensor(random.random((1, N, N))).tril()
    weights[..., 0] = weights[:, :2] = 0
    weights = weights / weights.sum(-1, keepdim=True).clamp_min(1e-9)
    rows = (torch.arange(N) >= 2).double()[None]
    empty = torch.zeros_like
    sums = FitSums(torch.stack([weights, empty(weights)]), torch.stack([rows, empty(rows)]), None)
    found = fit_surrogate(sums)
    np.testing.assert_allclose(found.by_position, found.by_distance, atol=1e-6)


def test_the_kernel_sums_to_1_over_the_median_row():
    rows = torch.zeros(1, N, dtype=torch.float64)
    rows[0, 2:12] = 100
    rows[0, 12:] = 1
    weights = expected_sums(np.exp(-np.arange(N) / 5), None, rows[0].numpy())[None]
    found = fit_surrogate(halves(weights, rows))
    assert found.full_row == 7  # of 1,011 rows the 506th has query 7
    assert float(found.kernel[0, :7].sum()) == pytest.approx(1)


@pytest.fixture(scope="module")
def example():
    """Measured heads of both layers, with the engine and the text."""
    rules = [decay(3), offset(2), content(1.5), place(4), mixture(0.5, decay(3), content(2))]
    rules.append(uniform(5))
    corpus = random_corpus(n_stories=40, shortest=4, longest=9)
    engine = PatternEngine([rules, rules], attention=("global", "local"), window=11)
    found = measure(engine, engine.config, corpus, seed=0, with_looks_at=False)
    return engine, corpus, found


def test_each_surrogate_explains_the_heads_of_its_kind(example):
    _, _, found = example
    f, v = found.estimates.point.position_explained, found.estimates.point.place_explained
    names = ["decay", "offset", "content", "place", "mixture", "last five"]
    by_name = dict(zip(names, zip(f[0], v[0], strict=True), strict=True))
    assert min(*by_name["decay"], *by_name["offset"], *by_name["last five"]) > 0.95
    assert max(*by_name["content"]) < 0.05
    assert by_name["place"][0] < 0.6
    assert by_name["place"][1] > 0.9
    assert 0.2 < by_name["mixture"][0] < 0.7


def test_sums_give_what_the_obvious_loop_gives(example):
    engine, corpus, found = example
    config, point = engine.config, found.estimates.point
    rows = np.zeros((2, config.n_heads))
    sums = {name: np.zeros((2, config.n_heads)) for name in ("A", "U", "P", "V", "log n", "S")}
    seeing = np.zeros(2)
    for sequence in corpus.sequences(Side.TEST):
        patterns = read_patterns(engine, config, sequence)
        for layer, window in enumerate((None, 11)):
            surrogate = found.surrogates[layer]
            for i in range(2, len(sequence.tokens)):
                first = 1 if window is None else max(1, i - window + 1)
                if window is None or i < window:
                    sums["S"][layer] += patterns[layer][:, i, 0]
                    seeing[layer] += 1
                for head in range(config.n_heads):
                    a = patterns[layer][head, i, first : i + 1].astype(np.float64)
                    if a.sum() < 0.01:
                        continue
                    a = a / a.sum()
                    rows[layer, head] += 1
                    tables = {
                        "U": np.full(len(a), 1 / len(a)),
                        "P": surrogate.by_distance[head, i, first : i + 1].numpy(),
                        "V": surrogate.by_position[head, i, first : i + 1].numpy(),
                    }
                    sums["log n"][layer, head] += np.log(len(a))
                    for name, table in tables.items():
                        kept = a > 0
                        ratio = np.log(a[kept] / np.maximum(table[kept], 1e-12))
                        sums[name][layer, head] += (a[kept] * ratio).sum()
    assert (rows > 100).all()
    np.testing.assert_allclose(point.contrast, sums["U"] / sums["log n"], rtol=1e-4)
    np.testing.assert_allclose(point.position_explained, 1 - sums["P"] / sums["U"], atol=1e-4)
    np.testing.assert_allclose(point.place_explained, 1 - sums["V"] / sums["U"], atol=1e-4)
    np.testing.assert_allclose(point.sink, sums["S"] / seeing[:, None], atol=1e-5)
    left = found.estimates.unexplained_nats * rows
    np.testing.assert_allclose(left, np.minimum(sums["P"], sums["V"]), rtol=1e-3, atol=0.05)


def test_the_shrinkage_is_the_one_that_predicts_the_other_half_best():
    """Each head's likelihoods, compiled, against the mean rows of each half written out."""
    heads, n = 5, 13
    random = torch.Generator().manual_seed(3)
    causal = torch.ones(n, n).tril()
    causal[:, 0] = 0
    causal[:2] = 0
    draw = torch.rand(2, heads, n, n, generator=random, dtype=torch.float64) * causal
    rows = torch.randint(0, 7, (2, heads, n), generator=random).double() * (causal.sum(1) > 0)
    total = draw.sum(-1, keepdim=True).clamp_min(1e-9)
    weights = draw / total * rows[..., None]
    weights[1, :, 7, 3] = 0
    prior = torch.rand(heads, n, n, generator=random, dtype=torch.float64) * causal
    prior[2, 9, 4] = 0
    expected = np.zeros((heads, len(SHRINKAGES)))
    for number, shrinkage in enumerate(SHRINKAGES):
        for here, there in ((0, 1), (1, 0)):
            count = rows[here][..., None]
            mean = (weights[here] + shrinkage * prior) / (count + shrinkage)
            logs = mean.clamp_min(1e-12).log()
            expected[:, number] += (weights[there] * logs).sum((1, 2)).numpy()
    found = np.zeros_like(expected)
    tables = (weights, rows, prior, torch.tensor(SHRINKAGES, dtype=torch.float64))
    score_shrinkages(*(table.numpy() for table in tables), found, 0, heads)
    np.testing.assert_allclose(found, expected, rtol=1e-6)
