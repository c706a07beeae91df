"""Which tokens each step sees. A batch is a pure function of (seed, step), so nothing needs saving.

Two ways to cut a token file into sequences:

``windows``
    ``n_ctx + 1`` tokens from anywhere in the stream, stories run together: the usual way.
``stories``
    each sequence one story from its end-of-text on, as the model is measured and analysed later;
    stories of like length share a batch of a fixed number of tokens, a story longer than the
    context is cut at a random place. Every epoch sees every story once.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol, runtime_checkable

import numpy as np
import torch
from jaxtyping import Int
from torch import Tensor

from tinyinterp.errors import TrainingError
from train.tokens import TokenFile

WIDTH_STEP = 32  # padded widths are multiples: odd ones halve the speed of bf16 attention
IGNORED = -100  # target of a padded position: cross-entropy leaves it out


@dataclass(frozen=True)
class Batch:
    """Tokens and, for each, the token that follows; ``IGNORED`` where there is none."""

    tokens: Int[Tensor, "batch position"]
    targets: Int[Tensor, "batch position"]


@runtime_checkable
class Sampler(Protocol):
    """Gives the batches of a run."""

    steps_per_epoch: int

    def batch(self, step: int) -> Batch:
        """The micro-batch number ``step``, the same one whenever asked."""
        ...


class WindowSampler:
    """Random windows over the whole stream.

    Raises:
        TrainingError: the stream is shorter than one window.
    """

    def __init__(self, file: TokenFile, n_ctx: int, batch_size: int, seed: int) -> None:
        self.file, self.n_ctx, self.batch_size, self.seed = file, n_ctx, batch_size, seed
        self.steps_per_epoch = max(1, len(file.tokens) // (n_ctx * batch_size))
        if len(file.tokens) <= n_ctx:
            raise TrainingError(
                f"the data hold {len(file.tokens)} tokens, a window of {n_ctx} needs one more than "
                "that; prepare more text or lower model.n_ctx"
            )

    def batch(self, step: int) -> Batch:
        """``batch_size`` windows that start anywhere."""
        random = np.random.default_rng((self.seed, step))
        last = len(self.file.tokens) - self.n_ctx - 1
        starts = random.integers(0, last + 1, size=self.batch_size)
        rows = np.stack([self.file.window(int(start), self.n_ctx + 1) for start in starts])
        windows = torch.from_numpy(rows)
        return Batch(windows[:, :-1], windows[:, 1:])


class StorySampler:
    """Whole stories, those of like length together, about ``batch_tokens`` tokens a batch.

    Raises:
        TrainingError: there are no stories.
    """

    def __init__(self, file: TokenFile, n_ctx: int, batch_tokens: int, seed: int) -> None:
        self.file, self.n_ctx, self.batch_tokens, self.seed = file, n_ctx, batch_tokens, seed
        if not len(file):
            raise TrainingError("the data hold no story to train on; prepare them again")
        self._lengths = np.minimum(file.lengths, n_ctx)
        self._epoch, self._groups = -1, [np.arange(0)]
        self._sizes: list[int] = []  # micro-batches of each epoch so far; they differ by a few
        self.steps_per_epoch = len(self._shuffled(0))

    def batch(self, step: int) -> Batch:
        """Group ``step`` of its epoch, padded at the end with ignored targets."""
        epoch, index = 0, step
        while index >= self._size(epoch):
            index -= self._size(epoch)
            epoch += 1
        random = np.random.default_rng((self.seed, epoch, index))
        return self._pad(self._shuffled(epoch)[index], random)

    def _size(self, epoch: int) -> int:
        while len(self._sizes) <= epoch:
            self._sizes.append(len(self._shuffled(len(self._sizes))))
        return self._sizes[epoch]

    def _shuffled(self, epoch: int) -> list[Int[np.ndarray, " story"]]:
        if epoch != self._epoch:
            random = np.random.default_rng((self.seed, epoch))
            jitter = random.uniform(0.9, 1.1, size=len(self._lengths))  # other company each epoch
            order = np.argsort(self._lengths * jitter, kind="stable")
            groups, group, longest = [], [], 0
            for story in order:
                longest_now = max(longest, int(self._lengths[story]))
                if group and longest_now * (len(group) + 1) > self.batch_tokens:
                    groups.append(np.array(group))
                    group, longest_now = [], int(self._lengths[story])
                group.append(story)
                longest = longest_now
            groups.append(np.array(group))
            self._groups = [groups[i] for i in random.permutation(len(groups))]
            self._epoch = epoch
        return self._groups

    def _pad(self, stories: Int[np.ndarray, " story"], random: np.random.Generator) -> Batch:
        width = min(self.n_ctx, -(-int(self._lengths[stories].max()) // WIDTH_STEP) * WIDTH_STEP)
        tokens = np.zeros((len(stories), width), dtype=np.int64)
        targets = np.full((len(stories), width), IGNORED, dtype=np.int64)
        for row, story in enumerate(stories):
            spare = int(self.file.lengths[story]) - int(self._lengths[story])
            # half of the long stories from the start, half from anywhere
            skip = int(random.integers(0, spare + 1)) if spare and random.random() < 0.5 else 0
            length = int(self._lengths[story])
            window = self.file.window(int(self.file.starts[story]) + skip, length + 1)
            tokens[row, :length] = window[:-1]
            targets[row, :length] = window[1:]
        return Batch(torch.from_numpy(tokens), torch.from_numpy(targets))
