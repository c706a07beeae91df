"""What gathers patterns where they are: compiled loops on the processor, torch on a device.

A device's patterns never leave it: sums over them lie in its memory, and what comes back for a
micro-batch is a few numbers a sequence. Both give the same numbers, but for rounding: a row adds in
fp32, rows add up in fp64.
"""

from __future__ import annotations

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

from tinyinterp.devices import fp64_device
from tinyinterp.head_census.kernel import FitSums, Surrogate
from tinyinterp.head_census.patterns import (
    FIRST_QUERY,
    LEAST_LEFT,
    CleanPattern,
    Pattern,
    number_of_keys,
)
from tinyinterp.head_census.sums import FitAccumulator, ScoreAccumulator, Sum
from tinyinterp.network.config import DecoderConfig
from tinyinterp.processes import Processes
from tinyinterp.text.sequences import N_BLOCKS, MicroBatch


def fit_accumulator(config: DecoderConfig, longest: int, device: torch.device) -> FitAccumulator:
    """What sums patterns over FIT, for a model on this device."""
    if fp64_device(device).type == "cpu":
        return FitAccumulator(config, longest)
    return FitOnDevice(config, longest, device)


def score_accumulator(
    config: DecoderConfig, surrogates: list[Surrogate], device: torch.device
) -> ScoreAccumulator:
    """What scores patterns of TEST, for a model on this device."""
    if fp64_device(device).type == "cpu":
        return ScoreAccumulator(config, surrogates)
    return ScoreOnDevice(config, surrogates, device)


class FitOnDevice(FitAccumulator):
    """Sums of clean patterns over FIT."""

    def __init__(self, config: DecoderConfig, longest: int, device: torch.device) -> None:
        self.config = config
        layers, heads, halves = config.n_layers, config.n_heads, 2
        exact = {"dtype": torch.float64, "device": device}
        self._summed = torch.zeros(layers, halves, heads, longest, longest, **exact)
        self._counted = torch.zeros(layers, halves, heads, longest, **exact)
        self._at_sink = torch.zeros(layers, heads, longest, **exact)
        self._reading = torch.zeros(layers, longest, **exact)

    def take(self, batch: MicroBatch, layer: int, pattern: Pattern) -> None:
        """See :class:`FitAccumulator`."""
        clean, width, device = pattern.clean, pattern.raw.shape[-1], pattern.raw.device
        halves = [sequence.block % 2 for sequence in batch.sequences]
        for half in (0, 1):
            rows = [row for row, other in enumerate(halves) if other == half]
            of_half = torch.tensor(rows, dtype=torch.int64, device=device)
            weights, counted = clean.weights[of_half], clean.rows[of_half]
            self._summed[layer, half, :, :width, :width] += weights.sum(0, dtype=torch.float64)
            self._counted[layer, half, :, :width] += counted.sum(0)
        inside = batch.mask.to(device)
        at_sink = pattern.raw[..., 0] * inside[:, None, :]
        self._at_sink[layer][:, :width] += at_sink.sum(0, dtype=torch.float64)
        self._reading[layer][:width] += inside.sum(0)

    def merge(self, processes: Processes) -> None:
        """Add the sums of other processes."""
        processes.add(self._summed, self._counted, self._at_sink, self._reading)

    def sums(self, layer: int) -> FitSums:
        """The sums of a layer, on the processor."""
        weights, rows = self._summed[layer].cpu(), self._counted[layer].cpu()
        return FitSums(weights, rows, self.config.window_of(layer))

    def sink_sums(self, layer: int) -> tuple[Float[Tensor, "head query"], Float[Tensor, " query"]]:
        """See :meth:`FitAccumulator.sink_sums`."""
        return self._at_sink[layer].cpu(), self._reading[layer].cpu()

    def mean_sink(self, layer: int) -> Float[Tensor, "head query"]:
        """Mean attention to key 0 by query position."""
        total, queries = self.sink_sums(layer)
        return total / queries.clamp_min(1)


class ScoreOnDevice(ScoreAccumulator):
    """Scores of clean patterns of TEST against the surrogates, by block."""

    def __init__(
        self, config: DecoderConfig, surrogates: list[Surrogate], device: torch.device
    ) -> None:
        self.config = config
        self._tables = [
            [
                table.clamp_min(1e-12).log().float().to(device)
                for table in (s.by_distance, s.by_position)
            ]
            for s in surrogates
        ]
        shape = (N_BLOCKS, config.n_layers, config.n_heads, len(Sum))
        self._sums = torch.zeros(shape, dtype=torch.float64)

    def take(self, batch: MicroBatch, layer: int, pattern: Pattern) -> None:
        """See :class:`ScoreAccumulator`."""
        clean, raw = pattern.clean, pattern.raw
        width, device, window = raw.shape[-1], raw.device, self.config.window_of(layer)
        by_distance, by_position = (table[:, :width, :width] for table in self._tables[layer])
        log_keys = number_of_keys(width, window, device).clamp_min(1).double().log()
        query = torch.arange(width, device=device)
        sees_first = batch.mask.to(device) & (query >= FIRST_QUERY)
        if window is not None:
            sees_first &= query < window
        found = {
            Sum.ROWS: clean.rows.sum(-1),
            Sum.ENTROPY: -_over_rows(torch.special.xlogy(clean.weights, clean.weights)),
            Sum.UNIFORM: (clean.rows * log_keys).sum(-1),
            Sum.DISTANCE: -_over_rows(clean.weights * by_distance),
            Sum.POSITION: -_over_rows(clean.weights * by_position),
            Sum.CURRENT: _diagonal(clean, 0),
            Sum.PREVIOUS: _diagonal(clean, -1),
            Sum.SINK: (raw[..., 0].double() * sees_first[:, None]).sum(-1),
            Sum.SINK_ROWS: sees_first.sum(-1)[:, None].expand(raw.shape[:2]),
        }
        scores = torch.stack([found[each].double() for each in Sum], dim=-1).cpu()
        blocks = torch.tensor([sequence.block for sequence in batch.sequences])
        self._sums[:, layer].index_add_(0, blocks, scores)


def _over_rows(terms: Float[Tensor, "batch head query key"]) -> Float[Tensor, "batch head"]:
    return terms.sum(-1).sum(-1, dtype=torch.float64)


def _diagonal(clean: CleanPattern, offset: int) -> Float[Tensor, "batch head"]:
    """Clean attention to the query's own token (0) or to one so far before it (below 0)."""
    return clean.weights.diagonal(offset, 2, 3).sum(-1, dtype=torch.float64)


def compare_patterns(
    one: Float[Tensor, "head query key"],
    other: Float[Tensor, "head query key"],
    order: Int[Tensor, " position"],
    window: int,
    *,
    own: bool,
) -> Float[Tensor, "head product"]:
    """What :func:`tinyinterp.head_census.kernels.compare_rows` adds to its sums."""
    query = torch.arange(len(order), device=order.device)
    allowed = _in_reach(query, window) & _in_reach(order, window)
    allowed &= (query >= FIRST_QUERY)[:, None] & (query > 0)
    if not own:
        allowed.fill_diagonal_(fill_value=False)
    x = one[:, order][:, :, order].double() * allowed
    y = other.double() * allowed
    keys, left_x, left_y = allowed.sum(-1).double(), x.sum(-1), y.sum(-1)
    counted = (keys >= 2) & (left_x >= LEAST_LEFT) & (left_y >= LEAST_LEFT)
    parts = [
        products.sum(-1) / left - 1 / keys
        for products, left in (
            (x * y, left_x * left_y), (x * x, left_x.square()), (y * y, left_y.square()),
        )
    ]  # fmt: skip
    sums = [part.where(counted, 0).sum(-1) for part in parts]
    return torch.stack([counted.sum(-1).double(), *sums], dim=-1)


def _in_reach(position: Int[Tensor, " position"], window: int) -> Bool[Tensor, "query key"]:
    before = position[:, None] - position
    return (before >= 0) & (before < window)
