"""What each rung says of a vector, from what it may know of a text.

Rung 0 knows the position, rung n the last n tokens, and the last rung, above the longest contexts,
the gist of the text as well.
"""

from __future__ import annotations

from dataclasses import dataclass

from jaxtyping import Float, Int
from torch import Tensor

from tinyinterp.model_account.means import ContextMeans


@dataclass(frozen=True)
class Reading:
    """What rungs may know of a micro-batch.

    Args:
        rows: of each position's longest known context of at most each order.
        gist: of the text so far, see :mod:`tinyinterp.model_account.gist`.
    """

    rows: Int[Tensor, "order batch position"]
    gist: Float[Tensor, "batch position feature"]

    @property
    def shape(self) -> tuple[int, int]:
        """Sequences, and positions."""
        return self.rows.shape[1], self.rows.shape[2]


@dataclass(frozen=True)
class Predictor:
    """Conditional means, and a linear correction by the gist."""

    means: ContextMeans
    correction: Float[Tensor, "feature width"]

    def at(self, rung: int, reading: Reading) -> Float[Tensor, "#batch position width"]:
        """What a rung says; from the token on, what the position adds is part of it."""
        order = len(reading.rows)
        if rung == 0:
            return self.means.at_positions(reading.shape[1])[None]
        if rung <= order:
            return self.means.predict(reading.rows[rung - 1])
        return self.means.predict(reading.rows[-1]) + reading.gist @ self.correction

    def mean(self, reading: Reading) -> Float[Tensor, "1 position width"]:
        """The mean of all, at every position."""
        return self.means.by_row[0].expand(1, reading.shape[1], -1)
