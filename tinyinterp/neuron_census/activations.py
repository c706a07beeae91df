"""Where a neuron's activation is read, and which token each row of activations belongs to.

    post      mlp.hook_post: the neuron's output, after the non-linearity
    pre       mlp.hook_pre: its input, before the non-linearity
    report    hook_resid_pre W_in + b_in: the residual stream before the block, straight into the
              up-projection (in a gated MLP W_gate, whose output hook_pre reads)

The third is what the TinyStories student report read (docs/sources.md): it skips the block's
attention, its second layer norm and the non-linearity. The model never computes it; it is here for
comparison only.

End-of-text and padding are dropped here, so that nothing downstream can count them.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Float, Int
from torch import Tensor

from tinyinterp.errors import SelectionError
from tinyinterp.network.decoder import Decoder
from tinyinterp.neuron_census.kernels import STORY_SHIFT
from tinyinterp.selection import Index, choose_one
from tinyinterp.text.sequences import MicroBatch, Sequence

READINGS = ("post", "pre", "report")


def hook_of(decoder: Decoder, layer: Index, reading: str) -> tuple[str, Callable[[Tensor], Tensor]]:
    """The hook name of a reading, and what turns its tensor into ``[batch position neuron]``.

    Raises:
        SelectionError: there is no such reading or layer.
    """
    if reading not in READINGS:
        raise SelectionError(
            f"there is no reading {reading!r}; choose one of {', '.join(READINGS)}"
        )
    layer = choose_one("layer", layer, decoder.config.n_layers)
    if reading == "report":
        return f"blocks.{layer}.hook_resid_pre", decoder.block(layer).mlp.into_activation
    return f"blocks.{layer}.mlp.hook_{reading}", lambda value: value


@dataclass(frozen=True)
class Rows:
    """The tokens of a micro-batch, story after story, position after position."""

    sequences: tuple[Sequence, ...]  # in this order; the end-of-text in front of each has no row
    rows: Int[np.ndarray, " row"]  # indices into the activations, see :func:`flat`
    ids: Int[np.ndarray, " row"]  # ascending; see :func:`token_ids`
    tokens: Int[np.ndarray, " row"]
    positions: Int[np.ndarray, " row"]  # in the sequence, where end-of-text is at 0
    blocks: Int[np.ndarray, " row"]


def rows_of(batch: MicroBatch) -> Rows:
    """The rows of a micro-batch."""
    order = sorted(range(len(batch.sequences)), key=lambda i: _start(batch.sequences[i]))
    sequences = tuple(batch.sequences[i] for i in order)
    width = batch.tokens.shape[1]
    lengths = [len(sequence.tokens) - 1 for sequence in sequences]
    positions = [np.arange(1, n + 1) for n in lengths]
    return Rows(
        sequences,
        np.concatenate([i * width + found for i, found in zip(order, positions, strict=True)]),
        np.concatenate([token_ids(sequence) for sequence in sequences]),
        np.concatenate([sequence.tokens[1:] for sequence in sequences]),
        np.concatenate(positions),
        np.repeat([sequence.block for sequence in sequences], lengths),
    )


def flat(value: Float[Tensor, "batch position neuron"]) -> Float[np.ndarray, "row neuron"]:
    """Activations of a micro-batch, a row per position, in fp32; a view where that is possible."""
    return value.flatten(0, 1).to("cpu", torch.float32).contiguous().numpy()


def token_ids(sequence: Sequence) -> Int[np.ndarray, " row"]:
    """A number for each token after the end-of-text: its story's, then its position in the story.

    Positions count from 1, as if the story were one long sequence with end-of-text at 0.
    """
    first = sequence.number << STORY_SHIFT | sequence.start + 1
    return np.arange(first, first + len(sequence.tokens) - 1)


def _start(sequence: Sequence) -> tuple[int, int]:
    return sequence.number, sequence.start
