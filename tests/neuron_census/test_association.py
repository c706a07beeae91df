from __future__ import annotations

import numpy as np
import pytest
import torch

from tinyinterp.neuron_census.association import EvenSample, Sample, TokenControl, associate
from tinyinterp.neuron_census.rows import Rows
from tinyinterp.speech import TAGS
from tinyinterp.statistics import auroc


def rows(n: int, start: int = 0) -> tuple[Rows, np.ndarray, np.ndarray]:
    """Rows whose every column is a function of the token's id."""
    ids = np.arange(start, start + n)
    values = torch.from_numpy(np.sin(ids[:, None] * [1.0, 2.0, 3.0])).float()
    found = Rows((), values, ids, ids % 13, 1 + ids % 31, ids % 7)
    return found, np.where(ids % 5 == 0, -1, ids % 3), ids % 2 - 1


def draw(sizes: list[int], seed: int = 0, size: int = 101) -> Sample:
    sample = EvenSample(seed, size)
    starts = np.cumsum([0, *sizes[:-1]])
    for n, start in np.random.default_rng(1).permutation(np.stack([sizes, starts], axis=1)):
        sample.add(*rows(int(n), int(start)))
    return sample.finish()


def test_the_sample_does_not_depend_on_the_batches():
    one, other = draw([3000]), draw([700, 1, 0, 299, 1500, 500])
    for name in ("values", "tokens", "tags", "next_tags", "blocks"):
        assert (getattr(one, name) == getattr(other, name)).all()
    assert len(one.tokens) == 101
    assert (draw([3000], seed=1).values != one.values).any()


def test_the_sample_is_even_and_of_scored_tokens():
    drawn = draw([20_011], size=1009)
    ids = np.arange(20_011)
    place = {np.float32(np.sin(i)): i for i in ids}
    chosen = np.array([place[value] for value in drawn.values[:, 0]])
    assert (np.diff(chosen) > 0).all()
    assert (chosen % 5 != 0).all()
    assert chosen.mean() == pytest.approx(10_005, abs=4 * 20_011 / np.sqrt(12 * 1009))


def test_a_short_text_is_taken_whole():
    assert len(draw([50]).tokens) == 40
    assert len(draw([0]).tokens) == 0


def test_every_neuron_against_every_tag():
    drawn = draw([3000], size=997)
    found = associate(drawn)
    assert np.flatnonzero(found.tested).tolist() == [0, 1, 2, len(TAGS)]
    for target in np.flatnonzero(found.tested):
        for neuron in range(3):
            expected = auroc(drawn.values[:, neuron].astype(float), drawn.positive(int(target)))
            assert found.auroc[target, neuron] == pytest.approx(expected)
    assert (found.auroc[~found.tested] == 0.5).all()
    assert (found.q[~found.tested] == 1).all()


def test_nothing_scored_is_no_finding():
    found = associate(draw([0]))
    assert not found.tested.any()
    assert (found.auroc == 0.5).all()


def test_the_token_control_is_the_auroc_of_the_means():
    drawn = draw([3000], size=997)
    types, kind = np.unique(drawn.tokens, return_inverse=True)
    means = np.random.default_rng(0).integers(0, 4, (len(types), 3)).astype(float)
    control = TokenControl(drawn, means)
    for target in (0, 2, len(TAGS)):
        expected = auroc(means[kind, 1], drawn.positive(target))
        assert control.auroc(1, target) == pytest.approx(expected)
