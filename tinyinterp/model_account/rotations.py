"""How strongly two matrices compose, beside what they would if one were turned at random.

The composition of A and B is ``|AB| / (|A||B|)`` (Frobenius; Elhage et al. 2021). With A turned by
a random rotation R of the residual stream, and with the squares of singular values as shares p (of
A) and q (of B) of their sums, its square is ``sum_ij p_i q_j R_ij^2``. Its moments over all
rotations are known, so that nothing is drawn. With p' = p - 1/d and q' = q - 1/d:

    mean      1 / d
    variance  2 sum p'^2 sum q'^2 / ((d - 1)(d + 2))
    third     8 d sum p'^3 sum q'^3 / ((d - 1)(d - 2)(d + 2)(d + 4))     (about the mean)

As R may be permuted, no other form of p' and q', whose sums are 0, can stand there; the factors are
those of the one case in which the law is known: of a single entry, Beta(1/2, (d - 1) / 2). The tail
is that of the gamma distribution, moved and scaled, with these moments (Buckley and Eagleson 1988).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from jaxtyping import Float
from scipy import stats
from torch import Tensor

EVEN = 1e-12  # below which shares are the same in all directions
LEAST_SKEW = 1e-3


@dataclass(frozen=True)
class Spectrum:
    """How unevenly matrices are spread over their singular vectors; zeros for one of zeros.

    1 and 1 for rank one; 1 / r and 1 / r^2 where r singular values are equal.
    """

    second: Float[np.ndarray, "*matrix"]  # sum of the squares of the shares
    third: Float[np.ndarray, "*matrix"]  # of their cubes

    @classmethod
    def of(cls, singular_values: Float[Tensor, "*matrix value"]) -> Spectrum:
        """The moments of each matrix."""
        squares = singular_values.square()
        total = squares.sum(dim=-1, keepdim=True)
        shares = squares / total.where(total > 0, 1.0)
        return cls(*(shares.pow(power).sum(dim=-1).numpy() for power in (2, 3)))

    def about_even(self, dimensions: int) -> tuple[np.ndarray, np.ndarray]:
        """The sums of squares and cubes of what the shares have above an even spread over all."""
        d = dimensions
        second, third = self.second - 1 / d, self.third - 3 * self.second / d + 2 / d**2
        uneven = second > EVEN
        return np.where(uneven, second, 0.0), np.where(uneven, third, 0.0)

    def __getitem__(self, index: Any) -> Spectrum:
        return Spectrum(np.asarray(self.second[index]), np.asarray(self.third[index]))


DIRECTION = Spectrum(np.ones(()), np.ones(()))  # a vector's


@dataclass(frozen=True)
class Rotations:
    """The square of the composition of pairs of matrices, over all rotations of one of them."""

    dimensions: int  # of the space that is turned
    variance: Float[np.ndarray, "*pair"]
    third: Float[np.ndarray, "*pair"]  # moment about the mean

    @classmethod
    def of(cls, dimensions: int, one: Spectrum, other: Spectrum) -> Rotations:
        """The moments of each pair; variance 0 where a matrix is 0 or all rotations agree.

        Args:
            dimensions: at least 3.
        """
        d = dimensions
        (second, third), (of_other, third_of_other) = (x.about_even(d) for x in (one, other))
        variance = 2 * second * of_other / ((d - 1) * (d + 2))
        cubes = 8 * d * third * third_of_other / ((d - 1) * (d - 2) * (d + 2) * (d + 4))
        return cls(d, np.asarray(variance), np.asarray(cubes))

    @property
    def expected(self) -> float:
        """Root mean square of the composition."""
        return self.dimensions**-0.5

    def z(self, composition: Float[np.ndarray, "*pair"]) -> Float[np.ndarray, "*pair"]:
        """How many deviations its square is above the mean; 0 where no rotation changes it."""
        varies = self.variance > 0
        deviation = np.sqrt(np.where(varies, self.variance, 1.0))
        return np.where(varies, (composition**2 - 1 / self.dimensions) / deviation, 0.0)

    def p(self, composition: Float[np.ndarray, "*pair"]) -> Float[np.ndarray, "*pair"]:
        """The share of rotations that compose as strongly; 1 where no rotation changes it."""
        shape = self._shape()
        found = stats.gamma.sf(shape + self.z(composition) * np.sqrt(shape), shape)
        return np.where(self.variance > 0, found, 1.0)

    def threshold(self, p: float) -> Float[np.ndarray, "*pair"]:
        """The z that a share ``p`` of rotations exceeds; infinite where no rotation changes it."""
        shape = self._shape()
        found = (stats.gamma.isf(p, shape) - shape) / np.sqrt(shape)
        return np.where(self.variance > 0, found, np.inf)

    def _shape(self) -> Float[np.ndarray, "*pair"]:
        """The shape of the gamma distribution with this skew; nearly normal without any."""
        variance = np.where(self.variance > 0, self.variance, 1.0)
        skew = np.maximum(self.third / variance**1.5, LEAST_SKEW)
        return np.asarray(4 / skew**2)
