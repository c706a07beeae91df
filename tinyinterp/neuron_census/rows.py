"""The tokens of a micro-batch as rows, with what is known of each.

End-of-text and padding are left out here, so that nothing further on can count them.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Float, Int
from torch import Tensor

from tinyinterp.neuron_census.kernels import STORY_SHIFT
from tinyinterp.text.corpus import MicroBatch, Sequence


@dataclass(frozen=True)
class Rows:
    """The tokens of a micro-batch, story after story, position after position."""

    sequences: tuple[Sequence, ...]  # whose tokens, without the end-of-text in front, the rows are
    rows: Int[np.ndarray, " row"]  # which rows of the activations they are, see :func:`flat`
    ids: Int[np.ndarray, " row"]  # ascending; see :func:`token_ids`
    tokens: Int[np.ndarray, " row"]
    positions: Int[np.ndarray, " row"]  # in the sequence, where the end-of-text has 0
    blocks: Int[np.ndarray, " row"]


def rows_of(batch: MicroBatch) -> Rows:
    """The rows of a micro-batch."""
    order = sorted(range(len(batch.sequences)), key=lambda i: _place(batch.sequences[i]))
    sequences = tuple(batch.sequences[i] for i in order)
    width = batch.tokens.shape[1]
    lengths = [len(sequence.tokens) - 1 for sequence in sequences]
    inside = [np.arange(1, n + 1) for n in lengths]
    return Rows(
        sequences,
        np.concatenate([i * width + place for i, place in zip(order, inside, strict=True)]),
        np.concatenate([token_ids(sequence) for sequence in sequences]),
        np.concatenate([sequence.tokens[1:] for sequence in sequences]),
        np.concatenate(inside),
        np.repeat([sequence.block for sequence in sequences], lengths),
    )


def flat(value: Float[Tensor, "batch position neuron"]) -> Float[np.ndarray, "row neuron"]:
    """Activations of a micro-batch, one row a place, in fp32; a view where that is possible."""
    return value.flatten(0, 1).to("cpu", torch.float32).contiguous().numpy()


def token_ids(sequence: Sequence) -> Int[np.ndarray, " row"]:
    """A number for each token after the end-of-text: the story's, then its position in the story.

    Positions count from 1, as if the story were one long sequence with end-of-text at 0.
    """
    first = sequence.number << STORY_SHIFT | sequence.start + 1
    return np.arange(first, first + len(sequence.tokens) - 1)


def _place(sequence: Sequence) -> tuple[int, int]:
    return sequence.number, sequence.start
