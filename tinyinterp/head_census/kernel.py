"""Patterns that position alone explains: a kernel over distances, and a mean by position.

The *kernel surrogate* ``P[i, j] = k(i - j) / sum over allowed j of k(i - j)`` has one number for
each distance. The *absolute surrogate* ``V[i, j]`` is the mean pattern by query and key position,
shrunk towards P where few sequences reach. Both are fitted on FIT sums alone.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial

import numpy as np
import torch
from jaxtyping import Bool, Float
from torch import Tensor

from tinyinterp.compiled import in_parts
from tinyinterp.head_census.kernels import score_shrinkages
from tinyinterp.head_census.patterns import number_of_keys

STEPS = 500
SETTLED = 1e-7  # largest change of a kernel value in one step at which the fit ends
SHRINKAGES = (1e9, 300.0, 30.0, 3.0)  # rows of P added to each mean row; of equals, the first


@dataclass(frozen=True)
class FitSums:
    """Sums of clean patterns of one layer over FIT, in two halves so that V can be judged."""

    weights: Float[Tensor, "half head query key"]
    rows: Float[Tensor, "half head query"]  # how many rows count
    window: int | None


@dataclass(frozen=True)
class Surrogate:
    """What position alone predicts, for one layer. Rows that are left out hold zeros."""

    kernel: Float[Tensor, "head distance"]  # over the median row's keys it sums to 1
    full_row: int  # keys of the median row: as far as the kernel is well known
    by_position: Float[Tensor, "head query key"]  # V
    shrinkage: Float[Tensor, " head"]
    window: int | None

    @property
    def by_distance(self) -> Float[Tensor, "head query key"]:
        """P, computed anew: as large as V, and the kernel says it all."""
        return surrogate_by_distance(self.kernel, self.window, self.by_position.shape[-1])


def fit_surrogate(sums: FitSums) -> Surrogate:
    """Fit k by maximum likelihood and V by the shrinkage that predicts the other half best."""
    weights, rows = sums.weights.sum(0), sums.rows.sum(0)
    full_row = _median_keys(rows, sums.window)
    kernel = fit_kernel(weights, rows, sums.window)
    kernel = kernel / kernel[:, :full_row].sum(1, keepdim=True)
    by_distance = surrogate_by_distance(kernel, sums.window, weights.shape[-1])
    shrinkages = torch.tensor(SHRINKAGES, dtype=torch.float64)
    likelihoods = np.zeros((len(kernel), len(SHRINKAGES)))
    read = (sums.weights, sums.rows, by_distance, shrinkages)
    in_parts(partial(score_shrinkages, *(x.numpy() for x in read), likelihoods), len(kernel))
    best = torch.from_numpy(likelihoods).argmax(1)
    shrinkage = shrinkages[best]
    by_position = _shrunk(weights, rows, by_distance, shrinkage[:, None, None])
    return Surrogate(kernel, full_row, by_position, shrinkage, sums.window)


def fit_kernel(
    weights: Float[Tensor, "head query key"],
    rows: Float[Tensor, "head query"],
    window: int | None,
) -> Float[Tensor, "head distance"]:
    """The kernel that makes the summed patterns most likely; each sums to 1.

    With ``n(d)`` the attention summed at distance d, ``c(i)`` the rows of query i and ``K(i)`` the
    kernel summed over the keys that query i may see, the likelihood
    ``sum n(d) log k(d) - sum c(i) log K(i)`` rises in every step
    ``k(d) <- n(d) / sum over the queries that can look d back of c(i) / K(i)``
    (a minorise-maximise step, Hunter 2004). One row's worth of uniform attention is added, so that
    no distance has zero. Distances that no row of a head was long enough for (rows that do not
    count differ by head) go on as the last eighth of those that were seen.
    """
    n_keys = number_of_keys(weights.shape[-1], window)
    reach = max(1, int(n_keys.max()))
    counts = torch.zeros(len(weights), reach + 1, dtype=torch.float64)
    counts.index_add_(1, n_keys, rows.double())  # rows by how many keys they have
    counts = counts[:, 1:]
    seen = _from_here_on(counts) > 0
    seen |= ~seen.any(1, keepdim=True)  # a head without rows: uniform
    kernel = _maximise(sum_by_distance(weights)[:, :reach], counts, seen)
    n_seen, distance = seen.sum(1, keepdim=True), torch.arange(reach)
    last = seen & (distance >= n_seen - (n_seen // 8).clamp_min(1))
    tail = (kernel * last).sum(1, keepdim=True) / last.sum(1, keepdim=True)
    kernel = kernel.where(seen, tail)
    return kernel / kernel.sum(1, keepdim=True)


def _median_keys(rows: Float[Tensor, "head query"], window: int | None) -> int:
    """How many keys the median row has, over all heads; at least 1."""
    counts = rows.sum(0).cumsum(0)
    middle = int((counts < counts[-1] / 2).sum()) if len(counts) else 0
    return max(1, int(number_of_keys(rows.shape[1], window)[min(middle, rows.shape[1] - 1)]))


def _maximise(
    summed: Float[Tensor, "head distance"],
    counts: Float[Tensor, "head distance"],
    seen: Bool[Tensor, "head distance"],
) -> Float[Tensor, "head distance"]:
    """The steps of :func:`fit_kernel`; ``counts[:, m - 1]`` are the rows that have m keys.

    Distances that were not ``seen`` stay zero: nothing would hold their values down.
    """
    n_keys = torch.arange(1, counts.shape[1] + 1)
    uniform = _from_here_on(counts / n_keys) / counts.sum(1, keepdim=True).clamp_min(1)
    summed = (summed + uniform.clamp_min(1e-9)) * seen
    kernel = seen.double() / seen.sum(1, keepdim=True)
    for _ in range(STEPS):
        rate = _from_here_on(counts / kernel.cumsum(1))
        updated = summed / rate.clamp_min(1e-9)
        updated = updated / updated.sum(1, keepdim=True)
        change = (updated - kernel).abs().max()
        kernel = updated
        if change < SETTLED:
            break
    return kernel


def _from_here_on(x: Float[Tensor, "head distance"]) -> Float[Tensor, "head distance"]:
    """Sums over this and all larger distances."""
    return x.flip(1).cumsum(1).flip(1)


def sum_by_distance(weights: Float[Tensor, "head query key"]) -> Float[Tensor, "head distance"]:
    """Sum along the diagonals: attention at each distance ``i - j``, in fp64."""
    n = weights.shape[-1]
    distance = torch.arange(n)[:, None] - torch.arange(n)[None, :]
    sums = torch.zeros(len(weights), n, dtype=torch.float64)
    causal = distance >= 0
    return sums.index_add_(1, distance[causal], weights[:, causal].double())


def surrogate_by_distance(
    kernel: Float[Tensor, "head distance"], window: int | None, n: int
) -> Float[Tensor, "head query key"]:
    """P for ``n`` positions; distances that the kernel was not fitted on get nothing."""
    distance = torch.arange(n)[:, None] - torch.arange(n)[None, :]
    n_keys = number_of_keys(n, window)
    allowed = (distance >= 0) & (distance < n_keys[:, None]) & (distance < kernel.shape[1])
    whole = kernel[:, distance.clamp(0, kernel.shape[1] - 1)] * allowed
    return whole / whole.sum(-1, keepdim=True).clamp_min(1e-300)


def _shrunk(
    weights: Float[Tensor, "head query key"],
    rows: Float[Tensor, "head query"],
    prior: Float[Tensor, "head query key"],
    shrinkage: float | Float[Tensor, "head 1 1"],
) -> Float[Tensor, "head query key"]:
    """``(weights + shrinkage * prior) / (rows + shrinkage)``, exactly ``prior`` without rows."""
    rows = rows[..., None]
    return prior + (weights - rows * prior) / (rows + shrinkage)
