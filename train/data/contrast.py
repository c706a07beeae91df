"""Stories with their sentences shuffled, beside each batch, for the contrastive objective."""

from __future__ import annotations

import math

import numpy as np
import torch
from jaxtyping import Bool, Int

from tinyinterp.text.instruct import prompt_length
from tinyinterp.text.tokenizer import Tokenizer

from .batches import IGNORED, Batch, Sampler
from .shuffling import shuffle_sentences


class ContrastSampler:
    """The batches of ``sampler``, with a ``share`` of their rows again in ``shuffled``.

    A row may hold several stories, or parts: each is shuffled separately. Instructions stay
    unchanged and are not scored; a row that grew longer is cut.
    """

    def __init__(self, sampler: Sampler, tokenizer: Tokenizer, share: float, seed: int) -> None:
        self.sampler, self.tokenizer, self.share, self.seed = sampler, tokenizer, share, seed

    def batch(self, step: int) -> Batch:
        """Micro-batch ``step`` of the sampler, and the same number of shuffled rows each time."""
        batch = self.sampler.batch(step)
        random = np.random.default_rng((self.seed, step))
        n_rows, width = batch.tokens.shape
        chosen = random.permutation(n_rows)[: math.ceil(self.share * n_rows)]
        tokens = torch.zeros(len(chosen), width, dtype=torch.int64)
        targets = torch.full_like(tokens, IGNORED)
        for row, source in enumerate(sorted(chosen)):
            ids, scored = self._shuffle(_text_of(batch, int(source)), random)
            ids, scored = ids[: width + 1], scored[: width + 1]
            n = max(0, len(ids) - 1)
            tokens[row, :n] = torch.from_numpy(ids[:n])
            targets[row, :n] = torch.from_numpy(np.where(scored[1:], ids[1:], IGNORED))
        return Batch(batch.tokens, batch.targets, batch.story, Batch(tokens, targets))

    def _shuffle(
        self, tokens: Int[np.ndarray, " token"], random: np.random.Generator
    ) -> tuple[Int[np.ndarray, " new"], Bool[np.ndarray, " new"]]:
        """Each story among ``tokens`` with its sentences in another order, and what is scored."""
        end = self.tokenizer.end_of_text
        ids: list[int] = []
        scored: list[bool] = []
        for piece in np.split(tokens, np.flatnonzero(tokens == end)):
            begins = int(len(piece) > 0 and piece[0] == end)
            text = self.tokenizer.decode_whole(piece[begins:].tolist())
            asked = prompt_length(text) or 0
            instruction, story = self.tokenizer.encode_batch(
                [text[:asked], shuffle_sentences(text[asked:], random)]
            )
            ids += [end] * begins + instruction.ids + story.ids
            scored += [True] * begins + [False] * len(instruction.ids) + [True] * len(story.ids)
        return np.array(ids, dtype=np.int64), np.array(scored, dtype=bool)


def _text_of(batch: Batch, row: int) -> Int[np.ndarray, " token"]:
    """Tokens of a row and its last target; what pads it is left out."""
    scored = torch.nonzero(batch.targets[row] != IGNORED)
    n = int(scored[-1]) + 1 if len(scored) else 0
    return torch.cat((batch.tokens[row, :n], batch.targets[row, max(0, n - 1) : n])).numpy()
