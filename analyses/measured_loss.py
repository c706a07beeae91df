"""Loss of a trained model on the stories that only measure, summed by blocks of stories."""

from __future__ import annotations

import math
from collections import defaultdict
from itertools import islice
from typing import Any

import numpy as np
from jaxtyping import Float

from analyses.study import Inputs
from tinyinterp.evaluation.loss import measure_text_loss
from tinyinterp.statistics import block_bootstrap
from tinyinterp.text.corpus import N_BLOCKS, side_and_block

STORIES = 400  # read unless --full is given
Sums = Float[np.ndarray, "block three"]  # nats, tokens, bytes


def block_sums(inputs: Inputs, name: str) -> Sums:
    """Nats, tokens and UTF-8 bytes of each block of stories of ``valid``."""
    if inputs.valid is None:
        raise ValueError("no text was given to measure on")
    return np.array(inputs.once("loss", name, inputs.valid, lambda: _measure(inputs, name)))


def _measure(inputs: Inputs, name: str) -> list[list[float]]:
    model = inputs.open(name)
    blocks: dict[int, list[str]] = defaultdict(list)
    for story in islice(model.stories(inputs.valid).read(), inputs.limit):
        blocks[side_and_block(story)[1]].append(story)
    sums = [[0.0, 0.0, 0.0] for _ in range(N_BLOCKS)]
    for block, stories in blocks.items():
        loss = measure_text_loss(model.network, model.tokenizer, stories)
        sums[block] = [loss.nats_per_token * loss.tokens, loss.tokens, loss.bytes]
    return sums


def loss_columns(sums: Sums) -> dict[str, Any]:
    """Nats per token and bits per byte, with 95 % intervals over blocks of stories."""
    nats, tokens, size = sums.T
    low, high = block_bootstrap(np.divide, nats, tokens)
    bits = nats / math.log(2)
    bits_low, bits_high = block_bootstrap(np.divide, bits, size)
    return {
        "nats_per_token": nats.sum() / tokens.sum(),
        "nats_low": float(low),
        "nats_high": float(high),
        "bits_per_byte": bits.sum() / size.sum(),
        "bits_low": float(bits_low),
        "bits_high": float(bits_high),
        "tokens": int(tokens.sum()),
    }


def difference_columns(sums: Sums, other: Sums) -> dict[str, float]:
    """By how many bits per byte a model is above another, paired over the same stories."""
    bits, others, size = sums[:, 0] / math.log(2), other[:, 0] / math.log(2), sums[:, 2]
    low, high = block_bootstrap(lambda a, b, c: (a - b) / c, bits, others, size)
    return {
        "above_plain": float((bits.sum() - others.sum()) / size.sum()),
        "above_low": float(low),
        "above_high": float(high),
    }
