"""Numbers with their uncertainty: intervals by blocks of stories, AUROC, false discovery.

Tokens of one story are alike, so an interval that took them for independent would be too narrow.
Everything here resamples or sums by *blocks* of stories instead (see
:mod:`tinyinterp.text.sequences`).

An interval of which nothing is known is everything: minus to plus infinity. It then lies across any
threshold, and no comparison with it can be mistaken for a finding.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from statistics import NormalDist

import numpy as np
from jaxtyping import Bool, Float

CONFIDENCE = 0.95
REPLICATES = 1000
Seed = int | tuple[int, ...] | np.random.Generator


@dataclass(frozen=True)
class Interval:
    """A value with its bounds."""

    value: float
    low: float
    high: float


def resample(
    present: Bool[np.ndarray, " unit"], seed: Seed, replicates: int = REPLICATES
) -> Float[np.ndarray, "replicate unit"]:
    """How often each unit is drawn in each replicate of a bootstrap; absent ones never are.

    Each replicate draws, with replacement, as many units as are present.

    >>> resample(np.array([True, False, True]), seed=0, replicates=2).sum(axis=1).tolist()
    [2.0, 2.0]
    """
    weights = np.zeros((replicates, len(present)))
    n = int(present.sum())
    if n:
        random = np.random.default_rng(seed)
        weights[:, present] = random.multinomial(n, np.full(n, 1 / n), size=replicates)
    return weights


def percentile_interval(
    replicates: Float[np.ndarray, "replicate *shape"], confidence: float = CONFIDENCE
) -> tuple[Float[np.ndarray, "*shape"], Float[np.ndarray, "*shape"]]:
    """The middle of the replicates. NaN is left out; where all are NaN, nothing is known."""
    tail = (1 - confidence) / 2
    unknown = np.isnan(replicates).all(axis=0)
    low, high = _known_quantiles(np.where(unknown, 0.0, replicates), [tail, 1 - tail])
    return np.where(unknown, -np.inf, low), np.where(unknown, np.inf, high)


def block_bootstrap(
    statistic: Callable[..., np.ndarray],
    *sums: Float[np.ndarray, "block ..."],
    seed: Seed = 0,
    replicates: int = REPLICATES,
    confidence: float = CONFIDENCE,
) -> tuple[np.ndarray, np.ndarray]:
    """Interval of a statistic of sums over stories, by drawing blocks with replacement.

    Args:
        statistic: takes the sums over all blocks, each with the replicates as a first axis, and
            gives the statistic with the same first axis.
        sums: what each block adds; blocks that are empty in all of them are left out.
        seed: of the draws; a generator is drawn from.
        replicates: how many times the blocks are drawn.
        confidence: share of the replicates inside the interval.

    Returns:
        The bounds, in the shape of the statistic. A replicate in which it is NaN is left out; with
        fewer than two blocks that hold anything, nothing is known.

    >>> hits, trials = np.array([1.0, 1, 0, 2]), np.array([2.0, 2, 2, 2])
    >>> [float(bound.round(2)) for bound in block_bootstrap(np.divide, hits, trials)]
    [0.12, 0.75]
    """
    used = np.zeros(len(sums[0]), dtype=bool)
    for array in sums:
        used |= array.reshape(len(array), -1).any(axis=1)
    enough = bool(used.sum() >= 2)
    weights = resample(used if enough else ~np.zeros_like(used), seed, replicates)
    with np.errstate(divide="ignore", invalid="ignore"):
        values = statistic(*(np.tensordot(weights, array, axes=1) for array in sums))
    return percentile_interval(values if enough else np.full_like(values, np.nan), confidence)


def _known_quantiles(
    values: Float[np.ndarray, "replicate ..."], shares: list[float]
) -> list[np.ndarray]:
    """``np.nanquantile`` over the first axis, which goes through the others one by one."""
    ranked = np.sort(values, axis=0)  # NaN comes last
    last = np.maximum((~np.isnan(values)).sum(axis=0) - 1, 0)
    found = []
    for share in shares:
        rank = share * last
        below = np.floor(rank).astype(np.int64)
        low, high = (
            np.take_along_axis(ranked, at[None], axis=0)[0]
            for at in (below, np.minimum(below + 1, last))
        )
        found.append(np.asarray(low + (high - low) * (rank - below)))
    return found


def ratio_interval(
    numerators: Float[np.ndarray, "block item"],
    denominators: Float[np.ndarray, "block item"],
    seed: int = 0,
) -> tuple[Float[np.ndarray, " item"], Float[np.ndarray, " item"]]:
    """Interval of a share, ``sum(numerators) / sum(denominators)``, for many items.

    An item whose denominator is above 0 in fewer than two blocks gets [0, 1].
    """
    low, high = block_bootstrap(lambda a, b: a / b, numerators, denominators, seed=seed)
    known = ((denominators > 0).sum(axis=0) >= 2) & np.isfinite(low)
    return np.where(known, low, 0.0), np.where(known, high, 1.0)


def wilson_interval(
    successes: Float[np.ndarray, " item"],
    trials: Float[np.ndarray, " item"],
    confidence: float = CONFIDENCE,
) -> tuple[Float[np.ndarray, " item"], Float[np.ndarray, " item"]]:
    """Wilson's interval of a share of independent trials; [0, 1] without trials."""
    z = NormalDist().inv_cdf((1 + confidence) / 2)
    n = np.maximum(trials, 1)
    share = successes / n
    centre = (share + z**2 / (2 * n)) / (1 + z**2 / n)
    half = z / (1 + z**2 / n) * np.sqrt(share * (1 - share) / n + z**2 / (4 * n**2))
    known = trials > 0
    return np.where(known, centre - half, 0.0), np.where(known, centre + half, 1.0)


def auroc_of_counts(
    scores: Float[np.ndarray, " group"],
    positives: Float[np.ndarray, " group"],
    negatives: Float[np.ndarray, " group"],
) -> float:
    """Chance that a positive scores above a negative, ties counted half; 0.5 if one side is empty.

    Args:
        scores: of groups of samples that share one score.
        positives: how many samples of each group are positive.
        negatives: how many are negative.

    >>> auroc_of_counts(np.array([1.0, 2, 3]), np.array([0.0, 1, 1]), np.array([1.0, 1, 0]))
    0.875
    """
    pairs = float(positives.sum() * negatives.sum())
    if not pairs:
        return 0.5
    level = np.unique(scores, return_inverse=True)[1]
    at_level = np.bincount(level, weights=negatives)
    below = at_level.cumsum() - at_level / 2
    return float((positives * below[level]).sum()) / pairs


def q_values(p: Float[np.ndarray, "..."]) -> Float[np.ndarray, "..."]:
    """Benjamini-Hochberg over all entries: the false discovery rate at which each is a finding.

    As ``scipy.stats.false_discovery_control``, whose module takes a second to import.

    >>> q_values(np.array([0.01, 0.04, 0.03, 0.9])).round(3).tolist()
    [0.04, 0.053, 0.053, 0.9]
    """
    order = np.argsort(p, axis=None)
    q = p.ravel()[order] * (p.size / np.arange(1, p.size + 1))
    found = np.empty(p.size)
    found[order] = np.minimum.accumulate(q[::-1])[::-1]
    return np.clip(found, 0, 1).reshape(p.shape)
