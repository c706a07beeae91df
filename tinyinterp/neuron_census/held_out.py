"""What is counted on the TEST stories: hits by token and by tag, and how far position explains."""

from __future__ import annotations

import numpy as np
import torch
from jaxtyping import Float, Int
from torch import Tensor

from tinyinterp.corpus import N_BLOCKS
from tinyinterp.neuron_census.rows import Rows
from tinyinterp.speech import TAGS
from tinyinterp.statistics import block_bootstrap

N_TARGETS = 2 * len(TAGS)  # a token's own tag, then the tag of the word that comes next


class HeldOutSide:
    """Running counts; what the bootstrap needs is kept by block of stories.

    Args:
        level: from here on a token is a hit.
        by_position: what position alone predicts.
        n_vocab: token types.
    """

    def __init__(
        self,
        level: Float[Tensor, " neuron"],
        by_position: Float[Tensor, "position neuron"],
        n_vocab: int,
    ) -> None:
        n_neurons = len(level)
        self.n_tokens = 0
        self.n_scored = 0
        self.smallest = torch.full((n_neurons,), torch.inf)
        self.target_tokens = np.zeros(N_TARGETS, dtype=np.int64)
        self.block_hits = np.zeros((N_BLOCKS, n_neurons), dtype=np.int64)
        self.block_target_hits = np.zeros((N_BLOCKS, N_TARGETS, n_neurons), dtype=np.int64)
        self._level = level
        self._type_hits = np.zeros((n_vocab, n_neurons), dtype=np.int32)
        self._above_zero = torch.zeros(n_neurons, dtype=torch.int64)
        self._by_position = by_position
        self._moments = torch.zeros(3, N_BLOCKS, n_neurons, dtype=torch.float64)
        self._block_tokens = np.zeros(N_BLOCKS, dtype=np.int64)

    def add(
        self, rows: Rows, tags: Int[np.ndarray, " row"], next_tags: Int[np.ndarray, " row"]
    ) -> None:
        """Take in more rows with the tags of their tokens (below 0: not scored)."""
        self.n_tokens += len(rows.tokens)
        self.n_scored += int((tags >= 0).sum())
        self.smallest = torch.minimum(self.smallest, rows.values.amin(dim=0))
        self._above_zero += (rows.values > 0).sum(dim=0)
        self._add_moments(rows)
        row, neuron = (rows.values >= self._level).nonzero().numpy().T
        _count(self._type_hits, rows.tokens[row], neuron)
        _count(self.block_hits, rows.blocks[row], neuron)
        for targets in (tags, np.where(next_tags < 0, -1, next_tags + len(TAGS))):
            self.target_tokens += np.bincount(targets[targets >= 0], minlength=N_TARGETS)
            known = targets[row] >= 0
            hit = row[known]
            _count(self.block_target_hits, rows.blocks[hit], targets[hit], neuron[known])

    def _add_moments(self, rows: Rows) -> None:
        values = rows.values.double()
        error = values - self._by_position[torch.from_numpy(rows.positions)]
        blocks = torch.from_numpy(rows.blocks)
        for moment, terms in zip(self._moments, (values, values**2, error**2), strict=True):
            moment.index_add_(0, blocks, terms)
        self._block_tokens += np.bincount(rows.blocks, minlength=N_BLOCKS)

    def density(self) -> Float[np.ndarray, " neuron"]:
        """The share of tokens on which a neuron is above zero."""
        return self._above_zero.numpy() / max(self.n_tokens, 1)

    def base_rates(self) -> Float[np.ndarray, " target"]:
        """The share of all tokens that have each tag, then those whose next word has it."""
        return self.target_tokens / max(self.n_tokens, 1)

    def type_hits(self, neuron: int) -> tuple[Int[np.ndarray, " kind"], Int[np.ndarray, " kind"]]:
        """Token types that have hits, and how many: most first, then by token id."""
        counts = self._type_hits[:, neuron]
        types = np.flatnonzero(counts)
        types = types[np.argsort(-counts[types], kind="stable")]
        return types, counts[types]

    def position_shares(self, seed: int) -> tuple[Float[np.ndarray, " neuron"], ...]:
        """Share of the variance that position explains, with its bounds (over blocks of stories).

        What FIT's means by position leave unexplained on TEST; so it is not flattered by positions
        that few stories reach, and below 0 where position is no guide. 0 for a constant.
        """
        sums, squares, errors = self._moments.numpy()
        tokens = self._block_tokens[:, None].astype(np.float64)
        value = _explained(tokens.sum(0), sums.sum(0), squares.sum(0), errors.sum(0))
        low, high = block_bootstrap(_explained, tokens, sums, squares, errors, seed=seed)
        return value, low, high


def _count(counts: np.ndarray, *cells: Int[np.ndarray, " hit"]) -> None:
    """Add one to each cell, as often as it is named."""
    np.add.at(counts.reshape(-1), np.ravel_multi_index(cells, counts.shape), 1)


def _explained(
    tokens: np.ndarray, sums: np.ndarray, squares: np.ndarray, errors: np.ndarray
) -> np.ndarray:
    """One less the unexplained share of the variance, from sums over tokens."""
    n = np.maximum(tokens, 1)
    variance = squares / n - (sums / n) ** 2
    rounding = 1e-12 * squares / n  # below this the variance is noise of the subtraction
    known = variance > rounding
    return np.where(known, 1 - errors / n / np.where(known, variance, 1), 0.0)
