"""The pass over FIT, which sums, and that over TEST, which counts: both keep the extremes.

The second begins with what the first found: the level above which an activation is a hit, and the
means by position. The state of either is arrays under names, and rows in files where they are many,
so that an interrupted one is resumed.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

import numpy as np
from jaxtyping import Int
from torch import Tensor

from tinyinterp.errors import OutputError
from tinyinterp.io.rows_file import RowsFile
from tinyinterp.network.decoder import Decoder
from tinyinterp.neuron_census.activations import Rows, hook_of, rows_of
from tinyinterp.neuron_census.checkpointer import restore
from tinyinterp.neuron_census.corpus_stats import CorpusStats
from tinyinterp.neuron_census.correlation import TagSums
from tinyinterp.neuron_census.measured import LayerMeasured, Measured, TextCounts
from tinyinterp.neuron_census.on_device import collect, gatherers, put_back
from tinyinterp.neuron_census.sample import EvenSample, SampledValues
from tinyinterp.neuron_census.settings import NeuronSettings
from tinyinterp.neuron_census.sides import HeldOutSide, hit_level
from tinyinterp.neuron_census.targets import Targets, read_targets
from tinyinterp.processes import Processes
from tinyinterp.tagging import TagReader
from tinyinterp.text.sequences import N_BLOCKS, MicroBatch

MakeRowsFile = Callable[[str, int, type], RowsFile]


class FitPass:
    """Reads FIT: sums and extremes of every layer.

    Args:
        decoder: the model.
        settings: what to measure.
        stats: of the corpus.
        by_type: whether sums by token type are needed, which take most of the memory.
        every: reads neurons 0, ``every``, 2 ``every`` … of each layer; 1: all.
    """

    def __init__(
        self,
        decoder: Decoder,
        settings: NeuronSettings,
        stats: CorpusStats,
        *,
        by_type: bool,
        every: int = 1,
    ) -> None:
        config = decoder.config
        layers = settings.chosen_layers(config.n_layers)
        self.hooks = {layer: hook_of(decoder, layer, settings.reading) for layer in layers}
        self._layers = {name: layer for layer, (name, _) in self.hooks.items()}
        self._rows = RowsOnce(stats)
        self.made = gatherers(decoder.embed.weight.device)
        self._by_type, self._every = by_type, every
        n_neurons = len(range(0, config.d_mlp, every))
        n_types = len(stats.types) if by_type else 1
        self.fitted = {
            layer: self.made.fitted(n_neurons, n_types, stats.longest) for layer in layers
        }
        self.extremes = {
            layer: self.made.extremes(n_neurons, settings.top, per_story=settings.per_story)
            for layer in layers
        }

    def set_aside(self, rows_file: MakeRowsFile) -> None:
        """Keep in files what was summed by token type, until tables are made of it."""
        if not self._by_type:
            return
        for layer, fitted in self.fitted.items():
            width = len(self.extremes[layer].largest)
            fitted.set_aside(rows_file(f"types{layer}", width, np.float64))

    def hook_names(self) -> Iterable[str]:
        return self._layers

    def observe(self, batch: MicroBatch, name: str, value: Tensor) -> None:
        layer = self._layers[name]
        rows, types = self._rows.of(batch)
        values = self.values(layer, value)
        types = types if self._by_type else np.zeros_like(types)
        self.fitted[layer].add(values, rows, types, self.extremes[layer])

    def values(self, layer: int, value: Tensor) -> Any:
        """What a hook gave, a row per position and a column per neuron that is read."""
        return self.made.flat(self.hooks[layer][1](value)[..., :: self._every])

    def merge(self, processes: Processes) -> None:
        for layer, fitted in self.fitted.items():
            fitted.merge(processes)
            self.extremes[layer].merge(processes)

    def collect(self) -> None:
        """Bring everything into the arrays, wherever it was gathered."""
        collect((*self.fitted.values(), *self.extremes.values()))

    def arrays(self) -> dict[str, np.ndarray]:
        """Its whole state, by layer and name."""
        self.collect()
        return _by_layer({"fitted": self.fitted, "extremes": self.extremes})

    def restore(self, arrays: dict[str, np.ndarray]) -> None:
        """Take on a saved state."""
        restore(self.arrays(), arrays)
        put_back((*self.fitted.values(), *self.extremes.values()))


class TestPass:
    """Reads TEST: counts and sums of every layer, the rest of the extremes, and the sample."""

    __test__ = False  # keeps pytest from collecting it

    def __init__(
        self,
        fit: FitPass,
        settings: NeuronSettings,
        stats: CorpusStats,
        tag_reader: TagReader,
        sampled: int,
        rows_file: MakeRowsFile,
    ) -> None:
        self._layers = {name: layer for layer, (name, _) in fit.hooks.items()}
        self._rows = RowsOnce(stats)
        self._tag_reader = tag_reader
        self._all_targets = Targets(tag_reader.tag_set)
        self._listed = stats.split
        self._fit = fit
        self._batch: MicroBatch | None = None
        self._targets = np.zeros((0, 3), dtype=np.int64)
        self._drawn = np.zeros(0, dtype=np.int64)
        self.sample = EvenSample(stats.counted_tokens, settings.seed, sampled)
        self.held_out: dict[int, HeldOutSide] = {}
        self.sampled: dict[int, SampledValues] = {}
        self.tag_sums: dict[int, TagSums] = {}
        self._associated = sampled > 0
        for layer, fitted in fit.fitted.items():
            # The lists hold FIT alone, except when a pass resumes: then the saved level replaces
            # this one.
            level = hit_level(fit.extremes[layer].largest)
            means = fitted.means_by_position()
            self.held_out[layer] = fit.made.held_out(
                level, means, len(stats.types), self._all_targets.n
            )
            file = rows_file(f"sample{layer}", len(level), np.float32)
            self.sampled[layer] = fit.made.sampled(file)
            self.tag_sums[layer] = fit.made.tag_sums(len(level), self._all_targets)
        self.block_tokens = np.zeros(N_BLOCKS, dtype=np.int64)
        self.target_tokens = np.zeros(self._all_targets.n, dtype=np.int64)

    def hook_names(self) -> Iterable[str]:
        return self._layers

    def observe(self, batch: MicroBatch, name: str, value: Tensor) -> None:
        layer = self._layers[name]
        values = self._fit.values(layer, value)
        rows, types = self._rows.of(batch)
        if batch is not self._batch:
            self._count(batch, rows, types)
        if self._associated:
            self.sampled[layer].add(values, rows.rows[self._drawn])
            self.tag_sums[layer].add(values, rows, self._targets)
        self.held_out[layer].add(
            values, rows, types, self._targets, self._fit.extremes[layer], listed=self._listed
        )

    def _count(self, batch: MicroBatch, rows: Rows, types: Int[np.ndarray, " row"]) -> None:
        """Count what is the same for every layer."""
        self._batch = batch
        self._targets = np.concatenate([read_targets(self._tag_reader, s) for s in rows.sequences])
        self._drawn = self.sample.draw(rows, types, self._targets)
        self.block_tokens += np.bincount(rows.blocks, minlength=N_BLOCKS)
        found = self._targets[self._targets >= 0]
        self.target_tokens += np.bincount(found, minlength=self._all_targets.n)

    def merge(self, processes: Processes) -> None:
        self.sample.merge(processes)
        for number, (layer, held_out) in enumerate(self.held_out.items()):
            held_out.merge(processes)
            self.tag_sums[layer].merge(processes)
            self._fit.extremes[layer].merge(processes)
            # Whose turn it is, as ``shared`` deals: that process makes the tables of the layer.
            self.sampled[layer].merge(processes, number % processes.world)
        processes.add(self.block_tokens, self.target_tokens)

    @property
    def _parts(self) -> list[object]:
        parts = (self.held_out, self.sampled, self.tag_sums)
        return [each for of_layers in parts for each in of_layers.values()]

    def collect(self) -> None:
        """Bring everything into the arrays, wherever it was gathered."""
        self._fit.collect()
        collect(self._parts)

    def arrays(self) -> dict[str, np.ndarray]:
        """Its whole state, that of the FIT pass included, but what lies in files of rows."""
        self.collect()
        parts = {"held_out": self.held_out, "tag_sums": self.tag_sums}
        counts = {"block_tokens": self.block_tokens, "target_tokens": self.target_tokens}
        return self._fit.arrays() | _by_layer(parts) | counts | self.sample.arrays()

    def restore(self, arrays: dict[str, np.ndarray]) -> None:
        """Take on a saved state, whose files of rows the parts were given."""
        columns = arrays.get("columns", np.zeros((0, 0)))
        self.sample.hold(min(len(columns), self.sample.room))
        held = self.sample.held if self._associated else 0
        for layer, sampled in self.sampled.items():
            if sampled.n_rows != held:
                raise OutputError(
                    f"the saved progress of the census does not fit it (layer {layer}: "
                    f"{sampled.n_rows} rows, expected {held}); delete the file, or choose another "
                    "folder with --out"
                )
        restore(self.arrays(), arrays)
        put_back((*self._parts, *self._fit.fitted.values(), *self._fit.extremes.values()))

    def finish(self) -> Measured:
        """What both passes gathered."""
        order = self.sample.sort()
        for sampled in self.sampled.values():
            if sampled.n_rows:  # another process has those of this layer, or there are none
                sampled.sort(order)
        layers = {
            layer: LayerMeasured(
                fitted,
                self.held_out[layer],
                self._fit.extremes[layer],
                self.sampled[layer],
                self.tag_sums[layer],
            )
            for layer, fitted in self._fit.fitted.items()
        }
        counts = TextCounts(self.block_tokens, self.target_tokens, self._all_targets)
        sample = self.sample.finish(self._all_targets)
        return Measured(layers, counts, sample, self.sample.ids)


class RowsOnce:
    """The rows of a micro-batch and their token types, computed once for all layers."""

    def __init__(self, stats: CorpusStats) -> None:
        self._types = stats.types
        self._batch: MicroBatch | None = None
        self._found: tuple[Rows, Int[np.ndarray, " row"]] | None = None

    def of(self, batch: MicroBatch) -> tuple[Rows, Int[np.ndarray, " row"]]:
        """Rows, and the index of each one's token among the types of the text."""
        if self._found is None or batch is not self._batch:
            rows = rows_of(batch)
            self._batch, self._found = batch, (rows, np.searchsorted(self._types, rows.tokens))
        return self._found


def _by_layer(parts: Mapping[str, Mapping[int, Any]]) -> dict[str, np.ndarray]:
    return {
        f"{layer}.{part}.{name}": array
        for part, of_layer in parts.items()
        for layer, holder in of_layer.items()
        for name, array in holder.arrays().items()
    }
