"""Activations as rows, one a token, with what is known of the token.

End-of-text and padding are left out here, so that nothing further on can count them.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Float, Int
from torch import Tensor

from tinyinterp.corpus import MicroBatch, Sequence

STORY_SHIFT = 24  # an id is the story's number, then this many bits of position


@dataclass(frozen=True)
class Rows:
    """The tokens of a micro-batch, story after story, position after position."""

    sequences: tuple[Sequence, ...]  # whose tokens, without the end-of-text in front, the rows are
    values: Float[Tensor, "row neuron"]  # fp32, on the CPU
    ids: Int[np.ndarray, " row"]  # ascending; see :func:`token_ids`
    tokens: Int[np.ndarray, " row"]
    positions: Int[np.ndarray, " row"]  # in the sequence, where the end-of-text has 0
    blocks: Int[np.ndarray, " row"]


class RowReader:
    """An accumulator that hands every micro-batch on as :class:`Rows`.

    Args:
        place: such as ``blocks.4.mlp.hook_post``.
        take: called with the rows of each micro-batch, in turn.
    """

    def __init__(self, place: str, take: Callable[[Rows], None]) -> None:
        self.place = place
        self.take = take

    def places(self) -> tuple[str, ...]:
        """The one place."""
        return (self.place,)

    def observe(
        self,
        batch: MicroBatch,
        place: str,  # noqa: ARG002 - there is only one
        value: Float[Tensor, "batch position neuron"],
    ) -> None:
        """Hand on the rows of the batch."""
        self.take(rows_of(batch, value))


def rows_of(batch: MicroBatch, value: Float[Tensor, "batch position neuron"]) -> Rows:
    """The rows of a micro-batch."""
    order = sorted(range(len(batch.sequences)), key=lambda i: _place(batch.sequences[i]))
    sequences = tuple(batch.sequences[i] for i in order)
    value = value.to("cpu", torch.float32)
    lengths = [len(sequence.tokens) - 1 for sequence in sequences]
    kept = [value[i, 1 : n + 1] for i, n in zip(order, lengths, strict=True)]
    return Rows(
        sequences,
        torch.cat(kept),
        np.concatenate([token_ids(sequence) for sequence in sequences]),
        np.concatenate([sequence.tokens[1:] for sequence in sequences]),
        np.concatenate([np.arange(1, n + 1) for n in lengths]),
        np.repeat([sequence.block for sequence in sequences], lengths),
    )


def token_ids(sequence: Sequence) -> Int[np.ndarray, " row"]:
    """A number for each token after the end-of-text: the story's, then its position in the story.

    Positions count from 1, as if the story were one long sequence with end-of-text at 0.
    """
    first = sequence.number << STORY_SHIFT | sequence.start + 1
    return np.arange(first, first + len(sequence.tokens) - 1)


def _place(sequence: Sequence) -> tuple[int, int]:
    return sequence.number, sequence.start
