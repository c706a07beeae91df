"""What single heads, single neurons and whole layers do for the loss, under each rung."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Float, Int
from torch import Tensor

from tinyinterp.interventions import losses_above
from tinyinterp.io.progress import Progress
from tinyinterp.model_account.fit import Fitted
from tinyinterp.model_account.score import POST, Z
from tinyinterp.model_account.surrogates import surrogate_pattern
from tinyinterp.network.decoder import Block, Decoder
from tinyinterp.network.packed import packed
from tinyinterp.scan import hooked_at, kept
from tinyinterp.text.corpus import N_BLOCKS, MicroBatch


@dataclass(frozen=True)
class Rises:
    """Rise in summed loss by block of stories; divide by ``tokens`` for nats per token.

    The first intervention is mean ablation, then come the rungs from position up.
    """

    rises: Float[np.ndarray, "intervention block *part"]
    tokens: Float[np.ndarray, " block"]


def head_rises(
    decoder: Decoder,
    fitted: Fitted,
    batches: Sequence[MicroBatch],
    rungs: int,
    report: Progress | None = None,
) -> Rises:
    """The loss with one head at a time at its mean, or attending as a rung's surrogate does.

    A head's output is linear in its ``hook_z``, so the heads of a layer are put side by side in one
    batch, and only what lies above the layer is computed again.

    Args:
        decoder: the model.
        fitted: what FIT says.
        batches: of TEST.
        rungs: how many, position included.
        report: advances by a token of each intervention.
    """
    config = decoder.config
    rises = np.zeros((rungs + 1, N_BLOCKS, config.n_layers, config.n_heads))
    tokens = np.zeros(N_BLOCKS)
    with torch.inference_mode(), packed(decoder):
        for batch in batches:
            blocks = _blocks(batch, tokens)
            reading = fitted.read(batch.tokens)
            resid = decoder.residual(batch.tokens, stop_at_layer=0)
            before = losses_above(decoder, 0, resid, batch).sum(1)
            side_by_side = _repeated(batch, config.n_heads)
            for layer in range(config.n_layers):
                block = decoder.block(layer)
                with kept(block, [Z]) as seen:
                    x = block.ln1(resid)
                    attn_out = block.attn(x)
                z = seen[Z]
                values = block.attn.values(x)
                wide = resid.repeat(config.n_heads, 1, 1)
                for number in range(rungs + 1):
                    if number:
                        pattern = surrogate_pattern(
                            decoder, layer, fitted.surrogates[layer], number - 1, reading
                        )
                        instead = torch.einsum("bhqk,bkhd->bqhd", pattern, values)
                    else:
                        instead = fitted.mean_z[layer].expand_as(z)
                    changed = block.after_attention(wide, _each_head(block, attn_out, instead - z))
                    after = losses_above(decoder, layer + 1, changed, side_by_side)
                    rise = after.sum(1).view(config.n_heads, -1) - before
                    np.add.at(rises[number, :, layer], blocks, rise.T.numpy())
                    if report is not None:
                        report.advance(sum(batch.lengths))
                resid = block.after_attention(resid, attn_out)
    return Rises(rises, tokens)


def layer_rises(
    decoder: Decoder,
    fitted: Fitted,
    batches: Sequence[MicroBatch],
    rungs: int,
    report: Progress | None = None,
) -> Rises:
    """The loss with all neurons of a layer at their means, or at a rung's prediction."""
    config = decoder.config
    rises = np.zeros((rungs + 1, N_BLOCKS, config.n_layers))
    tokens = np.zeros(N_BLOCKS)
    with torch.inference_mode(), packed(decoder):
        for batch in batches:
            blocks = _blocks(batch, tokens)
            reading = fitted.read(batch.tokens)
            resid = decoder.residual(batch.tokens, stop_at_layer=0)
            before = losses_above(decoder, 0, resid, batch).sum(1)
            for layer in range(config.n_layers):
                block = decoder.block(layer)
                for number, predicted in enumerate(fitted.predictions(layer, reading, rungs)):
                    with hooked_at(block, {POST: lambda given, p=predicted: p.expand_as(given)}):
                        changed = block(resid)
                    after = losses_above(decoder, layer + 1, changed, batch).sum(1)
                    np.add.at(rises[number, :, layer], blocks, (after - before).numpy())
                    if report is not None:
                        report.advance(sum(batch.lengths))
                resid = block(resid)
    return Rises(rises, tokens)


def neuron_attributions(
    decoder: Decoder,
    fitted: Fitted,
    batches: Sequence[MicroBatch],
    rungs: int,
    report: Progress | None = None,
) -> Rises:
    """First-order estimates of the rise for every neuron: ``gradient * (prediction - activation)``.

    Attribution patching (Nanda 2023): one backward pass gives those of all neurons.
    """
    config = decoder.config
    rises = np.zeros((rungs + 1, N_BLOCKS, config.n_layers, config.d_mlp))
    tokens = np.zeros(N_BLOCKS)
    names = [f"blocks.{layer}.{POST}" for layer in range(config.n_layers)]
    for batch in batches:
        blocks = _blocks(batch, tokens)
        reading = fitted.read(batch.tokens)
        with torch.enable_grad(), kept(decoder, names) as seen:
            resid = decoder.residual(batch.tokens, stop_at_layer=0).detach().requires_grad_()
            for block in decoder.blocks:
                resid = block(resid)
            loss = losses_above(decoder, config.n_layers, resid, batch).sum()
            gradients = torch.autograd.grad(loss, [seen[name] for name in names])
        with torch.inference_mode():
            for layer, gradient in enumerate(gradients):
                values = seen[names[layer]].detach()
                for number, predicted in enumerate(fitted.predictions(layer, reading, rungs)):
                    estimate = torch.einsum("btn,btn->bn", gradient, predicted - values)
                    np.add.at(rises[number, :, layer], blocks, estimate.double().numpy())
        if report is not None:
            report.advance(sum(batch.lengths))
    return Rises(rises, tokens)


def neuron_rises(
    decoder: Decoder,
    fitted: Fitted,
    batches: Sequence[MicroBatch],
    interventions: Sequence[int],
    neurons: Int[np.ndarray, "neuron two"],
) -> Rises:
    """The exact rises for some neurons, each given as layer and number.

    Args:
        interventions: 0 for mean ablation, 1 for position, and so on.
    """
    rises = np.zeros((len(interventions), N_BLOCKS, len(neurons)))
    tokens = np.zeros(N_BLOCKS)
    with torch.inference_mode(), packed(decoder):
        for batch in batches:
            blocks = _blocks(batch, tokens)
            reading = fitted.read(batch.tokens)
            resid = decoder.residual(batch.tokens, stop_at_layer=0)
            before = losses_above(decoder, 0, resid, batch).sum(1)
            for layer in range(decoder.config.n_layers):
                block = decoder.block(layer)
                with kept(block, [POST]) as seen:
                    resid = block(resid)
                chosen = np.flatnonzero(neurons[:, 0] == layer)
                if not len(chosen):
                    continue
                numbers = torch.from_numpy(neurons[chosen, 1])
                directions = block.mlp.down.weight[:, numbers]
                wide = _repeated(batch, len(chosen))
                predictions = fitted.predictions(layer, reading, max(interventions))
                for number, intervention in enumerate(interventions):
                    moved = (predictions[intervention] - seen[POST])[..., numbers]
                    change = torch.einsum("btn,mn->nbtm", moved, directions) + resid
                    after = losses_above(decoder, layer + 1, change.flatten(0, 1), wide)
                    rise = after.sum(1).view(len(chosen), -1) - before
                    np.add.at(rises[number], (blocks[:, None], chosen), rise.T.numpy())
    return Rises(rises, tokens)


def _blocks(batch: MicroBatch, tokens: Float[np.ndarray, " block"]) -> Int[np.ndarray, " batch"]:
    """The block of each sequence; its predicted tokens are counted."""
    blocks = np.array([sequence.block for sequence in batch.sequences])
    np.add.at(tokens, blocks, (batch.targets >= 0).sum(1).numpy())
    return blocks


def _repeated(batch: MicroBatch, times: int) -> MicroBatch:
    return MicroBatch(batch.sequences * times, batch.tokens.repeat(times, 1))


def _each_head(
    block: Block,
    attn_out: Float[Tensor, "batch position d_model"],
    change: Float[Tensor, "batch position head d_head"],
) -> Float[Tensor, "wide position d_model"]:
    """What attention adds with one head's output changed: head after head, as one batch."""
    weight = block.attn.o.weight.view(-1, *change.shape[2:])  # [d_model head d_head]
    moved = torch.einsum("bthd,mhd->hbtm", change, weight)
    return (attn_out + moved).flatten(0, 1)
