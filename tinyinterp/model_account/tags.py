"""What a predictor may know of grammar: the tag of a word, and that of the word before."""

from __future__ import annotations

import torch
from jaxtyping import Int
from torch import Tensor

from tinyinterp.model_account.means import Tree
from tinyinterp.neuron_census.targets import SIDES, read_targets
from tinyinterp.tagging import TagReader
from tinyinterp.text.sequences import MicroBatch

PREVIOUS = 2  # its place in ``SIDES``


class TagRows:
    """Tags as rows of tables. Number 0 is no tag: a continuation, a space, the edge of a story.

    The row of tag ``t`` is ``1 + t``, that of ``t`` after ``s`` is
    ``1 + n + t * n + s`` with ``n`` numbers in all.
    """

    def __init__(self, reader: TagReader) -> None:
        self.reader = reader
        self._n = len(reader.tag_set) + 1
        self._held: tuple[MicroBatch, Int[Tensor, "two batch position"]] | None = None
        numbers = torch.arange(self._n)
        root = torch.zeros(1 + self._n, dtype=torch.int64)
        parents = torch.cat([root, (1 + numbers).repeat_interleave(self._n)])
        self.tree = Tree(parents, (1, 1 + self._n, 1 + self._n + self._n**2))

    def of(self, batch: MicroBatch) -> Int[Tensor, "two batch position"]:
        """The row of each position's tag, and of its tag after that of the word before."""
        if self._held is None or self._held[0] is not batch:
            self._held = batch, self._read(batch)
        return self._held[1]

    def _read(self, batch: MicroBatch) -> Int[Tensor, "two batch position"]:
        own, before = torch.zeros((2, *batch.tokens.shape), dtype=torch.int64)
        for row, sequence in enumerate(batch.sequences):
            targets = torch.from_numpy(read_targets(self.reader, sequence))
            offsets = torch.arange(len(SIDES)) * (self._n - 1)
            numbers = torch.where(targets < 0, 0, targets - offsets + 1)
            length = len(sequence.tokens)
            own[row, 1:length], before[row, 1:length] = numbers[:, 0], numbers[:, PREVIOUS]
        return torch.stack([1 + own, 1 + self._n + own * self._n + before])
