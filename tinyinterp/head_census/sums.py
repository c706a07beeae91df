"""The sums that one pass over each side gathers about patterns; memory stays flat.

FIT: summed clean patterns by query and key, from which both surrogates follow. TEST: a few numbers
a sequence, added up by block, from which every reported quantity and its bootstrap follow.
"""

from __future__ import annotations

from enum import IntEnum
from functools import partial

import numpy as np
import torch
from jaxtyping import Float, Int
from torch import Tensor

from tinyinterp.compiled import in_parts
from tinyinterp.head_census.kernel import FitSums, Surrogate
from tinyinterp.head_census.kernels import add_rows, score_rows
from tinyinterp.head_census.patterns import FIRST_QUERY, Pattern, number_of_keys
from tinyinterp.network.config import DecoderConfig
from tinyinterp.processes import Processes
from tinyinterp.text.sequences import N_BLOCKS, MicroBatch


class FitAccumulator:
    """Sums clean patterns over FIT, layer by layer.

    Args:
        config: of the model.
        longest: tokens of the longest sequence of the text, FIT or TEST; memory grows with its
            square, not with the text.
    """

    def __init__(self, config: DecoderConfig, longest: int) -> None:
        self.config = config
        layers, heads, halves = config.n_layers, config.n_heads, 2
        self._weights = np.zeros((layers, halves, heads, longest, longest))
        self._rows = np.zeros((layers, halves, heads, longest))
        self._sink = torch.zeros(layers, heads, longest, dtype=torch.float64)
        self._queries = torch.zeros(layers, longest, dtype=torch.float64)

    def take(self, batch: MicroBatch, layer: int, pattern: Pattern) -> None:
        raw, lengths = pattern.raw, np.array(batch.lengths)
        halves = np.array([sequence.block % 2 for sequence in batch.sequences])
        sums = self._weights[layer], self._rows[layer]
        in_parts(partial(add_rows, raw.numpy(), lengths, halves, *sums), self.config.n_heads)
        width = raw.shape[-1]
        inside = batch.mask
        self._sink[layer][:, :width] += (raw[..., 0] * inside[:, None, :]).sum(0)
        self._queries[layer][:width] += inside.sum(0)

    def merge(self, processes: Processes) -> None:
        processes.add(self._weights, self._rows, self._sink, self._queries)

    def sums(self, layer: int) -> FitSums:
        """The sums of a layer."""
        weights, rows = (torch.from_numpy(x[layer]) for x in (self._weights, self._rows))
        return FitSums(weights, rows, self.config.window_of(layer))

    def sink_sums(self, layer: int) -> tuple[Float[Tensor, "head query"], Float[Tensor, " query"]]:
        """Attention to key 0 summed by query position, and how many queries there were."""
        return self._sink[layer], self._queries[layer]

    def mean_sink(self, layer: int) -> Float[Tensor, "head query"]:
        """Mean attention to key 0 by query position."""
        return self._sink[layer] / self._queries[layer].clamp_min(1)


class Sum(IntEnum):
    """The numbers that a sequence adds for each head; entropies in nats, summed over rows."""

    ROWS = 0  # rows that count
    ENTROPY = 1  # of the clean pattern
    UNIFORM = 2  # log n: cross-entropy with uniform attention over n keys
    DISTANCE = 3  # cross-entropy with P
    POSITION = 4  # cross-entropy with V
    CURRENT = 5  # clean attention to the query's own token
    PREVIOUS = 6  # clean attention to the token before
    SINK = 7  # attention to key 0
    SINK_ROWS = 8  # queries that can see key 0


NEGATED = [Sum.ENTROPY, Sum.DISTANCE, Sum.POSITION]  # entropies are minus the sums of w log w


class ScoreAccumulator:
    """Scores clean patterns of TEST against the surrogates, adding up by block."""

    def __init__(self, config: DecoderConfig, surrogates: list[Surrogate]) -> None:
        self.config = config
        self._logs = [
            [
                table.clamp_min(1e-12).log().float().numpy()
                for table in (s.by_distance, s.by_position)
            ]
            for s in surrogates
        ]
        shape = (N_BLOCKS, config.n_layers, config.n_heads, len(Sum))
        self._sums = torch.zeros(shape, dtype=torch.float64)

    def take(self, batch: MicroBatch, layer: int, pattern: Pattern) -> None:
        scores = torch.from_numpy(self._score(layer, pattern.raw, np.array(batch.lengths)))
        blocks = torch.tensor([sequence.block for sequence in batch.sequences])
        self._sums[:, layer].index_add_(0, blocks, scores)

    def merge(self, processes: Processes) -> None:
        processes.add(self._sums)

    def block_sums(self) -> Float[np.ndarray, "block layer head sum"]:
        """Sums by block of stories; every reported number about patterns is a ratio of these."""
        return self._sums.numpy()

    def _score(
        self,
        layer: int,
        raw: Float[Tensor, "batch head query key"],
        lengths: Int[np.ndarray, " batch"],
    ) -> Float[np.ndarray, "batch head sum"]:
        n_sequences, n_heads, width, _ = raw.shape
        window, query = self.config.window_of(layer), np.arange(width)
        log_keys = np.log(np.maximum(number_of_keys(width, window).numpy(), 1))
        scores = np.zeros((n_sequences, n_heads, len(Sum)))
        tables = *self._logs[layer], log_keys, scores
        in_parts(partial(score_rows, raw.numpy(), lengths, *tables), n_heads)
        scores[..., NEGATED] *= -1
        sees_first = (query >= FIRST_QUERY) & (query < lengths[:, None])
        if window is not None:
            sees_first &= query < window
        scores[..., Sum.SINK] = (raw[..., 0].double().numpy() * sees_first[:, None]).sum(-1)
        scores[..., Sum.SINK_ROWS] = sees_first.sum(-1)[:, None]
        return scores
