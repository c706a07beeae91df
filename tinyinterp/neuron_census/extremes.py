"""The largest and the smallest activations of every neuron over a whole text, exact."""

from __future__ import annotations

import numpy as np
from jaxtyping import Float, Int

from tinyinterp.neuron_census.kernels import enter

NOWHERE = np.iinfo(np.int64).max  # the id of a place in a list that nothing has filled


class Extremes:
    """Running lists of the ``k`` largest and smallest values of each neuron, with their ids.

    Equal to sorting everything, whatever comes in which order or grouping: of equal values the one
    with the smallest id comes first. They start at minus infinity, not at 0, so that a neuron that
    is never above zero has its lists too. The smallest are kept negated; both are filled by the
    loops of :mod:`tinyinterp.neuron_census.kernels`.

    Args:
        per_story: a story has one place in each list.
    """

    def __init__(self, n_neurons: int, k: int, *, per_story: bool = False) -> None:
        shape = (n_neurons, k)
        self.per_story = per_story
        self.high: Float[np.ndarray, "neuron k"] = np.full(shape, -np.inf, np.float32)
        self.high_ids: Int[np.ndarray, "neuron k"] = np.full(shape, NOWHERE, np.int64)
        self.negated_low: Float[np.ndarray, "neuron k"] = self.high.copy()
        self.low_ids: Int[np.ndarray, "neuron k"] = self.high_ids.copy()
        self.upper = np.full(n_neurons, -np.inf, np.float32)  # from here on a value may enter
        self.lower = np.full(n_neurons, np.inf, np.float32)

    @property
    def low(self) -> Float[np.ndarray, "neuron k"]:
        """The smallest values, smallest first."""
        return 0.0 - self.negated_low  # no minus zero

    @property
    def largest(self) -> Float[np.ndarray, " neuron"]:
        """The largest value of all."""
        return self.high[:, 0]

    @property
    def smallest(self) -> Float[np.ndarray, " neuron"]:
        """The smallest value of all."""
        return self.low[:, 0]

    @property
    def lists(
        self,
    ) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
        """What the compiled loops fill, in their order."""
        high, low = (self.high, self.high_ids), (self.negated_low, self.low_ids)
        return *high, *low, self.upper, self.lower

    def arrays(self) -> dict[str, np.ndarray]:
        """All that it holds."""
        names = ("high", "high_ids", "negated_low", "low_ids", "upper", "lower")
        return {name: getattr(self, name) for name in names}

    def merge(self, other: Extremes) -> None:
        """Take in the lists of another part of the text."""
        sides = (
            (self.high, self.high_ids, other.high, other.high_ids),
            (self.negated_low, self.low_ids, other.negated_low, other.low_ids),
        )
        for values, ids, more, more_ids in sides:
            for neuron, place in np.argwhere(more_ids != NOWHERE):
                number = more_ids[neuron, place]
                enter(values[neuron], ids[neuron], more[neuron, place], number, self.per_story)
        self.upper[:] = self.high[:, -1]
        self.lower[:] = self.low[:, -1]
