"""What is counted on the TEST stories: hits by token and by tag, and how far position explains."""

from __future__ import annotations

import numpy as np
from jaxtyping import Float, Int

from tinyinterp.neuron_census.extremes import Extremes
from tinyinterp.neuron_census.kernels import over_neurons, test_rows
from tinyinterp.neuron_census.rows import Rows
from tinyinterp.statistics import block_bootstrap
from tinyinterp.text.corpus import N_BLOCKS


class HeldOutSide:
    """Running counts of one layer; what the bootstrap needs is kept by block of stories.

    Args:
        level: from here on a token is a hit.
        by_position: what position alone predicts.
        n_types: token types of the text.
        n_targets: that a token may be of.
    """

    def __init__(
        self,
        level: Float[np.ndarray, " neuron"],
        by_position: Float[np.ndarray, "position neuron"],
        n_types: int,
        n_targets: int,
    ) -> None:
        n_neurons = len(level)
        self.block_hits = np.zeros((N_BLOCKS, n_neurons), dtype=np.int32)
        self.block_target_hits = np.zeros((N_BLOCKS, n_targets, n_neurons), dtype=np.int32)
        self._type_hits = np.zeros((n_types, n_neurons), dtype=np.int32)
        self._above_zero = np.zeros(n_neurons, dtype=np.int32)
        self._moments = np.zeros((3, N_BLOCKS, n_neurons))
        self._level = level
        self._by_position = by_position

    def add(
        self,
        values: Float[np.ndarray, "flat neuron"],
        rows: Rows,
        types: Int[np.ndarray, " row"],
        targets: Int[np.ndarray, "row three"],
        extremes: Extremes,
        *,
        listed: bool,
    ) -> None:
        """Take in more rows with the targets that their tokens are of (below 0: of none).

        Args:
            listed: whether the extremes are to see these rows.
        """

        def work(first: int, last: int) -> None:
            test_rows(
                values,
                *(rows.rows, rows.ids, types, rows.positions, rows.blocks, targets),
                *(self._level, self._by_position, self._moments, self._above_zero),
                *(self.block_hits, self.block_target_hits, self._type_hits),
                *extremes.lists,
                *(listed, extremes.per_story, first, last),
            )

        over_neurons(work, values.shape[1])

    def merge(self, other: HeldOutSide) -> None:
        """Take in the counts of another part of the text."""
        more = other.arrays()
        for name, array in self.arrays().items():
            if name != "_level":
                array[...] += more[name]

    def arrays(self) -> dict[str, np.ndarray]:
        """All that it holds."""
        names = (
            "block_hits",
            "block_target_hits",
            "_type_hits",
            "_above_zero",
            "_moments",
            "_level",
        )
        return {name: getattr(self, name) for name in names}

    def density(self, n_tokens: int) -> Float[np.ndarray, " neuron"]:
        """The share of tokens on which a neuron is above zero."""
        return self._above_zero / max(n_tokens, 1)

    def hits_by_type(self) -> Int[np.ndarray, "neuron kind"]:
        """How many hits each token type has."""
        return np.ascontiguousarray(self._type_hits.T)

    def position_shares(
        self, block_tokens: Int[np.ndarray, " block"], seed: int
    ) -> tuple[Float[np.ndarray, " neuron"], ...]:
        """Share of the variance that position explains, with its bounds (over blocks of stories).

        What FIT's means by position leave unexplained on TEST; so it is not flattered by positions
        that few stories reach, and below 0 where position is no guide. 0 for a constant.
        """
        sums, squares, errors = self._moments
        tokens = block_tokens[:, None].astype(np.float64)
        value = _explained(tokens.sum(0), sums.sum(0), squares.sum(0), errors.sum(0))
        low, high = block_bootstrap(_explained, tokens, sums, squares, errors, seed=seed)
        return value, low, high


def _explained(
    tokens: np.ndarray, sums: np.ndarray, squares: np.ndarray, errors: np.ndarray
) -> np.ndarray:
    """One less the unexplained share of the variance, from sums over tokens."""
    n = np.maximum(tokens, 1)
    variance = squares / n - (sums / n) ** 2
    rounding = 1e-12 * squares / n  # below this the variance is noise of the subtraction
    known = variance > rounding
    return np.where(known, 1 - errors / n / np.where(known, variance, 1), 0.0)
