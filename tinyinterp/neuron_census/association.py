"""How well a neuron's activation tells a part of speech: AUROC on an even sample of tokens."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Bool, Float, Int
from scipy.stats import rankdata
from torch import Tensor

from tinyinterp.neuron_census.rows import Rows
from tinyinterp.speech import TAGS
from tinyinterp.statistics import auroc_of_counts, q_values, rank_tests

SAMPLE_TOKENS = 20_000
FEWEST_OF_A_TAG = 20  # tokens of a tag, and others, below which its AUROC is not looked at
NEURONS_AT_ONCE = 256


@dataclass(frozen=True)
class Sample:
    """Scored TEST tokens with the activations of every neuron."""

    values: Float[np.ndarray, "row neuron"]
    tokens: Int[np.ndarray, " row"]
    tags: Int[np.ndarray, " row"]
    next_tags: Int[np.ndarray, " row"]
    blocks: Int[np.ndarray, " row"]

    def positive(self, target: int) -> Bool[np.ndarray, " row"]:
        """Which tokens a target is about: a tag, or, from ``len(TAGS)`` on, the next word's."""
        if target < len(TAGS):
            return self.tags == target
        return self.next_tags == target - len(TAGS)


class EvenSample:
    """Scored tokens drawn evenly from a text of unknown length, in bounded memory.

    Each token has a hash of its place and the seed; those with the smallest are kept, so the draw
    depends on nothing else.
    """

    def __init__(self, seed: int, size: int = SAMPLE_TOKENS) -> None:
        self._seed = seed
        self._size = size
        self._below = np.iinfo(np.uint64).max  # hashes from here on are too large to be kept
        self._values: list[Tensor] = []
        self._columns: list[Int[np.ndarray, "row six"]] = []
        self._held = 0

    def add(
        self, rows: Rows, tags: Int[np.ndarray, " row"], next_tags: Int[np.ndarray, " row"]
    ) -> None:
        """Take in more rows with the tags of their tokens (below 0: not scored, left out)."""
        hashes = _hash(rows.ids, self._seed)
        kept = np.flatnonzero((tags >= 0) & (hashes <= self._below))
        columns = (rows.ids, rows.tokens, tags, next_tags, rows.blocks, hashes.view(np.int64))
        self._values.append(rows.values[torch.from_numpy(kept)])
        self._columns.append(np.stack(columns, axis=1)[kept])
        self._held += len(kept)
        if self._held > 2 * self._size:
            self._prune()

    def finish(self) -> Sample:
        """The sample, in the order of the text."""
        if not self._columns:
            raise AssertionError("no rows were added")
        self._prune()
        columns = self._columns[0]
        order = columns[:, 0].argsort()
        _, tokens, tags, next_tags, blocks, _ = columns[order].T
        return Sample(self._values[0].numpy()[order], tokens, tags, next_tags, blocks)

    def _prune(self) -> None:
        columns, values = np.concatenate(self._columns), torch.cat(self._values)
        hashes = np.ascontiguousarray(columns[:, 5]).view(np.uint64)
        kept = np.argsort(hashes, kind="stable")[: self._size]
        if len(kept) == self._size:
            self._below = hashes[kept[-1]]
        self._columns, self._values = [columns[kept]], [values[torch.from_numpy(kept)]]
        self._held = len(kept)


@dataclass(frozen=True)
class Association:
    """AUROC of every neuron for every tag, then for every tag of the word that comes next."""

    auroc: Float[np.ndarray, "target neuron"]
    q: Float[np.ndarray, "target neuron"]  # Benjamini-Hochberg over neurons and tested targets
    tested: Bool[np.ndarray, " target"]  # which targets have tokens enough
    ranks: Float[np.ndarray, "row neuron"]  # of the sample, each neuron's apart; multiples of 1/2


def associate(sample: Sample) -> Association:
    """Test every neuron against every tag. A target that is not tested has AUROC 0.5 and q 1."""
    n_rows, n_neurons = sample.values.shape
    positives = np.array([sample.positive(target).sum() for target in range(2 * len(TAGS))])
    tested = (positives >= FEWEST_OF_A_TAG) & (n_rows - positives >= FEWEST_OF_A_TAG)
    values, p = np.full((2, len(tested), n_neurons), 0.5)
    all_ranks = np.empty((n_rows, n_neurons), dtype=np.float32)  # exact below 2^23 rows
    for start in range(0, n_neurons, NEURONS_AT_ONCE):
        chunk = slice(start, start + NEURONS_AT_ONCE)
        ranks = np.asarray(rankdata(sample.values[:, chunk], axis=0), dtype=np.float64)
        all_ranks[:, chunk] = ranks
        for first, tags in ((0, sample.tags), (len(TAGS), sample.next_tags)):
            results = rank_tests(ranks, tags, len(TAGS), sample.blocks)
            values[first : first + len(TAGS), chunk] = results.auroc
            p[first : first + len(TAGS), chunk] = results.p
    values[~tested] = 0.5
    q = np.ones_like(p)
    if tested.any():
        q[tested] = q_values(p[tested])
    return Association(values, q, tested, all_ranks)


class TokenControl:
    """How far token identity alone tells a part of speech.

    The predictor is a neuron's mean activation on the token's type, taken from the FIT stories.

    Args:
        sample: the tokens that are predicted.
        means: of the token types of the sample, as :func:`numpy.unique` orders them.
    """

    def __init__(self, sample: Sample, means: Float[np.ndarray, "kind neuron"]) -> None:
        kind = np.unique(sample.tokens, return_inverse=True)[1]
        self._means = means
        self._positives = np.stack(
            [
                np.bincount(kind, weights=sample.positive(target), minlength=len(means))
                for target in range(2 * len(TAGS))
            ]
        )
        self._all = np.bincount(kind, minlength=len(means))

    def auroc(self, neuron: int, target: int) -> float:
        """AUROC of the predictor for the same target."""
        positives = self._positives[target]
        return auroc_of_counts(self._means[:, neuron], positives, self._all - positives)


def _hash(ids: Int[np.ndarray, " row"], seed: int) -> np.ndarray:
    """Well mixed 64 bits of each id (the finaliser of SplitMix64)."""
    x = ids.astype(np.uint64) + np.uint64((seed * 0x9E3779B97F4A7C15 + 1) % 2**64)
    for shift, factor in ((30, 0xBF58476D1CE4E5B9), (27, 0x94D049BB133111EB)):
        x = (x ^ (x >> np.uint64(shift))) * np.uint64(factor)
    return x ^ (x >> np.uint64(31))
