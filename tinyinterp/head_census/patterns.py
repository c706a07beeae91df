"""What every head measure starts from: patterns without their sink.

``A[i, j]`` is the attention of query ``i`` to key ``j``. Most heads park the attention that they do
not need on key 0, the sink. For every measure but the sink itself, column 0 is dropped, rows are
renormalised over the remaining keys, and queries before the third are left out.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from typing import Protocol, runtime_checkable

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

from tinyinterp.devices import fp64_device
from tinyinterp.network.config import DecoderConfig
from tinyinterp.processes import Processes
from tinyinterp.text.sequences import MicroBatch

# Numbers that numba compiles into kernels.py, which has to be touched when one of them changes.
FIRST_QUERY = 2  # earlier rows have fewer than two keys beside key 0
LEAST_LEFT = 0.01  # rows with less attention than this outside of key 0 say nothing


@dataclass(frozen=True)
class CleanPattern:
    """Patterns whose rows sum to 1 over the keys after key 0; rows that do not count are zero."""

    weights: Float[Tensor, "batch head query key"]
    rows: Bool[Tensor, "batch head query"]  # which rows count


def number_of_keys(
    n_positions: int, window: int | None, device: torch.device | None = None
) -> Int[Tensor, " query"]:
    """Keys after key 0 that each query may see, itself included; 0 for queries left out."""
    query = torch.arange(n_positions, device=device)
    keys = query if window is None else query.clamp(max=window)
    return keys.where(query >= FIRST_QUERY, 0)


def without_sink(
    pattern: Float[Tensor, "batch head query key"], lengths: list[int]
) -> CleanPattern:
    """Drop key 0 and padding, renormalise, and say which rows count."""
    query = torch.arange(pattern.shape[-1], device=pattern.device)
    ends = torch.tensor(lengths, device=pattern.device)[:, None]
    inside = (query[None, :] < ends) & (query >= FIRST_QUERY)
    left = pattern[..., 1:].sum(dim=-1)
    rows = (left >= LEAST_LEFT) & inside[:, None, :]
    weights = pattern / left.clamp_min(LEAST_LEFT)[..., None]
    weights[..., 0] = 0
    weights.masked_fill_(~rows[..., None], 0)
    return CleanPattern(weights, rows)


@dataclass(frozen=True)
class Pattern:
    """The patterns of one layer for a micro-batch."""

    raw: Float[Tensor, "batch head query key"]  # as the model made them
    lengths: list[int]

    @cached_property
    def clean(self) -> CleanPattern:
        """Without their sink; computed once for all accumulators."""
        return without_sink(self.raw, self.lengths)


@runtime_checkable
class PatternAccumulator(Protocol):
    """Gathers something about patterns over a text."""

    def take(self, batch: MicroBatch, layer: int, pattern: Pattern) -> None:
        """Take in the patterns of a layer for ``batch``."""
        ...

    def merge(self, processes: Processes) -> None:
        """Take in what other processes gathered; see :class:`tinyinterp.scan.Mergeable`."""
        ...


class OnPatterns:
    """Hands the patterns of all layers to several accumulators."""

    def __init__(self, config: DecoderConfig, accumulators: Iterable[PatternAccumulator]) -> None:
        self.config, self.accumulators = config, tuple(accumulators)

    def hook_names(self) -> Iterable[str]:
        return [pattern_hook(layer) for layer in range(self.config.n_layers)]

    def observe(self, batch: MicroBatch, name: str, value: Tensor) -> None:
        pattern = Pattern(value.float().to(fp64_device(value.device)), batch.lengths)
        for accumulator in self.accumulators:
            accumulator.take(batch, layer_of(name), pattern)

    def merge(self, processes: Processes) -> None:
        for accumulator in self.accumulators:
            accumulator.merge(processes)


def pattern_hook(layer: int) -> str:
    """The hook name of a layer's attention pattern."""
    return f"blocks.{layer}.attn.hook_pattern"


def layer_of(hook_name: str) -> int:
    """The layer in a hook name such as ``blocks.3.attn.hook_pattern``."""
    return int(hook_name.split(".")[1])
