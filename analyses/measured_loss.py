"""Loss of a trained model on the stories that only measure, summed by blocks of stories."""

from __future__ import annotations

from itertools import islice
from typing import Any

import numpy as np

from analyses.inputs import Inputs
from tinyinterp.evaluation.loss_by_block import BlockLoss, measure_loss_by_block

STORIES = 400  # read unless --full is given


def block_loss(inputs: Inputs, name: str) -> BlockLoss:
    """The loss of a model on ``valid``, by block of stories."""
    if inputs.valid is None:
        raise ValueError("no text was given to measure on")
    found = inputs.once("loss", name, inputs.valid, lambda: _measure(inputs, name))
    return BlockLoss(*np.array(found).T)


def _measure(inputs: Inputs, name: str) -> list[list[float]]:
    """Nats, tokens and UTF-8 bytes of each block."""
    model = inputs.open(name)
    stories = islice(model.stories(inputs.valid).read(), inputs.limit)
    loss = measure_loss_by_block(model.network, model.tokenizer, stories)
    return np.stack([loss.nats, loss.tokens, loss.bytes], axis=1).tolist()


def loss_columns(loss: BlockLoss) -> dict[str, Any]:
    """Nats per token and bits per byte, with 95 % intervals over blocks of stories."""
    nats, bits = loss.nats_per_token(), loss.bits_per_byte()
    return {
        "nats_per_token": nats.value,
        "nats_low": nats.low,
        "nats_high": nats.high,
        "bits_per_byte": bits.value,
        "bits_low": bits.low,
        "bits_high": bits.high,
        "tokens": int(loss.tokens.sum()),
    }


def difference_columns(loss: BlockLoss, other: BlockLoss) -> dict[str, float]:
    """By how many bits per byte a model is above another, paired over the same stories."""
    above = loss.bits_above(other)
    return {"above_plain": above.value, "above_low": above.low, "above_high": above.high}
