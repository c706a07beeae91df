"""How well chosen patterns say where neurons fire: precision, recall and F1 over another text."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import partial

import numpy as np
from jaxtyping import Float, Float32, Int, UInt64
from torch import Tensor

from tinyinterp.model_account.rules.kernels import count_claims
from tinyinterp.model_account.rules.patterns import FORMS, Surroundings, TagsOf, Words
from tinyinterp.neuron_census.activations import flat, rows_of
from tinyinterp.neuron_census.kernels import over_neurons
from tinyinterp.processes import Processes
from tinyinterp.statistics import block_bootstrap
from tinyinterp.text.sequences import N_BLOCKS, MicroBatch


@dataclass(frozen=True)
class Counts:
    """Tokens of a text by block and neuron: hits, those that patterns claim, and both at once."""

    hits: Int[np.ndarray, "block neuron"]
    claimed: Int[np.ndarray, "block neuron"]
    right: Int[np.ndarray, "block neuron"]

    @classmethod
    def none(cls, n_neurons: int) -> Counts:
        """Nothing counted yet."""
        return cls(*np.zeros((3, N_BLOCKS, n_neurons), dtype=np.int64))

    @property
    def precision(self) -> Float[np.ndarray, " neuron"]:
        """The share of claimed tokens that are hits; NaN where nothing is claimed."""
        return _share(self.right.sum(axis=0), self.claimed.sum(axis=0))

    @property
    def recall(self) -> Float[np.ndarray, " neuron"]:
        """The share of hits that are claimed; NaN where there is no hit."""
        return _share(self.right.sum(axis=0), self.hits.sum(axis=0))

    @property
    def f1(self) -> Float[np.ndarray, " neuron"]:
        """The harmonic mean of both; NaN where there is no hit."""
        hits = self.hits.sum(axis=0)
        f1 = _share(2 * self.right.sum(axis=0), self.claimed.sum(axis=0) + hits)
        return np.where(hits > 0, f1, np.nan)

    def f1_interval(
        self, seed: int = 0
    ) -> tuple[Float[np.ndarray, " neuron"], Float[np.ndarray, " neuron"]]:
        """The 95 % interval of F1 over blocks; 0 and 1 where fewer than two blocks have a hit."""
        either = (self.claimed + self.hits).astype(np.float64)
        low, high = block_bootstrap(
            lambda right, both: 2 * right / both, self.right.astype(np.float64), either, seed=seed
        )
        known = ((self.hits > 0).sum(axis=0) >= 2) & np.isfinite(low)
        return np.where(known, low, 0.0), np.where(known, high, 1.0)


@dataclass(frozen=True)
class Claims:
    """Which neurons each pattern speaks for, by layer."""

    patterns: UInt64[np.ndarray, " pattern"]  # ascending, each once
    forms: Int[np.ndarray, " form"]  # that occur among them
    owner_starts: dict[int, Int[np.ndarray, " pattern_and_end"]]
    owners: dict[int, Int[np.ndarray, " owner"]]

    @classmethod
    def of(
        cls,
        chosen: dict[int, Int[np.ndarray, "neuron most"]],
        patterns: UInt64[np.ndarray, " pattern"],
        forms: Int[np.ndarray, " pattern"],
    ) -> Claims:
        """What was chosen for the neurons of each layer, as numbers into ``patterns``; -1: none."""
        used = np.unique(np.concatenate([numbers[numbers >= 0] for numbers in chosen.values()]))
        order = np.argsort(patterns[used], kind="stable")
        rank = np.zeros(len(patterns), dtype=np.int64)
        rank[used[order]] = np.arange(len(used))
        starts, owners = {}, {}
        for layer, numbers in chosen.items():
            neurons, columns = np.nonzero(numbers >= 0)
            ranks = rank[numbers[neurons, columns]]
            by_rank = np.lexsort((neurons, ranks))
            owners[layer] = neurons[by_rank]
            starts[layer] = np.searchsorted(ranks[by_rank], np.arange(len(used) + 1))
        return cls(patterns[used][order], np.unique(forms[used]), starts, owners)

    def matches(
        self, around: Surroundings, words: Words
    ) -> tuple[Int[np.ndarray, " row_and_end"], Int[np.ndarray, " match"]]:
        """The patterns that end at each row, as one list and where each row starts in it."""
        numbers = around.numbers(words)
        rows, matches = [np.zeros(0, np.int64)], [np.zeros(0, np.int64)]
        for form in self.forms:
            found, there = numbers.patterns(FORMS[form])
            nearest = np.searchsorted(self.patterns, found)
            there &= nearest < len(self.patterns)
            there[there] = self.patterns[nearest[there]] == found[there]
            rows.append(np.flatnonzero(there))
            matches.append(nearest[there])
        row, match = np.concatenate(rows), np.concatenate(matches)
        order = np.lexsort((match, row))
        return np.searchsorted(row[order], np.arange(len(around.tokens) + 1)), match[order]


class ClaimCounter:
    """Counts what is claimed, and what of it is right, over a text; an accumulator of a scan.

    Args:
        words: what the patterns ask for, by number.
        tags_of: gives the tags of a sequence, -1 where a token has none.
        levels: of the neurons of each layer; from here on a token is a hit.
        claims: any number of sets of patterns, which are counted apart.
    """

    def __init__(
        self,
        words: Words,
        tags_of: TagsOf,
        levels: dict[int, Float32[np.ndarray, " neuron"]],
        claims: list[Claims],
    ) -> None:
        self._words = words
        self._tags_of = tags_of
        self._levels = levels
        self._claims = claims
        self._layers = {f"blocks.{layer}.mlp.hook_post": layer for layer in levels}
        self._batch: MicroBatch | None = None
        self._matches: list[tuple[np.ndarray, np.ndarray]] = []
        self.counts = [
            {layer: Counts.none(len(level)) for layer, level in levels.items()} for _ in claims
        ]

    def hook_names(self) -> Iterable[str]:
        return self._layers

    def observe(self, batch: MicroBatch, name: str, value: Tensor) -> None:
        layer, rows = self._layers[name], rows_of(batch)
        if batch is not self._batch:
            around = Surroundings.of(rows, self._tags_of)
            self._matches = [claims.matches(around, self._words) for claims in self._claims]
            self._batch = batch
        values, level = flat(value), self._levels[layer]
        for claims, matches, counts in zip(self._claims, self._matches, self.counts, strict=True):
            owners = claims.owner_starts[layer], claims.owners[layer]
            sums = counts[layer].hits, counts[layer].claimed, counts[layer].right
            heard = values, rows.rows, rows.blocks, level
            count = partial(count_claims, *heard, *matches, *owners, *sums)
            over_neurons(count, len(level))

    def merge(self, processes: Processes) -> None:
        for of_layers in self.counts:
            for counts in of_layers.values():
                processes.add(counts.hits, counts.claimed, counts.right)


def _share(
    part: Int[np.ndarray, " neuron"], whole: Int[np.ndarray, " neuron"]
) -> Float[np.ndarray, " neuron"]:
    return np.divide(part, whole, out=np.full(len(whole), np.nan), where=whole > 0)
