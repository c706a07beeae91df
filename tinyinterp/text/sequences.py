"""Sequences of tokens that know their story and their characters, and micro-batches of them.

A *sequence* is one story behind its start token (end-of-text for most models); a story longer than
the context is cut into several, each behind a start token. For a model that was trained with no
token in front, the first token of the story takes that part: it is read, and attention to it is a
sink as for any first position, but it is never counted nor predicted. A later sequence of such a
story starts with the last token of the one before, so that each other token is counted once.

Sequences come in fixed *micro-batches* of similar length: what is forwarded together never depends
on an option, so neither does any result.

Every story is put, by a hash of its text alone, on one of two *sides* (what is chosen or fitted
uses FIT, what is reported uses TEST) and into one of 64 *blocks* (what the bootstrap resamples).
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from enum import Enum
from functools import cached_property

import numpy as np
import torch
from jaxtyping import Bool, Int
from torch import Tensor

N_BLOCKS = 64
MICRO_BATCH_TOKENS = 2048
MICRO_BATCH_SEQUENCES = 32
IGNORED = -100  # a target that no loss is taken of


class Side(Enum):
    """Which half of the stories: FIT chooses and fits, TEST is reported."""

    FIT = 0
    TEST = 1


@dataclass(frozen=True)
class Sequence:
    """A story, or a piece of one, as tokens.

    ``offsets[t]`` are the characters ``[start, end)`` of ``story`` that token ``t`` covers; a start
    token covers none. The token at 0 is never counted.
    """

    tokens: Int[np.ndarray, " position"]
    offsets: Int[np.ndarray, "position two"]
    story: str
    number: int  # of the story in the corpus, from 0
    side: Side
    block: int
    start: int = 0  # tokens of the story that came in sequences before this one
    front: int = 1  # start tokens: 1, or 0 where the story's own first token is at 0
    unknown: int = 0  # characters of the story without a token; counted on its first sequence


@dataclass(frozen=True)
class MicroBatch:
    """Sequences of similar length, padded at the end."""

    sequences: tuple[Sequence, ...]
    tokens: Int[Tensor, "batch position"]

    @property
    def lengths(self) -> list[int]:
        """Tokens of each sequence, the start token included, padding not."""
        return [len(sequence.tokens) for sequence in self.sequences]

    @cached_property
    def mask(self) -> Bool[Tensor, "batch position"]:
        """Which positions hold a token of the sequence; the others are padding."""
        device = self.tokens.device
        lengths = torch.tensor(self.lengths, device=device)[:, None]
        return torch.arange(self.tokens.shape[1], device=device) < lengths

    @cached_property
    def targets(self) -> Int[Tensor, "batch position"]:
        """The token after each, ``IGNORED`` at the end of a sequence and in the padding."""
        targets = torch.full_like(self.tokens, IGNORED)
        targets[:, :-1] = self.tokens[:, 1:].where(self.mask[:, 1:], IGNORED)
        return targets

    def on(self, device: torch.device) -> MicroBatch:
        """The same with its tokens, and so mask and targets, on a device; itself if they are."""
        if self.tokens.device == device:
            return self
        return MicroBatch(self.sequences, self.tokens.to(device))


def side_and_block(story: str) -> tuple[Side, int]:
    """Which side and block a story belongs to; a hash of its text decides."""
    digest = hashlib.sha256(story.encode("utf-8", "surrogatepass")).digest()
    return Side(digest[0] & 1), digest[1] % N_BLOCKS


def group_by_length(sequences: list[Sequence], padding: int) -> Iterator[MicroBatch]:
    """Sort by length (ties by order) and cut into micro-batches of at most 2,048 padded tokens."""
    group: list[Sequence] = []
    for sequence in sorted(sequences, key=lambda s: len(s.tokens)):
        tokens = len(sequence.tokens) * (len(group) + 1)
        if group and (tokens > MICRO_BATCH_TOKENS or len(group) == MICRO_BATCH_SEQUENCES):
            yield _pad(group, padding)
            group = []
        group.append(sequence)
    if group:
        yield _pad(group, padding)


def _pad(group: list[Sequence], padding: int) -> MicroBatch:
    width = max(len(s.tokens) for s in group)
    tokens = np.full((len(group), width), padding, dtype=np.int64)
    for row, sequence in enumerate(group):
        tokens[row, : len(sequence.tokens)] = sequence.tokens
    return MicroBatch(tuple(group), torch.from_numpy(tokens))
