"""How usual an activation is: by the census, or by the model's own on the bundled stories."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Protocol, runtime_checkable

import torch
from jaxtyping import Float
from torch import Tensor

from tinyinterp.errors import SelectionError
from tinyinterp.network.decoder import Decoder
from tinyinterp.run.switches import POST
from tinyinterp.scan import scan
from tinyinterp.text.sequences import MicroBatch

MOST_TOKENS = 2_048
MOST_VALUES = 2**24  # 64 MiB; a larger model is compared with fewer tokens


@runtime_checkable
class Usual(Protocol):
    """What the activations of one layer usually are."""

    @property
    def largest(self) -> Float[Tensor, " neuron"]:
        """The largest activation of each neuron."""
        ...

    def quantile(self, values: Float[Tensor, " neuron"]) -> Float[Tensor, " neuron"]:
        """The share of tokens at which each neuron is at most as high as its value here."""
        ...


@dataclass(frozen=True)
class Sorted:
    """Activations themselves, each neuron's in rising order."""

    values: Float[Tensor, "neuron token"]

    @property
    def largest(self) -> Float[Tensor, " neuron"]:
        """See :class:`Usual`."""
        return self.values[:, -1]

    def quantile(self, values: Float[Tensor, " neuron"]) -> Float[Tensor, " neuron"]:
        """See :class:`Usual`."""
        below = torch.searchsorted(self.values, values[:, None].contiguous(), right=True)
        return below[:, 0].double() / self.values.shape[1]


@dataclass(frozen=True)
class Histograms:
    """Histograms of a census; within a bin activations count as evenly spread."""

    low: Float[Tensor, " neuron"]
    high: Float[Tensor, " neuron"]
    cumulative: Float[Tensor, "neuron edge"]  # share below each edge of a bin
    largest: Float[Tensor, " neuron"]

    @classmethod
    def of(
        cls, rows: Mapping[int, Mapping[str, Any]], largest: Float[Tensor, " neuron"]
    ) -> Histograms:
        """Read the rows of a histogram table, one for each neuron from 0.

        Raises:
            SelectionError: one has no bounds.
        """
        ordered = [rows[number] for number in range(len(largest))]
        if any(row["low"] is None or row["high"] is None for row in ordered):
            raise SelectionError("the census has a histogram without bounds; take it again")
        counts = torch.tensor([row["counts"] for row in ordered], dtype=torch.float64)
        total = counts.sum(1, keepdim=True).clamp_min(1)
        return cls(
            torch.tensor([row["low"] for row in ordered], dtype=torch.float64),
            torch.tensor([row["high"] for row in ordered], dtype=torch.float64),
            torch.nn.functional.pad(counts.cumsum(1) / total, (1, 0)),
            largest,
        )

    def quantile(self, values: Float[Tensor, " neuron"]) -> Float[Tensor, " neuron"]:
        """See :class:`Usual`."""
        bins = self.cumulative.shape[1] - 1
        width = ((self.high - self.low) / bins).clamp_min(1e-12)
        along = ((values.double() - self.low) / width).clamp(0, bins)
        left = along.floor().long().clamp_max(bins - 1)
        ends = self.cumulative.gather(1, torch.stack([left, left + 1], 1))
        return ends[:, 0] + (along - left) * (ends[:, 1] - ends[:, 0])


class _Activations:
    """All activations of a text, end-of-text left out, as the scan goes by."""

    def __init__(self, decoder: Decoder) -> None:
        self.values: dict[str, list[Tensor]] = {}
        self._names = [f"blocks.{i}.{POST}" for i in range(decoder.config.n_layers)]

    def hook_names(self) -> Iterable[str]:
        """What :func:`tinyinterp.scan.scan` keeps."""
        return self._names

    def observe(self, batch: MicroBatch, name: str, value: Tensor) -> None:
        """See :func:`tinyinterp.scan.scan`."""
        counted = batch.mask.clone()
        counted[:, 0] = False  # end-of-text
        self.values.setdefault(name, []).append(value[counted.to(value.device)].float().cpu())


def tokens_read(decoder: Decoder) -> int:
    """How many tokens a model is compared with, so that memory stays small."""
    neurons = decoder.config.n_layers * decoder.config.d_mlp
    return max(64, min(MOST_TOKENS, MOST_VALUES // neurons))


def measure_usual(decoder: Decoder, batches: Iterable[MicroBatch]) -> list[Sorted]:
    """The activations of every layer over a text, in one pass."""
    kept = _Activations(decoder)
    scan(decoder, batches, [kept])
    return [
        Sorted(torch.cat(kept.values[name]).T.contiguous().sort(dim=1).values)
        for name in kept.hook_names()
    ]
