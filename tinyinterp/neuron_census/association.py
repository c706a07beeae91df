"""How well a neuron's activation tells a part of speech: ranks on an even sample of tokens."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float, Int
from scipy import stats

from tinyinterp.neuron_census.kernels import over_neurons
from tinyinterp.neuron_census.ranking import auroc_within, rank_targets
from tinyinterp.neuron_census.sample import Sample, prevalence
from tinyinterp.neuron_census.targets import Targets
from tinyinterp.statistics import CONFIDENCE, auroc_of_counts, q_values

FEWEST_OF_A_TAG = 50  # tokens of a target, and others, below which it is not looked at
NEURONS_AT_ONCE = 64


@dataclass(frozen=True)
class Association:
    """Of every neuron with every target. What is not tested has AUROC 0.5 and p and q of 1."""

    auroc: Float[np.ndarray, "target neuron"]
    low: Float[np.ndarray, "target neuron"]
    high: Float[np.ndarray, "target neuron"]
    precision: Float[np.ndarray, "target neuron"]  # average precision
    p: Float[np.ndarray, "target neuron"]
    q: Float[np.ndarray, "target neuron"]
    tested: Bool[np.ndarray, " target"]  # which targets have tokens enough
    all_targets: Targets

    def best(self) -> Int[np.ndarray, " neuron"]:
        """The tested tag of the word itself whose AUROC is surely the largest; -1 if none is.

        By the lower bound, since a tag of few tokens often has the largest value by chance.
        """
        tested = np.flatnonzero(self.tested[: self.all_targets.own.stop])
        if not len(tested):
            return np.full(self.auroc.shape[1], -1)
        return tested[self.low[tested].argmax(axis=0)]


def associate(values: Float[np.ndarray, "row neuron"], sample: Sample) -> Association:
    """Test every neuron of a layer against every target.

    The p-value is two-sided: ``AUROC - 0.5`` against the scatter of its parts by block of stories
    (a sum over blocks), by Student's t with one degree of freedom less than
    there are blocks. The interval is DeLong's with blocks as clusters.
    """
    n_rows, n_neurons = values.shape
    counts = prevalence(sample)
    numbers = np.unique(sample.blocks, return_inverse=True)[1]
    n_blocks = int(numbers.max(initial=-1)) + 1
    # AUROC, average precision, its error, the error if nothing is told
    found = np.zeros((4, n_neurons, len(counts)))

    def work(first: int, last: int) -> None:
        for start in range(first, last, NEURONS_AT_ONCE):
            stop = min(start + NEURONS_AT_ONCE, last)
            columns = np.ascontiguousarray(values[:, start:stop].T)
            orders = columns.argsort(axis=1)
            for neuron in range(start, stop):
                rank_targets(
                    columns[neuron - start],
                    orders[neuron - start],
                    sample.targets,
                    numbers,
                    counts,
                    n_blocks,
                    *found[:, neuron],
                )

    over_neurons(work, n_neurons)
    auroc, precision, error, null = found.transpose(0, 2, 1)
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


def false_discovery(
    p: Float[np.ndarray, "target neuron"], tested: Bool[np.ndarray, " target"]
) -> Float[np.ndarray, "target neuron"]:
    """Benjamini-Hochberg over all neurons and tested targets; 1 for the others."""
    q = np.ones_like(p)
    if tested.any():
        q[tested] = q_values(p[tested])
    return q


class TokenControl:
    """How far token identity alone tells a target, and how far the neuron tells more.

    Args:
        values: of one layer.
        sample: the tokens that are predicted.
        means: of the token types of the sample, as :func:`numpy.unique` orders them: each neuron's
            mean activation on the FIT stories.
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
        self._known: dict[int, tuple[np.ndarray, np.ndarray]] = {}

    def by_token(self, neuron: int, target: int) -> float:
        """AUROC of the mean on the token's type as a predictor of the target."""
        positives, _ = self._of(target)
        return auroc_of_counts(self._means[:, neuron], positives, self._all - positives)

    def within(self, neuron: int, target: int) -> tuple[float, int]:
        """AUROC between tokens of one type, and how many tokens are of a type that has both.

        0.5 and 0 where there is no such type.
        """
        _, chosen = self._of(target)
        values = np.ascontiguousarray(self._values[chosen, neuron])
        positive = self._sample.positive(target)[chosen]
        return auroc_within(values, values.argsort(), positive, self._kinds[chosen], len(self._all))

    def _of(self, target: int) -> tuple[Float[np.ndarray, " kind"], Int[np.ndarray, " chosen"]]:
        """How many tokens of each type a target is about; the tokens of types that have both."""
        if target not in self._known:
            positive = self._sample.positive(target)
            found = np.bincount(self._kinds[positive], minlength=len(self._all))
            positives = found.astype(np.float64)
            both = (positives > 0) & (positives < self._all)
            self._known[target] = positives, np.flatnonzero(both[self._kinds])
        return self._known[target]
