"""Causal checks: the rise in loss when a head is ablated, or made purely positional.

A head's output ``hook_z`` is replaced by its mean over FIT tokens (mean ablation), or its pattern
by the positional surrogate with the head's own mean sink put back. A positional head loses little
under the surrogate and something under the mean. The rise is in nats per token, paired over
sequences.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from tinyinterp.devices import fp64_device
from tinyinterp.head_census.kernel import Surrogate
from tinyinterp.head_census.patterns import FIRST_QUERY, layer_of
from tinyinterp.interventions import Changed, ChangesInLayer, attend, loss_rises
from tinyinterp.io.progress import Progress
from tinyinterp.network.config import DecoderConfig
from tinyinterp.network.decoder import Block, Decoder
from tinyinterp.processes import Processes
from tinyinterp.text.sequences import N_BLOCKS, MicroBatch

ABLATION, SURROGATE = 0, 1  # the interventions


class MeanZ:
    """Mean of ``hook_z`` over the tokens of FIT, the one in front of a story included.

    :mod:`tinyinterp.run.means` leaves that one out: what stands in for a part that a user switches
    off is about the tokens of the text.
    """

    def __init__(self, config: DecoderConfig) -> None:
        self.config = config
        shape = (config.n_layers, config.n_heads, config.d_head)
        self._sum = torch.zeros(shape, dtype=torch.float64)
        self._tokens = 0

    def hook_names(self) -> Iterable[str]:
        return [f"blocks.{layer}.attn.hook_z" for layer in range(self.config.n_layers)]

    def observe(self, batch: MicroBatch, name: str, value: Tensor) -> None:
        layer = layer_of(name)
        batch = batch.on(device := fp64_device(value.device))
        counted = value.to(device).double() * batch.mask[:, :, None, None]
        self._sum[layer] += counted.sum((0, 1)).cpu()
        if layer == 0:
            self._tokens += int(batch.mask.sum())

    def merge(self, processes: Processes) -> None:
        processes.add(self._sum)
        self._tokens = int(processes.summed(self._tokens)[0])

    def mean(self) -> Float[Tensor, "layer head d_head"]:
        """The means, in fp32."""
        return (self._sum / max(1, self._tokens)).float()


@dataclass(frozen=True)
class LossRises:
    """Rise in summed loss by block of stories; divide by ``tokens`` for nats per token."""

    ablation: Float[np.ndarray, "block layer head"]
    surrogate: Float[np.ndarray, "block layer head"]
    tokens: Float[np.ndarray, " block"]


def measure_loss_rises(
    decoder: Decoder,
    batches: list[MicroBatch],
    mean_z: Float[Tensor, "layer head d_head"],
    surrogates: list[Surrogate],
    mean_sinks: list[Float[Tensor, "head query"]],
    *,
    report: Progress | None = None,
) -> LossRises:
    """The loss under each head's two interventions, less that of the intact model."""
    config = decoder.config
    shape = (N_BLOCKS, config.n_layers, config.n_heads)

    def changes(batch: MicroBatch) -> ChangesInLayer:
        width = batch.tokens.shape[1]

        def in_layer(layer: int, resid: Tensor) -> Iterator[Changed]:
            block = decoder.block(layer)
            attn_out, z, v = attend(block, resid)
            table = _positional(surrogates[layer], mean_sinks[layer], width).to(resid.device)
            for head in range(config.n_heads):
                mean = mean_z[layer, head].to(z.device).expand_as(z[:, :, head])
                positional = z[:, :, head].clone()
                positional[:, FIRST_QUERY:] = table[head, FIRST_QUERY:] @ v[:, :, head]
                part = np.array([layer * config.n_heads + head])
                for number, instead in ((ABLATION, mean), (SURROGATE, positional)):
                    change = (instead - z[:, :, head]) @ _output_weight(block, head).T
                    yield Changed(number, part, block.after_attention(resid, attn_out + change))

        return in_layer

    found = loss_rises(
        decoder, batches, changes, interventions=2, parts=shape[1] * shape[2], report=report
    )
    ablation, surrogate = (found.rises[each].reshape(shape) for each in (ABLATION, SURROGATE))
    return LossRises(ablation, surrogate, found.tokens)


def _output_weight(block: Block, head: int) -> Float[Tensor, "d_model d_head"]:
    d_head = block.attn.d_head
    return block.attn.o.weight[:, head * d_head : (head + 1) * d_head]


def _positional(
    surrogate: Surrogate, mean_sink: Float[Tensor, "head longest"], width: int
) -> Float[Tensor, "head query key"]:
    """V with the mean sink in column 0, for the first ``width`` positions."""
    sink = mean_sink[:, :width, None]
    table = surrogate.by_position[:, :width, :width] * (1 - sink)
    table[:, :, :1] += sink
    return table.float()
