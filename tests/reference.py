"""Slow or second ways to compute what the package computes: the tests compare with these.

Rank statistics of one item and class at a time, as their papers define them; the package has the
same in compiled loops over many neurons (:mod:`tinyinterp.neuron_census.association`).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float, Int
from scipy import sparse, stats

from tinyinterp.statistics import CONFIDENCE, Interval


def auroc(scores: Float[np.ndarray, " sample"], positive: Bool[np.ndarray, " sample"]) -> float:
    """Chance that a positive scores above a negative, ties counted half; 0.5 if one side is empty.

    >>> auroc(np.array([3.0, 1.0, 2.0, 2.0]), np.array([True, False, True, False]))
    0.875
    """
    n_positive, n_negative = int(positive.sum()), int((~positive).sum())
    if not n_positive or not n_negative:
        return 0.5
    ranks = stats.rankdata(scores.astype(np.float64))  # scipy 1.18 keeps the type of the scores
    u = ranks[positive].sum() - n_positive * (n_positive + 1) / 2
    return float(u / (n_positive * n_negative))


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
