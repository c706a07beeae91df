"""How strongly a neuron follows a tag: Pearson's r of activation and tag, over all of TEST.

r chooses a neuron's best tag. NeuronEval (Oikarinen, Yan and Weng, ICML 2025, arXiv 2506.05774)
asks of a measure that halving or doubling the set of tokens that an explanation names lowers the
score. r passes; AUROC hardly changes where a rare tag is halved. docs/measures.md has the outcome
on planted neurons.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float, Int
from scipy import stats

from tinyinterp.neuron_census.activations import Rows
from tinyinterp.neuron_census.kernels import add_by_target, over_neurons
from tinyinterp.neuron_census.targets import Targets
from tinyinterp.processes import Processes
from tinyinterp.statistics import CONFIDENCE
from tinyinterp.text.sequences import N_BLOCKS

FEWEST_OF_A_TAG = 50  # tokens with a target, and tokens without it, that a number needs
NEAREST_TO_ONE = 1e-9  # Fisher's z is infinite at 1, so bounds are computed no nearer to it


class TagSums:
    """Scored TEST tokens by block and target, and sums of a layer's activations over them, in fp64.

    Memory grows with blocks, targets and neurons, not with the text.

    Args:
        n_neurons: of the layer.
        all_targets: of the tag set.
    """

    def __init__(self, n_neurons: int, all_targets: Targets) -> None:
        self.sums = np.zeros((N_BLOCKS, all_targets.n, n_neurons))
        self.squares = np.zeros((N_BLOCKS, n_neurons))
        self.counts = np.zeros((N_BLOCKS, all_targets.n), dtype=np.int64)
        self.all_targets = all_targets

    def merge(self, processes: Processes) -> None:
        """Add the sums of other processes."""
        processes.add(self.sums, self.squares, self.counts)

    def add(
        self,
        values: Float[np.ndarray, "flat neuron"],
        rows: Rows,
        targets: Int[np.ndarray, "row three"],
    ) -> None:
        """Add the rows that are scored.

        Args:
            values: of the layer.
            rows: which rows of ``values`` count.
            targets: the targets of each; below 0: none.
        """
        scored = targets[:, 0] >= 0
        picked = rows.rows[scored], rows.blocks[scored], targets[scored]

        def work(first: int, last: int) -> None:
            add_by_target(values, *picked, self.sums, self.squares, first, last)

        over_neurons(work, values.shape[1])
        row, side = np.nonzero(picked[2] >= 0)
        np.add.at(self.counts, (picked[1][row], picked[2][row, side]), 1)

    def arrays(self) -> dict[str, np.ndarray]:
        """Its whole state, by name."""
        return {"sums": self.sums, "squares": self.squares, "counts": self.counts}


@dataclass(frozen=True)
class Correlation:
    """Pearson's r of every target and neuron; 0 [-1, 1] where nothing is known."""

    value: Float[np.ndarray, "target neuron"]
    low: Float[np.ndarray, "target neuron"]
    high: Float[np.ndarray, "target neuron"]

    def best(self, tested: Bool[np.ndarray, " target"], own: range) -> Int[np.ndarray, " neuron"]:
        """The tag of the word itself whose r has the largest lower bound; -1 if none is known.

        By the bound, since a rare tag often has the largest value by chance.

        Args:
            tested: which targets may be chosen.
            own: the targets of the word itself.
        """
        chosen = own.start + np.flatnonzero(tested[own.start : own.stop])
        if not len(chosen):
            return np.full(self.low.shape[1], -1)
        low = self.low[chosen]
        return np.where(low.max(axis=0) > -1, chosen[low.argmax(axis=0)], -1)


def correlate(sums: TagSums) -> Correlation:
    """Pearson's r between activation and tag (1 with it, 0 without), over all scored TEST tokens.

    The value is exact: it needs only sums over tokens. The interval is Fisher's, its standard error
    by the delta method with blocks of stories as clusters: a token with standard scores x of its
    activation and y of its tag contributes ``x y - r / 2 (x² + y²)``, and the scatter of the
    blocks' totals is the error. The law is Student's t with one degree of freedom fewer than
    blocks.

    Returns:
        0 [-1, 1] for a neuron that is constant, and for a target that fewer than 50 tokens have or
        lack; bounds -1 and 1 with fewer than two blocks.
    """
    own = sums.all_targets.own
    with_tag = sums.counts.astype(np.float64)
    tokens = with_tag[:, own.start : own.stop].sum(axis=1, keepdims=True)  # [block 1]
    totals = sums.sums[:, own.start : own.stop].sum(axis=1)  # [block neuron]
    n = max(tokens.sum(), 1.0)
    mean, square = totals.sum(axis=0) / n, sums.squares.sum(axis=0) / n
    variance = square - mean**2
    varies = variance > 1e-12 * square  # below this the variance is noise of the subtraction
    variance = np.where(varies, variance, 1.0)
    centred = totals - tokens * mean
    x_squares = (sums.squares - 2 * mean * totals + tokens * mean**2) / variance
    n_blocks = int((tokens > 0).sum())
    found = np.zeros((3, with_tag.shape[1], len(mean)))
    found[1:] = np.array([-1.0, 1.0])[:, None, None]
    for target, n_with in enumerate(with_tag.sum(axis=0)):
        if min(n_with, n - n_with) < FEWEST_OF_A_TAG:
            continue
        of_block, share = with_tag[:, target, None], n_with / n
        y_variance = share * (1 - share)
        y_squares = (of_block * (1 - 2 * share) + tokens * share**2) / y_variance
        products = sums.sums[:, target] - of_block * mean - share * centred
        products /= np.sqrt(variance * y_variance)
        r = np.clip(products.sum(axis=0) / n, -1.0, 1.0)
        low, high = -np.ones_like(r), np.ones_like(r)
        if n_blocks > 1:
            parts = products - r / 2 * (x_squares + y_squares)
            error = np.sqrt((parts**2).sum(axis=0) * n_blocks / (n_blocks - 1)) / n
            low, high = _fisher(r, error, n_blocks - 1)
        found[:, target] = np.where(varies, [r, low, high], found[:, target])
    return Correlation(*found)


def _fisher(
    r: Float[np.ndarray, " neuron"], error: Float[np.ndarray, " neuron"], degrees: int
) -> tuple[Float[np.ndarray, " neuron"], Float[np.ndarray, " neuron"]]:
    """The interval of r: even about Fisher's z, so that it stays within -1 and 1."""
    inside = np.clip(r, NEAREST_TO_ONE - 1, 1 - NEAREST_TO_ONE)
    half = stats.t.isf((1 - CONFIDENCE) / 2, degrees) * error / (1 - inside**2)
    z = np.arctanh(inside)
    return np.minimum(np.tanh(z - half), r), np.maximum(np.tanh(z + half), r)
