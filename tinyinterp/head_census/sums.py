"""What one pass over each side gathers about patterns, so that memory stays flat.

FIT: summed clean patterns by query and key, from which both surrogates follow. TEST: a few numbers
a sequence, added up by block, from which every reported quantity and its bootstrap follow.
"""

from __future__ import annotations

from collections.abc import Iterable
from enum import IntEnum

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from tinyinterp.corpus import N_BLOCKS, MicroBatch
from tinyinterp.decoder import DecoderConfig
from tinyinterp.head_census.kernel import FitSums, Surrogate
from tinyinterp.head_census.patterns import FIRST_QUERY, number_of_keys, without_sink


def pattern_place(layer: int) -> str:
    """The name of a layer's attention pattern."""
    return f"blocks.{layer}.attn.hook_pattern"


def layer_of(place: str) -> int:
    """The layer in a name such as ``blocks.3.attn.hook_pattern``."""
    return int(place.split(".")[1])


class FitAccumulator:
    """Sums clean patterns over FIT, layer by layer.

    Args:
        longest: tokens of the longest sequence of the text, FIT or TEST; memory goes with its
            square, not with the text.
    """

    def __init__(self, config: DecoderConfig, longest: int) -> None:
        self.config = config
        layers, heads, half = config.n_layers, config.n_heads, 2
        double = torch.float64
        self._weights = torch.zeros(layers, half, heads, longest, longest, dtype=double)
        self._rows = torch.zeros(layers, half, heads, longest, dtype=double)
        self._sink = torch.zeros(layers, heads, longest, dtype=double)
        self._queries = torch.zeros(layers, longest, dtype=double)

    def places(self) -> Iterable[str]:
        return [pattern_place(layer) for layer in range(self.config.n_layers)]

    def observe(self, batch: MicroBatch, place: str, value: Tensor) -> None:
        layer, width = layer_of(place), value.shape[-1]
        clean = without_sink(value, batch.lengths)
        half = torch.tensor([sequence.block % 2 for sequence in batch.sequences])
        for index in (0, 1):
            chosen = half == index
            self._weights[layer][index, :, :width, :width] += clean.weights[chosen].sum(0)
            self._rows[layer][index, :, :width] += clean.rows[chosen].sum(0)
        lengths = torch.tensor(batch.lengths)
        inside = torch.arange(width) < lengths[:, None]
        self._sink[layer][:, :width] += (value[..., 0] * inside[:, None, :]).sum(0)
        self._queries[layer][:width] += inside.sum(0)

    def sums(self, layer: int) -> FitSums:
        """What was gathered about ``layer``."""
        return FitSums(self._weights[layer], self._rows[layer], self.config.window_of(layer))

    def mean_sink(self, layer: int) -> Float[Tensor, "head query"]:
        """Mean attention to key 0 by query position."""
        return self._sink[layer] / self._queries[layer].clamp_min(1)


class Sum(IntEnum):
    """The numbers that a sequence adds for each head; entropies in nats, summed over rows."""

    ROWS = 0  # rows that count
    ENTROPY = 1  # of the clean pattern
    UNIFORM = 2  # log n: cross-entropy with attending to all n keys alike
    DISTANCE = 3  # cross-entropy with P
    PLACE = 4  # cross-entropy with V
    SINK = 5  # attention to key 0
    SINK_ROWS = 6  # queries that can see key 0
    CURRENT = 7  # clean attention to the query's own token
    PREVIOUS = 8  # clean attention to the token before


class ScoreAccumulator:
    """Scores clean patterns of TEST against the surrogates, adding up by block."""

    def __init__(self, config: DecoderConfig, surrogates: list[Surrogate]) -> None:
        self.config = config
        self._log_distance = [s.by_distance.clamp_min(1e-12).log().float() for s in surrogates]
        self._log_place = [s.by_place.clamp_min(1e-12).log().float() for s in surrogates]
        shape = (N_BLOCKS, config.n_layers, config.n_heads, len(Sum))
        self._sums = torch.zeros(shape, dtype=torch.float64)

    def places(self) -> Iterable[str]:
        return [pattern_place(layer) for layer in range(self.config.n_layers)]

    def observe(self, batch: MicroBatch, place: str, value: Tensor) -> None:
        layer = layer_of(place)
        scores = self._score(layer, value, batch.lengths)
        blocks = torch.tensor([sequence.block for sequence in batch.sequences])
        self._sums[:, layer].index_add_(0, blocks, scores)

    def block_sums(self) -> Float[np.ndarray, "block layer head sum"]:
        """Sums by block of stories; everything reported about patterns is a ratio of these."""
        return self._sums.numpy()

    def _score(
        self, layer: int, pattern: Float[Tensor, "batch head query key"], lengths: list[int]
    ) -> Float[Tensor, "batch head sum"]:
        width, window = pattern.shape[-1], self.config.window_of(layer)
        clean = without_sink(pattern, lengths)
        rows = clean.rows.double()
        log_keys = number_of_keys(width, window).clamp_min(1).double().log()
        query = torch.arange(width)
        sees_first = (query >= FIRST_QUERY) & (query < torch.tensor(lengths)[:, None])
        if window is not None:
            sees_first = sees_first & (query < window)
        n_heads = pattern.shape[1]
        return torch.stack(
            [
                rows.sum(-1),
                -_row_sums(torch.xlogy(clean.weights, clean.weights)),
                rows @ log_keys,
                -self._cross(clean.weights, self._log_distance[layer]),
                -self._cross(clean.weights, self._log_place[layer]),
                (pattern[..., 0].double() * sees_first[:, None, :]).sum(-1),
                sees_first.sum(-1, keepdim=True).expand(-1, n_heads).double(),
                clean.weights.diagonal(dim1=-2, dim2=-1).double().sum(-1),
                clean.weights.diagonal(offset=-1, dim1=-2, dim2=-1).double().sum(-1),
            ],
            dim=-1,
        )

    def _cross(
        self, weights: Float[Tensor, "batch head query key"], table: Float[Tensor, "head q k"]
    ) -> Float[Tensor, "batch head"]:
        width = weights.shape[-1]
        return _row_sums(weights * table[:, :width, :width])


def _row_sums(x: Float[Tensor, "batch head query key"]) -> Float[Tensor, "batch head"]:
    """Sum of keys in fp32, of queries in fp64."""
    return x.sum(-1).double().sum(-1)
