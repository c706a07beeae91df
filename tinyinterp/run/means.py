"""The mean output of every head and the mean activation of every neuron, over a text."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import torch
from jaxtyping import Float, Int
from torch import Tensor

from tinyinterp.devices import fp64_device
from tinyinterp.errors import CorpusError
from tinyinterp.network.decoder import Decoder
from tinyinterp.run.components import Component
from tinyinterp.run.switches import (
    POST,
    Hook,
    Z,
    heads_by_layer,
    neurons_by_layer,
    put_in,
)
from tinyinterp.scan import scan
from tinyinterp.text.sequences import MicroBatch


@dataclass(frozen=True)
class Means:
    """What stands in for a part that is switched off: its mean, whatever the text says."""

    z: Float[Tensor, "layer head d_head"]
    post: Float[Tensor, "layer d_mlp"]

    def hooks(
        self, off: Sequence[Component], tokens: Int[Tensor, "batch position"]
    ) -> Mapping[str, Hook]:
        """See :class:`tinyinterp.run.switches.Instead`."""
        del tokens  # the same wherever it is put
        heads = {
            f"blocks.{layer}.{Z}": put_in(numbers, self.z[layer, numbers])
            for layer, numbers in heads_by_layer(off).items()
        }
        neurons = {
            f"blocks.{layer}.{POST}": put_in(numbers, self.post[layer, numbers])
            for layer, numbers in neurons_by_layer(off).items()
        }
        return heads | neurons


class _Sums:
    """Sums at every head's and neuron's hook, in fp64, without padding and position 0."""

    def __init__(self, decoder: Decoder) -> None:
        self.totals: dict[str, Tensor] = {}
        self.tokens = 0
        self._names = [
            f"blocks.{i}.{name}" for i in range(decoder.config.n_layers) for name in (Z, POST)
        ]

    def hook_names(self) -> Iterable[str]:
        return self._names

    def observe(self, batch: MicroBatch, name: str, value: Tensor) -> None:
        counted = batch.mask.clone()
        counted[:, 0] = False  # the start token, or what takes its part
        exact = value[counted.to(value.device)].to(fp64_device(value.device)).double()
        self.totals[name] = self.totals.get(name, 0) + exact.sum(0).cpu()
        if name == self._names[0]:
            self.tokens += int(counted.sum())


def measure_means(decoder: Decoder, batches: Iterable[MicroBatch]) -> Means:
    """The means over a text, in one pass.

    Raises:
        CorpusError: it has no token.
    """
    sums = _Sums(decoder)
    scan(decoder, batches, [sums])
    if not sums.tokens:
        raise CorpusError("the text to take means over has no token; give at least one story")
    layers = range(decoder.config.n_layers)

    def stacked(name: str) -> Tensor:
        return torch.stack(
            [(sums.totals[f"blocks.{i}.{name}"] / sums.tokens).float() for i in layers]
        )

    return Means(stacked(Z), stacked(POST))
