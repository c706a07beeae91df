"""How well a neuron's activation predicts a tag: AUROC on an even sample of TEST tokens."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float, Int
from scipy import stats

from tinyinterp.neuron_census.correlation import FEWEST_OF_A_TAG
from tinyinterp.neuron_census.kernels import over_neurons
from tinyinterp.neuron_census.ranking import (
    auroc_of_kinds,
    auroc_within,
    pack_rows,
    rank_targets,
)
from tinyinterp.neuron_census.sample import Sample, prevalence
from tinyinterp.neuron_census.targets import Targets
from tinyinterp.statistics import CONFIDENCE, q_values

NEURONS_AT_ONCE = 64
COLUMNS = 32  # a multiple of the numbers that a vector unit adds at once


@dataclass(frozen=True)
class Association:
    """Every target against every neuron. A target not tested has AUROC 0.5, p and q 1."""

    auroc: Float[np.ndarray, "target neuron"]
    low: Float[np.ndarray, "target neuron"]
    high: Float[np.ndarray, "target neuron"]
    precision: Float[np.ndarray, "target neuron"]  # average precision
    p: Float[np.ndarray, "target neuron"]
    q: Float[np.ndarray, "target neuron"]
    tested: Bool[np.ndarray, " target"]  # which targets have enough tokens
    all_targets: Targets


def associate(values: Float[np.ndarray, "row neuron"], sample: Sample) -> Association:
    """Test every neuron of a layer against every target.

    The p-value is two-sided: ``AUROC - 0.5`` over the scatter of its parts by block of stories, by
    Student's t with one degree of freedom fewer than blocks. The interval is DeLong's with blocks
    as clusters.
    """
    n_rows, n_neurons = values.shape
    counts = prevalence(sample)
    numbers = np.unique(sample.blocks, return_inverse=True)[1]
    n_blocks = int(numbers.max(initial=-1)) + 1
    rows, padded_counts, block_own = _packed_rows(sample, numbers, counts)
    block_rows = np.bincount(numbers, minlength=n_blocks).astype(block_own.dtype)
    # AUROC, average precision, standard error of the AUROC, the same under the null
    found = np.zeros((n_neurons, 4, len(counts)))

    def work(first: int, last: int) -> None:
        for start in range(first, last, NEURONS_AT_ONCE):
            chosen = slice(start, min(start + NEURONS_AT_ONCE, last))
            columns = np.ascontiguousarray(values.T[chosen])
            rank_targets(columns, rows, padded_counts, block_rows, block_own, found[chosen])

    over_neurons(work, n_neurons)
    auroc, precision, error, null = found.transpose(1, 2, 0)
    tested = (counts >= FEWEST_OF_A_TAG) & (n_rows - counts >= FEWEST_OF_A_TAG)
    if n_blocks < 2:
        low, high, p = np.zeros_like(auroc), np.ones_like(auroc), np.ones_like(auroc)
    else:
        half = stats.t.isf((1 - CONFIDENCE) / 2, n_blocks - 1) * error
        low, high = np.maximum(auroc - half, 0.0), np.minimum(auroc + half, 1.0)
        t = np.divide(np.abs(auroc - 0.5), null, out=np.zeros_like(null), where=null > 0)
        p = 2 * stats.t.sf(t, n_blocks - 1)
    unknown = ~tested[:, None]
    auroc, low = np.where(unknown, 0.5, auroc), np.where(unknown, 0.0, low)
    high, p = np.where(unknown, 1.0, high), np.where(unknown, 1.0, p)
    q = false_discovery(p, tested)
    return Association(auroc, low, high, precision, p, q, tested, sample.all_targets)


def _packed_rows(
    sample: Sample, blocks: Int[np.ndarray, " row"], counts: Int[np.ndarray, " target"]
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """What :func:`rank_targets` reads of the rows: targets and block, and the counts of both.

    The columns of the counts are filled up, so that the innermost loop has no odd end; the last one
    is that of no target.
    """
    n_columns = -(-(len(counts) + 1) // COLUMNS) * COLUMNS
    targets = np.where(sample.targets < 0, n_columns - 1, sample.targets)
    rows = pack_rows(sample.targets, blocks, n_columns - 1)
    exact = np.int32 if 2 * len(rows) ** 2 < 2**31 else np.int64
    block_own = np.zeros((int(blocks.max(initial=-1)) + 1, n_columns), dtype=exact)
    np.add.at(block_own, (blocks[:, None], targets), 1)
    return rows, np.append(counts, np.zeros(n_columns - len(counts), np.int64)), block_own


def false_discovery(
    p: Float[np.ndarray, "target neuron"], tested: Bool[np.ndarray, " target"]
) -> Float[np.ndarray, "target neuron"]:
    """Benjamini-Hochberg q-values over all neurons and tested targets; 1 for other targets."""
    q = np.ones_like(p)
    if tested.any():
        q[tested] = q_values(p[tested])
    return q


class TokenControl:
    """How well token identity alone predicts a target, and what the neuron adds to it.

    Args:
        values: of one layer.
        sample: the tokens to predict.
        means: each neuron's mean FIT activation on the token types of the sample, in the order of
            :func:`numpy.unique`.
    """

    def __init__(
        self,
        values: Float[np.ndarray, "row neuron"],
        sample: Sample,
        means: Float[np.ndarray, "kind neuron"],
    ) -> None:
        self._values = values
        self._means = means
        self._sample = sample
        self._kinds = np.unique(sample.types, return_inverse=True)[1]
        self._all = np.bincount(self._kinds, minlength=len(means)).astype(np.float64)
        self._known: dict[int, _Compared] = {}

    def by_token(self, neuron: int, target: int) -> float:
        """AUROC of a predictor that knows only the token: the neuron's mean on its type."""
        means = np.ascontiguousarray(self._means[:, neuron])
        return auroc_of_kinds(means, means.argsort(), self._of(target).positives, self._all)

    def within(self, neuron: int, target: int) -> tuple[float, int]:
        """AUROC among tokens of the same type, and how many tokens it compares.

        Only types that occur with and without the target count; 0.5 and 0 if there is none.
        """
        of = self._of(target)
        values = self._values[of.chosen, neuron]
        return auroc_within(values, of.positive, of.kinds, len(self._all))

    def _of(self, target: int) -> _Compared:
        if target not in self._known:
            positive = self._sample.positive(target)
            found = np.bincount(self._kinds[positive], minlength=len(self._all))
            positives = found.astype(np.float64)
            both = (positives > 0) & (positives < self._all)
            chosen = np.flatnonzero(both[self._kinds])
            self._known[target] = _Compared(
                positives, chosen, positive[chosen], self._kinds[chosen]
            )
        return self._known[target]


@dataclass(frozen=True)
class _Compared:
    """The tokens that a target is compared on."""

    positives: Float[np.ndarray, " kind"]  # how many tokens of each type have it
    chosen: Int[np.ndarray, " chosen"]  # the tokens of types with and without it
    positive: Bool[np.ndarray, " chosen"]  # which of these have it
    kinds: Int[np.ndarray, " chosen"]  # their types
