"""The loss when something inside a model is changed: only what lies above it is computed again."""

from __future__ import annotations

import torch
from jaxtyping import Float
from torch import Tensor
from torch.nn import functional as F

from tinyinterp.network.decoder import Decoder
from tinyinterp.text.corpus import MicroBatch

CHUNK = 128  # tokens whose logits are held at a time, so that they stay in the processor's cache


def losses_above(
    decoder: Decoder,
    layer: int,
    resid: Float[Tensor, "batch position d_model"],
    batch: MicroBatch,
) -> Float[Tensor, "batch position"]:
    """Loss of the token after each position, from the residual stream before ``layer`` on.

    Nats, in fp64; 0 where nothing follows: at the end of a sequence and in the padding.

    Args:
        decoder: whose blocks from ``layer`` on, final norm and output head are applied.
        layer: the number of layers gives the loss of the finished stream.
        resid: what that layer is given.
        batch: the tokens that were read.
    """
    for block in decoder.blocks[layer:]:
        resid = block(resid)
    targets = batch.targets
    predicts = targets >= 0
    features, wanted = decoder.ln_final(resid)[predicts], targets[predicts]
    losses = torch.zeros(targets.shape, dtype=torch.float64)
    losses[predicts] = torch.cat(
        [
            F.cross_entropy(decoder.unembed(some), tokens, reduction="none").double()
            for some, tokens in zip(features.split(CHUNK), wanted.split(CHUNK), strict=True)
        ]
    )
    return losses
