"""What single heads, single neurons and whole layers do for the loss, under each rung."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
import torch
from jaxtyping import Float, Int
from torch import Tensor

from tinyinterp.interventions import (
    Changed,
    ChangesInLayer,
    Rises,
    attend,
    count_predicted,
    loss_rises,
    losses_above,
)
from tinyinterp.io.progress import Progress
from tinyinterp.model_account.fit import Fitted
from tinyinterp.model_account.score import POST
from tinyinterp.model_account.surrogates import surrogate_pattern
from tinyinterp.network.decoder import Block, Decoder
from tinyinterp.processes import add_up, share, shared
from tinyinterp.scan import hooked_at, kept
from tinyinterp.text.sequences import N_BLOCKS, MicroBatch


def head_rises(
    decoder: Decoder,
    fitted: Fitted,
    batches: Sequence[MicroBatch],
    rungs: int,
    report: Progress | None = None,
) -> Rises:
    """The loss with one head at a time at its mean, or attending as a rung's surrogate does.

    The first intervention is mean ablation, then come the rungs from position up. A head's output
    is linear in its ``hook_z``, so the heads of a layer are put side by side in one batch, and only
    what lies above the layer is computed again.

    Args:
        decoder: the model.
        fitted: what FIT says.
        batches: of TEST.
        rungs: how many, position included.
        report: advances by a token of each intervention.
    """
    config = decoder.config
    heads = np.arange(config.n_layers * config.n_heads).reshape(config.n_layers, config.n_heads)

    def changes(batch: MicroBatch) -> ChangesInLayer:
        reading = fitted.read(batch.tokens)

        def in_layer(layer: int, resid: Tensor) -> Iterator[Changed]:
            block = decoder.block(layer)
            attn_out, z, values = attend(block, resid)
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
                yield Changed(number, heads[layer], changed)

        return in_layer

    found = loss_rises(
        decoder, batches, changes, interventions=rungs + 1, parts=heads.size, report=report
    )
    return Rises(found.rises.reshape(*found.rises.shape[:2], *heads.shape), found.tokens)


def layer_rises(
    decoder: Decoder,
    fitted: Fitted,
    batches: Sequence[MicroBatch],
    rungs: int,
    report: Progress | None = None,
) -> Rises:
    """The loss with all neurons of a layer at their means, or at a rung's prediction."""

    def changes(batch: MicroBatch) -> ChangesInLayer:
        reading = fitted.read(batch.tokens)

        def in_layer(layer: int, resid: Tensor) -> Iterator[Changed]:
            block = decoder.block(layer)
            for number, predicted in enumerate(fitted.predictions(layer, reading, rungs)):
                with hooked_at(block, {POST: lambda given, p=predicted: p.expand_as(given)}):
                    changed = block(resid)
                yield Changed(number, np.array([layer]), changed)

        return in_layer

    n_layers = decoder.config.n_layers
    return loss_rises(
        decoder, batches, changes, interventions=rungs + 1, parts=n_layers, report=report
    )


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
    for given in shared(batches):
        batch = given.on(decoder.embed.weight.device)
        blocks = count_predicted(batch, tokens)
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
                    np.add.at(rises[number, :, layer], blocks, estimate.cpu().double().numpy())
        if report is not None:
            report.advance(sum(batch.lengths) * share())
    add_up(rises, tokens)
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
        decoder: the model.
        fitted: what FIT says.
        batches: of TEST.
        interventions: 0 for mean ablation, 1 for position, and so on.
        neurons: those to change, one at a time.
    """

    def changes(batch: MicroBatch) -> ChangesInLayer:
        reading = fitted.read(batch.tokens)

        def in_layer(layer: int, resid: Tensor) -> Iterator[Changed]:
            chosen = np.flatnonzero(neurons[:, 0] == layer)
            if not len(chosen):
                return
            block = decoder.block(layer)
            with kept(block, [POST]) as seen:
                after = block(resid)
            numbers = torch.from_numpy(neurons[chosen, 1]).to(resid.device)
            directions = block.mlp.down.weight[:, numbers]
            predictions = fitted.predictions(layer, reading, max(interventions))
            for number, intervention in enumerate(interventions):
                moved = (predictions[intervention] - seen[POST])[..., numbers]
                changed = torch.einsum("btn,mn->nbtm", moved, directions) + after
                yield Changed(number, chosen, changed.flatten(0, 1))

        return in_layer

    return loss_rises(
        decoder, batches, changes, interventions=len(interventions), parts=len(neurons)
    )


def _each_head(
    block: Block,
    attn_out: Float[Tensor, "batch position d_model"],
    change: Float[Tensor, "batch position head d_head"],
) -> Float[Tensor, "wide position d_model"]:
    """What attention adds with one head's output changed: head after head, as one batch."""
    weight = block.attn.o.weight.view(-1, *change.shape[2:])  # [d_model head d_head]
    moved = torch.einsum("bthd,mhd->hbtm", change, weight)
    return (attn_out + moved).flatten(0, 1)
