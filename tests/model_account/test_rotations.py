from __future__ import annotations

import numpy as np
import pytest
import torch
from scipy import stats

from tinyinterp.model_account.rotations import DIRECTION, Rotations, Spectrum

RANDOM = np.random.default_rng(5)
SPECTRA = {  # singular values
    "steep": (0.5 ** np.arange(7), 0.7 ** np.arange(5)),
    "one direction": (np.ones(1), np.linspace(1, 3, 6)),
    "flat": (np.ones(8), np.ones(5)),
    "more than half": (np.ones(20), np.ones(3)),
}


def drawn(dimensions: int, a: np.ndarray, b: np.ndarray, n: int) -> np.ndarray:
    """Compositions of diag(a) R with diag(b), for n random rotations R."""
    rotations = stats.ortho_group.rvs(dimensions, size=n, random_state=RANDOM)
    products = a[:, None] * rotations[:, : len(a), : len(b)] * b
    sizes = np.linalg.norm(a) * np.linalg.norm(b)
    return np.linalg.norm(products, axis=(1, 2)) / sizes


def law(dimensions: int, a: np.ndarray, b: np.ndarray) -> Rotations:
    return Rotations.of(dimensions, *(Spectrum.of(torch.from_numpy(x)) for x in (a, b)))


@pytest.mark.parametrize("name", SPECTRA)
def test_moments_and_tail_are_those_of_drawn_rotations(name: str):
    a, b = SPECTRA[name]
    found, known = drawn(29, a, b, 6000), law(29, a, b)
    assert np.mean(found**2) == pytest.approx(known.expected**2, rel=0.05)
    assert np.var(found**2) == pytest.approx(float(known.variance), rel=0.1)
    assert stats.moment(found**2, 3) == pytest.approx(float(known.third), rel=0.3)
    z = known.z(found)
    assert abs(z.mean()) < 0.05
    for share in (0.5, 0.1, 0.01):
        assert 0.5 * share < np.mean(known.p(found) <= share) < 1.35 * share
        assert np.mean(z > known.threshold(share)) == np.mean(known.p(found) < share)


def test_two_directions_meet_as_beta():
    """The squared cosine of a random direction is Beta(1/2, (d - 1) / 2)."""
    known = Rotations.of(211, DIRECTION, DIRECTION)
    exact = stats.beta(0.5, 105)
    assert float(known.variance) == pytest.approx(exact.var())
    skew = float(exact.stats("s"))
    assert float(known.third) == pytest.approx(skew * exact.var() ** 1.5)
    for p in (0.1, 1e-3, 1e-5):
        assert float(known.p(np.asarray(np.sqrt(exact.isf(p))))) == pytest.approx(p, rel=0.6)


def test_what_no_rotation_changes_is_no_finding():
    nothing, whole = (Spectrum.of(x.double()) for x in (torch.zeros(3), torch.ones(17)))
    for one, other in ((nothing, DIRECTION), (whole, DIRECTION)):
        known = Rotations.of(17, one, other)
        for composition in (np.zeros(()), np.ones(())):
            assert known.z(composition) == 0
            assert known.p(composition) == 1
        assert known.threshold(0.05) == np.inf


def test_spectrum_is_that_of_its_shares():
    values = Spectrum.of(torch.tensor([[3.0, 1.0], [2.0, 2.0], [0.0, 0.0]], dtype=torch.float64))
    np.testing.assert_allclose(values.second, [0.82, 0.5, 0])
    np.testing.assert_allclose(values.third, [0.73, 0.25, 0])
    assert values[1].second == 0.5
