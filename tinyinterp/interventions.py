"""The loss when something inside a model is changed: only what lies above it is computed again."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import cache

import numpy as np
import torch
from jaxtyping import Float, Int
from torch import Tensor
from torch.nn import functional as F

from tinyinterp.io.progress import Progress
from tinyinterp.network.decoder import Block, Decoder
from tinyinterp.network.packed import packed
from tinyinterp.processes import add_up, share, shared
from tinyinterp.scan import kept
from tinyinterp.text.sequences import N_BLOCKS, MicroBatch

CHUNK = 128  # tokens whose logits are held at a time, so that they stay in the processor's cache
CHUNK_OF_DEVICE = 2048  # on another device, where a product of few tokens costs as much


def losses_above(
    decoder: Decoder,
    layer: int,
    resid: Float[Tensor, "batch position d_model"],
    batch: MicroBatch,
) -> Float[Tensor, "batch position"]:
    """Loss of the token after each position, from the residual stream before ``layer`` on.

    Nats, in fp64, on the CPU; 0 where nothing follows: at the end of a sequence and in the padding.

    Args:
        decoder: whose blocks from ``layer`` on, final norm and output head are applied.
        layer: the number of layers gives the loss of the finished stream.
        resid: what that layer is given.
        batch: the tokens that were read, on the decoder's device.
    """
    for block in decoder.blocks[layer:]:
        resid = block(resid)
    targets = batch.targets
    predicts = targets >= 0
    features, wanted = decoder.ln_final(resid)[predicts], targets[predicts]
    chunk = CHUNK if resid.device.type == "cpu" else CHUNK_OF_DEVICE
    losses = torch.zeros(targets.shape, dtype=torch.float64)
    losses[predicts.cpu()] = torch.cat(
        [
            F.cross_entropy(decoder.unembed(some), tokens, reduction="none").cpu().double()
            for some, tokens in zip(features.split(chunk), wanted.split(chunk), strict=True)
        ]
    )
    return losses


@dataclass(frozen=True)
class Rises:
    """Rise in summed loss by block of stories; divide by ``tokens`` for nats per token."""

    rises: Float[np.ndarray, "intervention block *part"]
    tokens: Float[np.ndarray, " block"]


@dataclass(frozen=True)
class Changed:
    """The stream after a layer under one intervention, made on one part after another.

    Args:
        intervention: its number.
        parts: what is changed, head by head or neuron by neuron, numbered over the whole model.
        resid: all sequences with the first part changed, then all with the second.
    """

    intervention: int
    parts: Int[np.ndarray, " part"]
    resid: Float[Tensor, "wide position d_model"]


# Given the number of a layer and the stream before it.
ChangesInLayer = Callable[[int, Float[Tensor, "batch position d_model"]], Iterator[Changed]]


def loss_rises(
    decoder: Decoder,
    batches: Sequence[MicroBatch],
    changes: Callable[[MicroBatch], ChangesInLayer],
    *,
    interventions: int,
    parts: int,
    report: Progress | None = None,
) -> Rises:
    """The loss under each intervention on each part of a model, less that of the intact model.

    Several processes share the micro-batches, as in :func:`tinyinterp.scan.scan`.

    Args:
        decoder: the model.
        batches: what is read.
        changes: opens the interventions anew for each micro-batch.
        interventions: how many.
        parts: how many.
        report: advances by a token of each stream changed, all parts of it at once.
    """
    rises, tokens = np.zeros((interventions, N_BLOCKS, parts)), np.zeros(N_BLOCKS)
    with torch.inference_mode(), packed(decoder):
        for given in shared(batches):
            batch = given.on(decoder.embed.weight.device)
            blocks = count_predicted(batch, tokens)
            repeated = cache(lambda times, batch=batch: _repeated(batch, times))
            in_layer = changes(batch)
            resid = decoder.residual(batch.tokens, stop_at_layer=0)
            before = losses_above(decoder, 0, resid, batch).sum(1)
            for layer in range(decoder.config.n_layers):
                for changed in in_layer(layer, resid):
                    wide = repeated(len(changed.parts))
                    after = losses_above(decoder, layer + 1, changed.resid, wide).sum(1)
                    rise = after.view(len(changed.parts), -1) - before
                    to = rises[changed.intervention]
                    np.add.at(to, (blocks[:, None], changed.parts), rise.T.numpy())
                    if report is not None:
                        report.advance(sum(batch.lengths) * share())
                resid = decoder.block(layer)(resid)
    add_up(rises, tokens)
    return Rises(rises, tokens)


def count_predicted(
    batch: MicroBatch, tokens: Float[np.ndarray, " block"]
) -> Int[np.ndarray, " batch"]:
    """The block of each sequence, to whose ``tokens`` those with a loss are added."""
    blocks = np.array([sequence.block for sequence in batch.sequences])
    np.add.at(tokens, blocks, (batch.targets >= 0).sum(1).cpu().numpy())
    return blocks


def attend(
    block: Block, resid: Float[Tensor, "batch query d_model"]
) -> tuple[
    Float[Tensor, "batch query d_model"],
    Float[Tensor, "batch query head d_head"],
    Float[Tensor, "batch key head d_head"],
]:
    """What the attention of a block adds to the residual stream, its ``hook_z``, and its values.

    A head's output is linear in its z, so this is computed once for all interventions.
    """
    x = block.ln1(resid)
    with kept(block, ["attn.hook_z"]) as seen:
        attn_out = block.attn(x)
    return attn_out, seen["attn.hook_z"], block.attn.values(x)


def _repeated(batch: MicroBatch, times: int) -> MicroBatch:
    return MicroBatch(batch.sequences * times, batch.tokens.repeat(times, 1))
