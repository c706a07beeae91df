"""Loss with its interval over blocks of stories, and the paired difference of two models.

Both models read the same stories, and a story adds to the same block for both; a bootstrap that
draws blocks then draws the same stories for both, so what makes a story hard for every model
cancels out.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import islice

import numpy as np
from jaxtyping import Float

from tinyinterp.errors import CorpusError
from tinyinterp.evaluation.loss import STORIES_AT_ONCE, encode_stories, score_windows, story_windows
from tinyinterp.io.progress import Progress
from tinyinterp.network.compressor import Compressor
from tinyinterp.network.decoder import Decoder
from tinyinterp.statistics import Interval, block_bootstrap
from tinyinterp.text.sequences import N_BLOCKS, side_and_block
from tinyinterp.text.tokenizer import Tokenizer

Sums = Float[np.ndarray, " block"]


@dataclass(frozen=True, eq=False)
class BlockLoss:
    """Sums over the stories of each block, in fp64.

    Args:
        nats: of the tokens that were scored.
        tokens: how many those are.
        bytes: UTF-8 bytes of their text.
    """

    nats: Sums
    tokens: Sums
    bytes: Sums

    def bits_per_byte(self, seed: int = 0) -> Interval:
        """Comparable between tokenizers, with a 95 % interval over blocks."""
        return _ratio(self.nats / math.log(2), self.bytes, seed)

    def nats_per_token(self, seed: int = 0) -> Interval:
        """Comparable under one tokenizer only, with a 95 % interval over blocks."""
        return _ratio(self.nats, self.tokens, seed)

    def bits_above(self, other: BlockLoss, seed: int = 0) -> Interval:
        """Bits per byte less those of ``other``, with a 95 % interval over the same blocks.

        Raises:
            CorpusError: the two were not measured on the same blocks.
        """
        log2 = math.log(2)
        return _difference(self.nats / log2, self.bytes, other.nats / log2, other.bytes, seed)

    def nats_above(self, other: BlockLoss, seed: int = 0) -> Interval:
        """The same in nats per token, which means something under one tokenizer only.

        Raises:
            CorpusError: the two were not measured on the same blocks.
        """
        return _difference(self.nats, self.tokens, other.nats, other.tokens, seed)


def measure_loss_by_block(
    model: Decoder | Compressor,
    tokenizer: Tokenizer,
    stories: Iterable[str],
    blocks: Iterable[int] | None = None,
    report: Progress | None = None,
) -> BlockLoss:
    """The loss of :func:`tinyinterp.evaluation.loss.measure_text_loss`, summed by block of stories.

    Args:
        model: a decoder or compressor.
        tokenizer: its own.
        stories: their texts, read as they come.
        blocks: the block of each story, counted from 0; None: a hash of its text decides. Give
            them where two models read one story differently, so that its block is the same.
        report: advances by the UTF-8 bytes that are scored.

    Raises:
        CorpusError: there is no story, or none has a token to score.
    """
    sums = np.zeros((3, N_BLOCKS))
    seen: list[str] = []  # read by the tokenizer, not yet by the model
    numbers = None if blocks is None else iter(blocks)
    encoded = encode_stories(tokenizer, _noted(stories, seen))
    while chunk := list(islice(encoded, STORIES_AT_ONCE)):
        read, seen[:] = seen[: len(chunk)], seen[len(chunk) :]
        of_story = (
            [side_and_block(story)[1] for story in read]
            if numbers is None
            else list(islice(numbers, len(chunk)))
        )
        windows, block_of = [], []
        size_of = defaultdict[int, int](int)
        for block, (tokens, size, first) in zip(of_story, chunk, strict=True):
            size_of[block] += size
            for window in story_windows(tokens, model.config.n_ctx, first):
                windows.append(window)
                block_of.append(block)
        for number, nats in score_windows(model, windows):
            sums[:2, block_of[number]] += nats.sum(), len(nats)
        for block, size in size_of.items():
            sums[2, block] += size
        if report is not None:
            report.advance(sum(size_of.values()))
    if not sums[1].any() or not sums[2].any():
        raise CorpusError("there is no story to measure the loss on; give at least one")
    return BlockLoss(*sums)


def _noted(stories: Iterable[str], seen: list[str]) -> Iterator[str]:
    for story in stories:
        seen.append(story)
        yield story


def _ratio(above: Sums, below: Sums, seed: int) -> Interval:
    low, high = block_bootstrap(np.divide, above, below, seed=seed)
    return Interval(float(above.sum() / below.sum()), float(low), float(high))


def _difference(above: Sums, below: Sums, above2: Sums, below2: Sums, seed: int) -> Interval:
    if not np.array_equal(below > 0, below2 > 0):
        raise CorpusError("two losses are not of the same stories; measure both models on one text")
    low, high = block_bootstrap(
        lambda a, b, c, d: a / b - c / d, above, below, above2, below2, seed=seed
    )
    value = above.sum() / below.sum() - above2.sum() / below2.sum()
    return Interval(float(value), float(low), float(high))
