"""Samplers that read each story once an epoch: one a row, or several packed into a row."""

from __future__ import annotations

from abc import ABC, abstractmethod

import numpy as np
import torch
from jaxtyping import Int

from tinyinterp.errors import TrainingError

from .batches import IGNORED, Batch, cut
from .tokens import TokenFile

WIDTH_STEP = 32  # padded widths are multiples: odd ones halve the speed of bf16 attention
OPEN_ROWS = 32  # rows that packing still tries to fill

Stories = Int[np.ndarray, " story"]


class EpochSampler(ABC):
    """Groups the stories again for each epoch; a group makes a micro-batch.

    Raises:
        TrainingError: there are no stories.
    """

    def __init__(self, file: TokenFile, n_ctx: int, seed: int, *, story_only: bool = False) -> None:
        self.file, self.n_ctx, self.seed, self.story_only = file, n_ctx, seed, story_only
        if not len(file):
            raise TrainingError("the data hold no story to train on; prepare them again")
        self.lengths = np.minimum(file.lengths, n_ctx)  # of what is read of each story
        self._epoch, self._groups = -1, [np.arange(0)]
        self._sizes: list[int] = []  # micro-batches of each epoch so far; they differ by a few

    def batch(self, step: int) -> Batch:
        """Group ``step`` of its epoch, padded at the end with ignored targets."""
        epoch, index = 0, step
        while index >= self.epoch_size(epoch):
            index -= self.epoch_size(epoch)
            epoch += 1
        random = np.random.default_rng((self.seed, epoch, index))
        return self.make(self._shuffled(epoch)[index], random)

    @abstractmethod
    def group(self, random: np.random.Generator) -> list[Stories]:
        """All stories, in the groups of one epoch, in random order."""

    @abstractmethod
    def make(self, stories: Stories, random: np.random.Generator) -> Batch:
        """The batch of one group."""

    def epoch_size(self, epoch: int) -> int:
        """Micro-batches of an epoch, counted from 0."""
        while len(self._sizes) <= epoch:
            self._sizes.append(len(self._shuffled(len(self._sizes))))
        return self._sizes[epoch]

    def _shuffled(self, epoch: int) -> list[Stories]:
        if epoch != self._epoch:
            self._groups = self.group(np.random.default_rng((self.seed, epoch)))
            self._epoch = epoch
        return self._groups

    def _cut(
        self, story: int, random: np.random.Generator
    ) -> tuple[Int[np.ndarray, " position"], Int[np.ndarray, " position"]]:
        spare = int(self.file.lengths[story]) - int(self.lengths[story])
        # half of the long stories from the start, half from anywhere
        skip = int(random.integers(0, spare + 1)) if spare and random.random() < 0.5 else 0
        start = int(self.file.starts[story]) + skip
        return cut(self.file, start, int(self.lengths[story]), story_only=self.story_only)


class StorySampler(EpochSampler):
    """Whole stories, grouped by similar length, about ``batch_tokens`` tokens a batch."""

    def __init__(
        self,
        file: TokenFile,
        n_ctx: int,
        batch_tokens: int,
        seed: int,
        *,
        story_only: bool = False,
    ) -> None:
        super().__init__(file, n_ctx, seed, story_only=story_only)
        self.batch_tokens = batch_tokens

    def group(self, random: np.random.Generator) -> list[Stories]:
        """Neighbours by length, which is jittered so that the groups differ between epochs."""
        jitter = random.uniform(0.9, 1.1, size=len(self.lengths))
        order = np.argsort(self.lengths * jitter, kind="stable")
        groups, group, longest = [], [], 0
        for story in order:
            longest_now = max(longest, int(self.lengths[story]))
            if group and longest_now * (len(group) + 1) > self.batch_tokens:
                groups.append(np.array(group))
                group, longest_now = [], int(self.lengths[story])
            group.append(story)
            longest = longest_now
        groups.append(np.array(group))
        return [groups[i] for i in random.permutation(len(groups))]

    def make(self, stories: Stories, random: np.random.Generator) -> Batch:
        """A row a story."""
        width = min(self.n_ctx, -(-int(self.lengths[stories].max()) // WIDTH_STEP) * WIDTH_STEP)
        tokens = np.zeros((len(stories), width), dtype=np.int64)
        targets = np.full((len(stories), width), IGNORED, dtype=np.int64)
        for row, story in enumerate(stories):
            length = int(self.lengths[story])
            tokens[row, :length], targets[row, :length] = self._cut(int(story), random)
        return Batch(torch.from_numpy(tokens), torch.from_numpy(targets))


class PackedSampler(EpochSampler):
    """``batch_size`` rows of ``n_ctx`` tokens, each filled with whole stories, none cut to fit."""

    def __init__(
        self,
        file: TokenFile,
        n_ctx: int,
        batch_size: int,
        seed: int,
        *,
        story_only: bool = False,
    ) -> None:
        super().__init__(file, n_ctx, seed, story_only=story_only)
        self.batch_size = batch_size

    def group(self, random: np.random.Generator) -> list[Stories]:
        """Each story goes to the fullest open row that has room; -1 stands between rows."""
        rows: list[list[int]] = []
        open_rows: list[tuple[int, list[int]]] = []  # room left, and the row
        for story in random.permutation(len(self.lengths)):
            length = int(self.lengths[story])
            fitting = [i for i, (room, _) in enumerate(open_rows) if room >= length]
            if fitting:
                room, row = open_rows.pop(min(fitting, key=lambda i: open_rows[i][0]))
            else:
                room, row = self.n_ctx, []
                rows.append(row)
            row.append(int(story))
            open_rows = [(room - length, row), *open_rows][:OPEN_ROWS]
        joined = [np.array([*row, -1]) for row in rows]
        starts = range(0, len(rows), self.batch_size)
        return [np.concatenate(joined[i : i + self.batch_size]) for i in starts]

    def make(self, stories: Stories, random: np.random.Generator) -> Batch:
        """Rows of several stories, numbered from 0 in each; what is left over is story -1."""
        n_rows = int((stories < 0).sum())
        tokens = np.zeros((n_rows, self.n_ctx), dtype=np.int64)
        targets = np.full((n_rows, self.n_ctx), IGNORED, dtype=np.int64)
        numbers = np.full((n_rows, self.n_ctx), -1, dtype=np.int64)
        row = position = number = 0
        for story in stories:
            if story < 0:
                row, position, number = row + 1, 0, 0
                continue
            span = slice(position, position + int(self.lengths[story]))
            tokens[row, span], targets[row, span] = self._cut(int(story), random)
            numbers[row, span] = number
            position, number = span.stop, number + 1
        made = [torch.from_numpy(array) for array in (tokens, targets, numbers)]
        return Batch(made[0], made[1], story=made[2])
