"""What is learnt from the FIT stories: means by token type and by position, and what is a hit."""

from __future__ import annotations

import numpy as np
from jaxtyping import Float, Int

from tinyinterp.neuron_census.extremes import Extremes
from tinyinterp.neuron_census.kernels import fit_rows, over_neurons
from tinyinterp.neuron_census.rows import Rows

SHRINK = 4  # a mean by position counts as if this many tokens with the overall mean had been seen


class FittedSide:
    """Running sums of one layer, in double precision.

    Memory is bounded by the token types of the text and by the context, not by its length.

    Args:
        n_types: token types; rows name them by their place among those of the text.
    """

    def __init__(self, n_neurons: int, n_types: int, n_ctx: int) -> None:
        self._by_type = np.zeros((n_types, n_neurons))
        self._types = np.zeros(n_types, dtype=np.int64)
        self._by_position = np.zeros((n_ctx, n_neurons))
        self._positions = np.zeros(n_ctx, dtype=np.int64)

    def add(
        self,
        values: Float[np.ndarray, "flat neuron"],
        rows: Rows,
        types: Int[np.ndarray, " row"],
        extremes: Extremes,
    ) -> None:
        """Take in more rows, and list their extremes."""
        order = types.argsort(kind="stable")
        picked = rows.rows[order], rows.ids[order], types[order], rows.positions[order]

        def work(first: int, last: int) -> None:
            fit_rows(
                *(values, *picked, self._by_type, self._by_position),
                *extremes.lists,
                *(extremes.per_story, first, last),
            )

        over_neurons(work, values.shape[1])
        self._types += np.bincount(types, minlength=len(self._types))
        self._positions += np.bincount(rows.positions, minlength=len(self._positions))

    def merge(self, other: FittedSide) -> None:
        """Take in the sums of another part of the text."""
        more = other.arrays()
        for name, array in self.arrays().items():
            array[...] += more[name]

    def arrays(self) -> dict[str, np.ndarray]:
        """All that it holds."""
        names = ("_by_type", "_types", "_by_position", "_positions")
        return {name: getattr(self, name) for name in names}

    @property
    def n_tokens(self) -> int:
        """How many rows came in."""
        return int(self._positions.sum())

    def means_by_position(self) -> Float[np.ndarray, "position neuron"]:
        """The mean at each position, drawn towards the overall mean where few stories reach."""
        counts = self._positions[:, None]
        means = (self._by_position + SHRINK * self.mean()) / (counts + SHRINK)
        return means.astype(np.float32)

    def means_of(self, types: Int[np.ndarray, " kind"]) -> Float[np.ndarray, "kind neuron"]:
        """The mean on each of these token types; the overall mean for one that FIT has not."""
        counts = self._types[types][:, None]
        return np.where(counts > 0, self._by_type[types] / np.maximum(counts, 1), self.mean())

    def mean(self) -> Float[np.ndarray, " neuron"]:
        """The mean over all tokens."""
        return self._by_position.sum(axis=0) / max(self.n_tokens, 1)


def hit_level(largest: Float[np.ndarray, " neuron"]) -> Float[np.ndarray, " neuron"]:
    """Half of the largest activation: from here on a token is a hit.

    Infinity for a neuron that is never above zero.
    """
    return np.where(largest > 0, largest / 2, np.inf).astype(np.float32)
