"""What is learnt from the FIT stories: extremes, and means by token and by position."""

from __future__ import annotations

import numpy as np
import torch
from jaxtyping import Float, Int
from torch import Tensor

from tinyinterp.neuron_census.rows import Rows

SHRINK = 4  # a mean by position counts as if this many tokens with the overall mean had been seen


class FittedSide:
    """Running extremes and sums, in double precision.

    Memory is bounded by the vocabulary and the context, not by the text; rows of the vocabulary
    that do not occur are never touched, so the system does not give them memory.
    """

    def __init__(self, n_neurons: int, n_vocab: int, n_ctx: int) -> None:
        self.largest = torch.full((n_neurons,), -torch.inf)
        self.smallest = torch.full((n_neurons,), torch.inf)
        self._by_token = torch.from_numpy(np.zeros((n_vocab, n_neurons)))
        self._tokens = np.zeros(n_vocab, dtype=np.int64)
        self._by_position = torch.zeros(n_ctx, n_neurons, dtype=torch.float64)
        self._positions = np.zeros(n_ctx, dtype=np.int64)

    def add(self, rows: Rows) -> None:
        """Take in more rows."""
        self.largest = torch.maximum(self.largest, rows.values.amax(dim=0))
        self.smallest = torch.minimum(self.smallest, rows.values.amin(dim=0))
        values = rows.values.double()
        self._by_token.index_add_(0, torch.from_numpy(rows.tokens), values)
        self._by_position.index_add_(0, torch.from_numpy(rows.positions), values)
        self._tokens += np.bincount(rows.tokens, minlength=len(self._tokens))
        self._positions += np.bincount(rows.positions, minlength=len(self._positions))

    @property
    def n_tokens(self) -> int:
        """How many rows came in."""
        return int(self._tokens.sum())

    def hit_level(self) -> Float[Tensor, " neuron"]:
        """Half of the largest activation: from here on a token is a hit.

        Infinity for a neuron that is never above zero.
        """
        return torch.where(self.largest > 0, self.largest / 2, torch.inf)

    def means_by_position(self) -> Float[Tensor, "position neuron"]:
        """The mean at each position, drawn towards the overall mean where few stories reach."""
        counts = torch.from_numpy(self._positions)[:, None]
        return (self._by_position + SHRINK * self._mean()) / (counts + SHRINK)

    def means_of(self, tokens: Int[np.ndarray, " token"]) -> Float[np.ndarray, "token neuron"]:
        """The mean on each of these token types; the overall mean for one that FIT has not."""
        sums = self._by_token[torch.from_numpy(tokens)].numpy()
        counts = self._tokens[tokens][:, None]
        return np.where(counts > 0, sums / np.maximum(counts, 1), self._mean().numpy())

    def _mean(self) -> Float[Tensor, " neuron"]:
        return self._by_position.sum(dim=0) / max(self.n_tokens, 1)
