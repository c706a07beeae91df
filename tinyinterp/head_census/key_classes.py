"""What a semantic head looks at: attention to each class of key, as a lift over position alone.

The *lift* of a class is the attention that its keys get, divided by what the kernel surrogate P
would give to the same keys: 1 means that the class is looked at as often as its places are.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Float, Int
from torch import Tensor

from tinyinterp.corpus import N_BLOCKS, MicroBatch, Sequence
from tinyinterp.decoder import DecoderConfig
from tinyinterp.head_census.estimates import draws, interval
from tinyinterp.head_census.kernel import Surrogate
from tinyinterp.head_census.patterns import without_sink
from tinyinterp.head_census.sums import layer_of, pattern_place
from tinyinterp.speech import QUOTATION_MARK, SENTENCE_END, TAGS, SpeechReader

CLASSES = (*(tag if tag != "PROPN" else "name" for tag in TAGS), "sentence-end", "quotation")
PUNCTUATION = TAGS.index("PUNCT")
LEAST_LIFT = 2.0
LEAST_LOW = 1.5  # of the lower end of the interval
LEAST_SHARE = 0.1  # of the head's attention: a rare class may have any lift


@dataclass(frozen=True)
class Role:
    """The key class that a head looks at."""

    name: str
    lift: float
    low: float
    high: float
    share: float  # of the head's attention


class KeyClassAccumulator:
    """Attention, and expected attention, to each class of key, by block."""

    def __init__(self, config: DecoderConfig, surrogates: list[Surrogate]) -> None:
        self.config = config
        self._expected = [s.by_distance.float() for s in surrogates]
        self._reader = SpeechReader()
        shape = (2, N_BLOCKS, config.n_layers, config.n_heads, len(CLASSES))
        self._sums = torch.zeros(shape, dtype=torch.float64)
        self._batch: MicroBatch | None = None
        self._classes = torch.zeros(0)

    def places(self) -> Iterable[str]:
        return [pattern_place(layer) for layer in range(self.config.n_layers)]

    def observe(self, batch: MicroBatch, place: str, value: Tensor) -> None:
        if batch is not self._batch:  # once a batch, not once a layer
            self._batch, self._classes = batch, self._one_hot(batch)
        layer, width = layer_of(place), value.shape[-1]
        clean = without_sink(value, batch.lengths)
        table = self._expected[layer][:, :width, :width]
        observed = clean.weights.sum(2)
        expected = torch.einsum("bhq,hqk->bhk", clean.rows.float(), table)
        blocks = torch.tensor([s.block for s in batch.sequences])
        for index, keys in enumerate((observed, expected)):
            sums = torch.einsum("bhk,bkc->bhc", keys, self._classes).double()
            self._sums[index, :, layer].index_add_(0, blocks, sums)

    def role(self, layer: int, head: int, seed: int) -> Role | None:
        """The class with the largest lift, if it is large, sure and frequent enough."""
        observed, expected = self._sums[:, :, layer, head].numpy()
        weights = draws(expected.sum(1) > 0, np.random.default_rng((seed, 4)))
        lifts = observed.sum(0) / np.maximum(expected.sum(0), 1e-9)
        shares = observed.sum(0) / max(observed.sum(), 1e-9)
        replicates = (weights @ observed) / np.maximum(weights @ expected, 1e-9)
        lows, highs = interval(replicates)
        good = (lifts >= LEAST_LIFT) & (lows > LEAST_LOW) & (shares >= LEAST_SHARE)
        if not good.any():
            return None
        best = int(np.where(good, lifts, -1).argmax())
        return Role(CLASSES[best], lifts[best], lows[best], highs[best], shares[best])

    def _one_hot(self, batch: MicroBatch) -> Float[Tensor, "batch key klass"]:
        classes = torch.zeros(*batch.tokens.shape, len(CLASSES))
        for row, sequence in enumerate(batch.sequences):
            numbers = self._numbers(sequence)
            known = np.flatnonzero(numbers >= 0)
            classes[row, known, numbers[known]] = 1
        return classes

    def _numbers(self, sequence: Sequence) -> Int[np.ndarray, " position"]:
        """The class of each token; -1 for continuations and end-of-text."""
        numbers = self._reader.tokens(sequence).tags.copy()
        for position in np.flatnonzero(numbers == PUNCTUATION):
            start, end = sequence.offsets[position]
            mark = sequence.story[start:end].strip()
            if re.fullmatch(SENTENCE_END, mark):
                numbers[position] = CLASSES.index("sentence-end")
            elif re.search(QUOTATION_MARK, mark):
                numbers[position] = CLASSES.index("quotation")
        return numbers
