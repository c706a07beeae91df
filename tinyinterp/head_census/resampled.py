"""How a head's pattern changes with the tokens under it: two correlations.

A few sequences are read as they are, with every token but the first *resampled* (drawn anew from
the tokens of these sequences), and with every token but the first *permuted*.

- **Content invariance**: how much of the pattern stays where it is when the tokens are resampled.
- **Equivariance**: how much of it moves along with the tokens when they are permuted. With
  ``x'[i] = x[pi(i)]``, the weight ``A'[i, j]`` is compared with ``A[pi(i), pi(j)]``, over the keys
  that the query sees in both orders.

A head that depends on position alone is invariant; one that depends on its tokens alone is
equivariant; one that depends on the context of its tokens, as an induction head does, is neither.
Each number is the correlation of departures from uniform attention over the keys compared: rows
without key 0 divided by their sum, less 1 / n, as in :mod:`tinyinterp.head_census.patterns`;
products are added up over all keys, rows and sequences. So rows count by how far they depart, and
the causal mask, which alone makes any two patterns similar, counts for nothing.

Equivariance leaves out the query's own token. A permutation never parts a token from itself, so
attention to it moves along whatever the head depends on: a current-token head would seem to depend
on content. Without it nothing of such a head is left to compare, and its equivariance is unknown.
"""

from __future__ import annotations

import heapq
from collections.abc import Iterable
from dataclasses import dataclass, replace
from enum import IntEnum
from functools import partial
from itertools import islice

import numpy as np
import torch
from jaxtyping import Float, Int
from torch import Tensor

from tinyinterp.compiled import in_parts
from tinyinterp.devices import fp64_device
from tinyinterp.head_census.correlation import priority_of
from tinyinterp.head_census.kernels import compare_rows
from tinyinterp.head_census.on_device import compare_patterns
from tinyinterp.head_census.patterns import layer_of, pattern_hook
from tinyinterp.network.config import DecoderConfig
from tinyinterp.processes import Processes
from tinyinterp.text.corpus import Corpus
from tinyinterp.text.sequences import MicroBatch, Sequence, Side

MOST_SEQUENCES = 20
CHOSEN_FROM = 256  # only the first of a long text are looked at
LEAST_DEPARTURE = 1e-12  # squared, of a mean row; anything below it is rounding
RESAMPLED, PERMUTED = 1, 2  # purposes of random numbers


class Product(IntEnum):
    """What a row adds; products of departures are summed over its keys."""

    ROWS = 0  # rows that count
    BOTH = 1  # of the two patterns with each other
    ONE = 2  # of the first with itself
    OTHER = 3  # of the second with itself


@dataclass(frozen=True)
class Resampled:
    """The two correlations of every head, from -1 to 1; NaN where a pattern is uniform."""

    content_invariance: Float[np.ndarray, "layer head"]
    equivariance: Float[np.ndarray, "layer head"]


def resampled_batches(corpus: Corpus, side: Side | None, seed: int) -> list[MicroBatch]:
    """For each sequence chosen a batch of three: as it is, resampled, permuted; no padding.

    The sequences are those whose hash is smallest. Tokens are drawn with replacement from all of
    theirs.
    """
    chosen = heapq.nsmallest(
        MOST_SEQUENCES,
        islice(corpus.sequences(side), CHOSEN_FROM),
        key=lambda sequence: priority_of(sequence, seed),
    )
    pool = np.concatenate([sequence.tokens[1:] for sequence in chosen])
    return [_three(sequence, pool, seed) for sequence in chosen]


class ResampledAccumulator:
    """Adds up products of departures over the batches of :func:`resampled_batches`.

    Args:
        seed: that of the batches.
    """

    def __init__(self, config: DecoderConfig, seed: int) -> None:
        self.config, self.seed = config, seed
        shape = (config.n_layers, config.n_heads, len(Product))
        self._invariance, self._equivariance = np.zeros((2, *shape))

    def hook_names(self) -> Iterable[str]:
        return [pattern_hook(layer) for layer in range(self.config.n_layers)]

    def observe(self, batch: MicroBatch, name: str, value: Tensor) -> None:
        layer, device = layer_of(name), fp64_device(value.device)
        three = value.float().to(device)
        n_heads, n = three.shape[1:3]
        window = self.config.window_of(layer) or n
        stay, order = np.arange(n), order_of(batch.sequences[0], self.seed)
        for number, moved, own, sums in (
            (1, stay, True, self._invariance[layer]),
            (2, order, False, self._equivariance[layer]),
        ):
            if device.type == "cpu":
                pair = three[0].numpy(), three[number].numpy()
                in_parts(partial(compare_rows, *pair, moved, window, own, sums), n_heads)
            else:
                at = torch.from_numpy(moved).to(device)
                found = compare_patterns(three[0], three[number], at, window, own=own)
                np.add(sums, found.cpu().numpy(), out=sums)

    def merge(self, processes: Processes) -> None:
        processes.add(self._invariance, self._equivariance)

    def correlations(self) -> Resampled:
        """The two correlations over the batches observed so far."""
        return Resampled(_correlation(self._invariance), _correlation(self._equivariance))


def order_of(sequence: Sequence, seed: int) -> Int[np.ndarray, " position"]:
    """The permutation of a sequence: its first token stays, any order of the others is as likely.

    Token ``i`` of the permuted sequence is token ``order[i]`` of the sequence.
    """
    random = _random(sequence, seed, PERMUTED)
    return np.concatenate([[0], 1 + random.permutation(len(sequence.tokens) - 1)])


def _three(sequence: Sequence, pool: Int[np.ndarray, " token"], seed: int) -> MicroBatch:
    drawn = _random(sequence, seed, RESAMPLED).choice(pool, size=len(sequence.tokens) - 1)
    resampled = replace(sequence, tokens=np.concatenate([sequence.tokens[:1], drawn]))
    permuted = replace(sequence, tokens=sequence.tokens[order_of(sequence, seed)])
    three = (sequence, resampled, permuted)
    return MicroBatch(three, torch.from_numpy(np.stack([s.tokens for s in three])))


def _random(sequence: Sequence, seed: int, purpose: int) -> np.random.Generator:
    return np.random.default_rng((priority_of(sequence, seed), purpose))


def _correlation(
    sums: Float[np.ndarray, "layer head product"],
) -> Float[np.ndarray, "layer head"]:
    """NaN where no row counts, or one of the two patterns is uniform."""
    rows, both, one, other = np.moveaxis(sums, -1, 0)
    known = (rows > 0) & (np.minimum(one, other) > LEAST_DEPARTURE * rows)
    size = np.sqrt(np.where(known, one * other, 1.0))
    return np.where(known, both / size, np.nan)
