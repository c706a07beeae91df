"""How usual an activation is, from activations themselves and from histograms."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from tinyinterp.errors import SelectionError
from tinyinterp.explore.explorer import Explorer
from tinyinterp.explore.reference import Histograms, Sorted
from tinyinterp.model import Model


@given(st.integers(0, 2**32 - 1), st.integers(2, 40))
def test_the_quantile_is_the_share_of_tokens_at_or_below(seed: int, tokens: int):
    random = np.random.default_rng(seed)
    values = random.integers(-3, 4, size=(5, tokens)).astype(np.float32)
    asked = random.integers(-4, 5, size=5).astype(np.float32)
    usual = Sorted(torch.from_numpy(np.sort(values, axis=1)))
    wanted = (values <= asked[:, None]).mean(1)
    assert np.allclose(usual.quantile(torch.from_numpy(asked)).numpy(), wanted)
    assert np.array_equal(usual.largest.numpy(), values.max(1))


def test_a_histogram_counts_evenly_within_a_bin():
    row = {"low": 0.0, "high": 4.0, "counts": [4, 0, 2, 2]}
    usual = Histograms.of(dict.fromkeys(range(7), row), torch.full((7,), 4.0))
    values = torch.tensor([-1.0, 0.0, 0.5, 1.0, 1.7, 3.5, 9.0])
    wanted = [0.0, 0.0, 0.25, 0.5, 0.5, 0.875, 1.0]
    assert usual.quantile(values).tolist() == pytest.approx(wanted)


def test_a_histogram_without_bounds_is_refused():
    row = {"low": None, "high": 4.0, "counts": [4, 0, 2, 2]}
    with pytest.raises(SelectionError, match="without bounds"):
        Histograms.of({0: row}, torch.ones(1))


def test_without_a_census_the_bundled_stories_say_what_is_usual(explorer: Explorer, model: Model):
    corpus = model.corpus(max_tokens=400, n_ctx=model.config.n_ctx)
    text = model.tokenizer.decode([int(t) for t in next(iter(corpus.sequences())).tokens[1:40]])
    values = model.run(text).activations[1, 1:].max(0).values
    quantile, share = explorer.quantiles(1, values)
    assert isinstance(explorer.usual(1), Sorted)
    assert isinstance(explorer.usual(0), Histograms)
    assert (quantile > 0).all()
    assert (share[values > 0] <= 1 + 1e-4).all()  # they are of the text that it is compared with
