from __future__ import annotations

import numpy as np
import pytest
from models import tiny_config, tiny_tokenizer

from tinyinterp.head_census.estimates import Estimates
from tinyinterp.head_census.labels import Decision, Quantities
from tinyinterp.head_census.nulls import (
    MOST_MODELS,
    measure_random_models,
    number_of_random_models,
    q_values,
)
from tinyinterp.text.corpus import corpus_of


def estimates(**values):
    """Of one layer; what is not given is 0."""
    n = len(next(iter(values.values())))
    names = ("induction", "duplicate", "sink", "contrast", "position_explained", "place_explained")
    zeros = np.zeros((1, n))
    point = Quantities(
        **{name: np.array([values.get(name, [0.0] * n)], dtype=float) for name in names}
    )
    nats = [np.array([values.get(k, zeros[0])], dtype=float) for k in ("explained", "unexplained")]
    return Estimates(
        point=point,
        replicates=point,
        current_token=zeros,
        previous_token=zeros,
        explained_nats=nats[0],
        unexplained_nats=nats[1],
        blocks=9,
    )


def test_q_values_are_benjamini_hochberg_of_the_ranks():
    null = [estimates(sink=[0.1, 0.2, 0.3], contrast=[0.01, 0.02, 0.03], explained=[1, 2, 3])]
    null.append(estimates(sink=[0.4] * 3, contrast=[0.04] * 3, explained=[4, 5, 6]))
    found = estimates(sink=[0.9, 0.25, 0, 0], contrast=[0, 0, 0.015, 0], explained=[0, 0, 0, 5.5])
    tests = np.array([[Decision.SINK, Decision.SINK, Decision.DIFFUSE, Decision.POSITIONAL]])
    # Of the six null heads at least as extreme are 0, 4, 1 and 1; p = 1/7, 5/7, 2/7, 2/7.
    q = q_values(found, tests, null)
    np.testing.assert_allclose(q, [[8 / 21, 5 / 7, 8 / 21, 8 / 21]])


def test_as_extreme_counts_as_extreme():
    null = estimates(induction=[0.5, 0.5, 0.7])
    found = estimates(induction=[0.5])
    assert q_values(found, np.array([[Decision.INDUCTION]]), [null])[0, 0] == 1


def test_unknown_evidence_is_no_evidence():
    null = estimates(unexplained=[0.1, 0.2])
    found = estimates(unexplained=[np.nan, 0.3])
    q = q_values(found, np.array([[Decision.SEMANTIC] * 2]), [null])
    np.testing.assert_allclose(q, [[1, 2 / 3]])


@pytest.mark.parametrize(("heads", "models"), [(2, MOST_MODELS), (13, 6), (67, 1)])
def test_there_are_enough_random_models_within_reason(heads, models):
    config = tiny_config(d_model=2 * heads, n_heads=heads, n_layers=3)
    assert number_of_random_models(config) == models


def test_random_models_differ_and_are_the_same_every_time():
    config = tiny_config(n_heads=13)
    corpus = corpus_of(["One day Tim ran.", "Lily saw the sun.", "Yes."], tiny_tokenizer(), 97)
    runs = [measure_random_models(config, corpus, seed=0, report=None) for _ in range(2)]
    assert len(runs[0]) == number_of_random_models(config)
    contrasts = [[found.point.contrast for found in run] for run in runs]
    assert np.array_equal(contrasts[0], contrasts[1])
    assert not np.array_equal(contrasts[0][0], contrasts[0][1])
    assert max(c.max() for c in contrasts[0]) < 0.05  # fresh weights attend nearly alike


def test_random_models_are_the_same_whether_they_read_repeated_tokens_or_not():
    config = tiny_config(n_heads=13)
    corpus = corpus_of(["One day Tim ran.", "Lily saw the sun.", "Yes."], tiny_tokenizer(), 97)
    asked, not_asked = (
        measure_random_models(config, corpus, seed=0, with_repeated=each, report=None)
        for each in (True, False)
    )
    for one, other in zip(asked, not_asked, strict=True):
        assert np.isfinite(one.point.induction).all()
        assert np.isnan(other.point.induction).all()
        assert np.isnan(other.point.duplicate).all()
        for name in ("sink", "contrast"):
            assert np.array_equal(getattr(one.point, name), getattr(other.point, name))
        for name in ("explained_nats", "unexplained_nats"):
            assert np.array_equal(getattr(one, name), getattr(other, name))
