"""Numbers with their uncertainty: intervals by blocks of stories, AUROC, false discovery.

Tokens of one story are alike, so an interval that took them for independent would be too narrow.
Everything here resamples or sums by *blocks* of stories instead (see
:mod:`tinyinterp.text.corpus`).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float, Int
from scipy import sparse, stats

CONFIDENCE = 0.95
REPLICATES = 1000


def block_bootstrap(
    statistic: Callable[..., np.ndarray],
    *sums: Float[np.ndarray, "block ..."],
    seed: int = 0,
    replicates: int = REPLICATES,
    confidence: float = CONFIDENCE,
) -> tuple[np.ndarray, np.ndarray]:
    """Interval of a statistic of sums over stories, by drawing blocks with replacement.

    Args:
        statistic: takes the sums over all blocks, each with the replicates as a first axis, and
            gives the statistic with the same first axis.
        sums: what each block adds; blocks that are empty in all of them are left out.

    Returns:
        The bounds, in the shape of the statistic. A replicate in which it is NaN is left out; with
        fewer than two blocks that hold anything, nothing is known: minus and plus infinity.

    >>> hits, trials = np.array([1.0, 1, 0, 2]), np.array([2.0, 2, 2, 2])
    >>> [float(bound.round(2)) for bound in block_bootstrap(np.divide, hits, trials)]
    [0.12, 0.75]
    """
    used = np.zeros(len(sums[0]), dtype=bool)
    for array in sums:
        used |= array.reshape(len(array), -1).any(axis=1)
    enough = used.sum() >= 2
    if not enough:
        used[:] = True
    n_blocks = int(used.sum())
    weights = np.random.default_rng(seed).multinomial(
        n_blocks, np.full(n_blocks, 1 / n_blocks), size=replicates
    )
    drawn = [np.tensordot(weights.astype(np.float64), array[used], axes=1) for array in sums]
    with np.errstate(divide="ignore", invalid="ignore"):
        values = statistic(*drawn)
    tail = (1 - confidence) / 2
    nothing = np.isnan(values).all(axis=0)
    low, high = _known_quantiles(np.where(nothing, 0.0, values), [tail, 1 - tail])
    unknown = nothing | (not enough)
    return np.where(unknown, -np.inf, low), np.where(unknown, np.inf, high)


def _known_quantiles(
    values: Float[np.ndarray, "replicate ..."], shares: list[float]
) -> list[np.ndarray]:
    """``np.nanquantile`` over the first axis, which goes through the others one by one."""
    ranked = np.sort(values, axis=0)  # NaN comes last
    last = np.maximum((~np.isnan(values)).sum(axis=0) - 1, 0)
    found = []
    for share in shares:
        place = share * last
        below = np.floor(place).astype(np.int64)
        low, high = (
            np.take_along_axis(ranked, at[None], axis=0)[0]
            for at in (below, np.minimum(below + 1, last))
        )
        found.append(np.asarray(low + (high - low) * (place - below)))
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
    z = stats.norm.isf((1 - confidence) / 2)
    n = np.maximum(trials, 1)
    share = successes / n
    centre = (share + z**2 / (2 * n)) / (1 + z**2 / n)
    half = z / (1 + z**2 / n) * np.sqrt(share * (1 - share) / n + z**2 / (4 * n**2))
    known = trials > 0
    return np.where(known, centre - half, 0.0), np.where(known, centre + half, 1.0)


def auroc(scores: Float[np.ndarray, " sample"], positive: Bool[np.ndarray, " sample"]) -> float:
    """Chance that a positive scores above a negative, ties counted half; 0.5 if one side is empty.

    >>> auroc(np.array([3.0, 1.0, 2.0, 2.0]), np.array([True, False, True, False]))
    0.875
    """
    return auroc_of_counts(scores, positive.astype(np.float64), (~positive).astype(np.float64))


def auroc_of_counts(
    scores: Float[np.ndarray, " group"],
    positives: Float[np.ndarray, " group"],
    negatives: Float[np.ndarray, " group"],
) -> float:
    """AUROC of samples that come in groups of one score: so many positives, so many negatives."""
    pairs = float(positives.sum() * negatives.sum())
    if not pairs:
        return 0.5
    level = np.unique(scores, return_inverse=True)[1]
    at_level = np.bincount(level, weights=negatives)
    below = at_level.cumsum() - at_level / 2
    return float((positives * below[level]).sum()) / pairs


@dataclass(frozen=True)
class RankTests:
    """AUROC of every item's scores for every class against the rest, with two-sided p-values."""

    auroc: Float[np.ndarray, "cls item"]
    p: Float[np.ndarray, "cls item"]


def rank_tests(
    ranks: Float[np.ndarray, "sample item"],
    classes: Int[np.ndarray, " sample"],
    n_classes: int,
    blocks: Int[np.ndarray, " sample"],
) -> RankTests:
    """Test many items against many classes with one ranking of each item.

    With F the rank as a share of the samples, ``AUROC - 0.5`` is the mean of F over the class less
    that over the rest, and so a sum over blocks. Where scores and class are unrelated, the scatter
    of the blocks' parts is its standard error; its law is taken as Student's t with one degree of
    freedom less than there are blocks. Unlike DeLong's, this error does not vanish where class and
    rest lie apart.

    Args:
        ranks: of each item's scores, from 1, ties at their mean (``scipy.stats.rankdata``).
        classes: the class of each sample, from 0; below 0: of none.
        blocks: the block of each sample; samples of one block may be alike.

    Returns:
        0.5 and 1 for a class that is empty or everything; p = 1 with fewer than two blocks.
    """
    n_samples, n_items = ranks.shape
    numbers = np.unique(blocks, return_inverse=True)[1]
    n_blocks = int(numbers.max(initial=0)) + 1
    columns = n_classes + 1  # the last for samples of no class
    cells = numbers * columns + np.where(classes < 0, n_classes, classes)
    indicator = sparse.csr_array(
        (np.ones(n_samples), (cells, np.arange(n_samples))), shape=(n_blocks * columns, n_samples)
    )
    shares = indicator @ ((ranks - 0.5) / max(n_samples, 1) - 0.5)
    sums = shares.reshape(n_blocks, columns, n_items)
    inside = sums[:, :n_classes]
    outside = sums.sum(axis=1, keepdims=True) - inside
    n_inside = np.bincount(classes[classes >= 0], minlength=n_classes)[:, None]
    n_outside = n_samples - n_inside
    parts = inside / np.maximum(n_inside, 1) - outside / np.maximum(n_outside, 1)
    testable = (n_inside > 0) & (n_outside > 0)
    effect = np.where(testable, parts.sum(axis=0), 0.0)
    if n_blocks < 2:
        return RankTests(0.5 + effect, np.ones_like(effect))
    error = np.sqrt(n_blocks * parts.var(axis=0, ddof=1))
    t = np.divide(np.abs(effect), error, out=np.zeros_like(effect), where=error > 0)
    return RankTests(0.5 + effect, 2 * stats.t.sf(t, n_blocks - 1))


@dataclass(frozen=True)
class Interval:
    """A value with its bounds."""

    value: float
    low: float
    high: float


def auroc_interval(
    ranks: Float[np.ndarray, " sample"],
    positive: Bool[np.ndarray, " sample"],
    blocks: Int[np.ndarray, " sample"],
    confidence: float = CONFIDENCE,
) -> Interval:
    """AUROC with DeLong's interval for clustered samples (Obuchowski 1997), blocks as clusters.

    A positive's *placement* is the share of negatives below it, a negative's the share of positives
    above it (ties half); AUROC is the mean of either. What a block's placements deviate from that
    mean, summed, is the block's part of the error. Bounds are cut to [0, 1]; with one side empty or
    with fewer than two blocks they are 0 and 1.

    Args:
        ranks: as for :func:`rank_tests`; multiples of a half, so counting replaces sorting.
    """
    n_positive = int(positive.sum())
    n_negative = len(positive) - n_positive
    if not n_positive or not n_negative:
        return Interval(0.5, 0.0, 1.0)
    place = np.rint(2 * ranks).astype(np.int64)
    at_place = np.bincount(place[positive], minlength=2 * len(ranks) + 1)
    positives_below = (at_place.cumsum() - at_place / 2)[place]
    negatives_below = ranks - 0.5 - positives_below
    value = float(negatives_below[positive].mean() / n_negative)
    numbers = np.unique(blocks, return_inverse=True)[1]
    n_blocks = int(numbers.max()) + 1
    if n_blocks < 2:
        return Interval(value, 0.0, 1.0)
    deviations = np.where(
        positive,
        (negatives_below / n_negative - value) / n_positive,
        (1 - positives_below / n_positive - value) / n_negative,
    )
    sums = np.bincount(numbers, weights=deviations, minlength=n_blocks)
    error = np.sqrt(n_blocks / (n_blocks - 1) * (sums**2).sum())
    half = float(stats.t.isf((1 - confidence) / 2, n_blocks - 1) * error)
    return Interval(value, max(0.0, value - half), min(1.0, value + half))


def q_values(p: Float[np.ndarray, "..."]) -> Float[np.ndarray, "..."]:
    """Benjamini-Hochberg over all entries: the false discovery rate at which each is a finding."""
    return np.asarray(stats.false_discovery_control(p.ravel())).reshape(p.shape)
