"""The hits of all neurons in a text, gathered in one pass that finds the hit level on the way."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float32, Int, Int32
from torch import Tensor

from tinyinterp.neuron_census.activations import flat, rows_of
from tinyinterp.neuron_census.sides import hit_level
from tinyinterp.text.sequences import MicroBatch

MOST_HITS = 1 << 14  # of a neuron that are kept
ROOM = 1 << 22  # entries of a layer, from which on those below the level are thrown out
NO_LIMIT = np.iinfo(np.int32).max


@dataclass(frozen=True)
class Hits:
    """The hits of the neurons of one layer: rows at or above half of the largest activation.

    A neuron that has more than :data:`MOST_HITS` is known for the first part of the text only, the
    rows before its limit.
    """

    level: Float32[np.ndarray, " neuron"]  # from here on a row is a hit; infinity: there is none
    starts: Int[np.ndarray, " neuron_and_end"]  # where the rows of each neuron start in `rows`
    rows: Int32[np.ndarray, " hit"]  # ascending for each neuron
    limits: Int32[np.ndarray, " neuron"]  # rows from here on are not looked at


class HitLists:
    """Gathers hits over a text; an accumulator of :func:`tinyinterp.scan.scan`.

    The level is not known before the text has been read. What reaches half of the largest
    activation *so far* is kept; all hits are among it, since that only rises. On the bundled model
    one activation in 2,500 is a hit, so that lists are far smaller than the text.

    Args:
        layers: counted from 0.
        n_neurons: of a layer.
        n_rows: rows from here on still raise the level but are not kept.
    """

    def __init__(self, layers: Iterable[int], n_neurons: int, n_rows: int) -> None:
        self._layers = {f"blocks.{layer}.mlp.hook_post": layer for layer in layers}
        self._lists = {layer: _LayerLists(n_neurons, n_rows) for layer in self._layers.values()}

    def hook_names(self) -> Iterable[str]:
        return self._layers

    def observe(self, batch: MicroBatch, name: str, value: Tensor) -> None:
        self._lists[self._layers[name]].add(flat(value)[rows_of(batch).rows])

    def hits(self, layer: int) -> Hits:
        """The hits of a layer, once the text has been read."""
        return self._lists[layer].hits()


class _LayerLists:
    def __init__(self, n_neurons: int, n_rows: int) -> None:
        self._largest = np.full(n_neurons, -np.inf, dtype=np.float32)
        self._limits = np.full(n_neurons, min(n_rows, NO_LIMIT), dtype=np.int32)
        self._parts: list[tuple[np.ndarray, np.ndarray, np.ndarray]] = []  # neurons, rows, values
        self._seen = self._held = self._last_held = 0

    def add(self, values: Float32[np.ndarray, "row neuron"]) -> None:
        np.maximum(self._largest, values.max(axis=0), out=self._largest)
        rows, neurons = np.nonzero(values >= hit_level(self._largest))
        numbers = (rows + self._seen).astype(np.int32)
        self._parts.append((neurons.astype(np.int32), numbers, values[rows, neurons]))
        self._seen += len(values)
        self._held += len(rows)
        if self._held > 2 * self._last_held + ROOM:
            self._throw_out()

    def _throw_out(self) -> None:
        """Sort by neuron and row; drop what is below the level, too many or beyond the limits."""
        neurons, rows, values = map(np.concatenate, zip(*self._parts, strict=True))
        kept = (values >= hit_level(self._largest)[neurons]) & (rows < self._limits[neurons])
        neurons, rows, values = neurons[kept], rows[kept], values[kept]
        order = np.lexsort((rows, neurons))
        neurons, rows, values = neurons[order], rows[order], values[order]
        starts = np.searchsorted(neurons, np.arange(len(self._largest)))
        surplus = np.flatnonzero(np.arange(len(neurons)) - starts[neurons] == MOST_HITS)
        self._limits[neurons[surplus]] = rows[surplus]
        kept = rows < self._limits[neurons]
        self._parts = [(neurons[kept], rows[kept], values[kept])]
        self._held = self._last_held = int(kept.sum())

    def hits(self) -> Hits:
        self._throw_out()
        neurons, rows, _ = self._parts[0]
        starts = np.searchsorted(neurons, np.arange(len(self._largest) + 1))
        return Hits(hit_level(self._largest), starts, rows, self._limits.copy())
