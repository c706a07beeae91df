"""Which tokens each step sees. A batch is a pure function of (seed, step): no state to save.

Three ways to cut a token file into sequences:

``windows``
    ``n_ctx + 1`` tokens from anywhere in the stream, stories run together: the usual way.
``stories``
    each sequence is one story from its end-of-text on, as the model is measured and analysed later;
    stories of similar length share a batch of a fixed number of tokens; a story longer than the
    context is cut at a random position. Every epoch sees every story once.
``packed``
    several whole stories in each sequence of ``n_ctx``; a segment mask keeps them apart. Every
    epoch sees every story once. The model is the same as one trained on ``stories``.

The last two are in :mod:`train.data.story_batches`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

import numpy as np
import torch
from jaxtyping import Int
from torch import Tensor

from tinyinterp.errors import TrainingError
from tinyinterp.text.sequences import IGNORED

from .tokens import TokenFile


@dataclass(frozen=True)
class Batch:
    """Tokens and, for each, the token that follows; ``IGNORED`` where none is scored."""

    tokens: Int[Tensor, "batch position"]
    targets: Int[Tensor, "batch position"]
    story: Int[Tensor, "batch position"] | None = None  # which of the stories packed into a row
    shuffled: Batch | None = None  # some of its stories with their sentences shuffled

    def each(self, change: Callable[[Tensor], Tensor]) -> Batch:
        """The batch with ``change`` applied to every tensor."""
        return Batch(
            change(self.tokens),
            change(self.targets),
            change(self.story) if self.story is not None else None,
            self.shuffled.each(change) if self.shuffled is not None else None,
        )

    @property
    def n_targets(self) -> int:
        """Tokens that are scored; those of shuffled stories do not count."""
        return int((self.targets != IGNORED).sum())


@runtime_checkable
class Sampler(Protocol):
    """Gives the batches of a run."""

    def batch(self, step: int) -> Batch:
        """Micro-batch number ``step``, the same at every call."""
        ...


class WindowSampler:
    """Random windows over the whole stream.

    Raises:
        TrainingError: the stream is shorter than one window.
    """

    def __init__(
        self, file: TokenFile, n_ctx: int, batch_size: int, seed: int, *, story_only: bool = False
    ) -> None:
        self.file, self.n_ctx, self.batch_size, self.seed = file, n_ctx, batch_size, seed
        self.story_only = story_only
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
        pairs = [cut(self.file, int(s), self.n_ctx, story_only=self.story_only) for s in starts]
        tokens, targets = (torch.from_numpy(np.stack(rows)) for rows in zip(*pairs, strict=True))
        return Batch(tokens, targets)


def cut(
    file: TokenFile, start: int, length: int, *, story_only: bool
) -> tuple[Int[np.ndarray, " position"], Int[np.ndarray, " position"]]:
    """``length`` tokens from ``start`` on, and their targets.

    With ``story_only`` the tokens of an instruction before a story are no targets. The end-of-text
    before it always is one: it closes the story before.
    """
    window = file.window(start, length + 1)
    targets = window[1:].copy()
    if story_only:
        positions = np.arange(start + 1, start + len(window))
        story = np.searchsorted(file.starts, positions, side="right") - 1
        offset = positions - file.starts[story]
        targets[(offset > 0) & (offset < file.prompts[story])] = IGNORED
    return window[:-1], targets
