"""The one pass over a text that everything about neurons is computed from: FIT, then TEST."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from jaxtyping import Int
from torch import Tensor

from tinyinterp.io.progress import Progress
from tinyinterp.network.decoder import Decoder
from tinyinterp.neuron_census.extremes import Extremes
from tinyinterp.neuron_census.fitted import FittedSide, hit_level
from tinyinterp.neuron_census.held_out import HeldOutSide
from tinyinterp.neuron_census.reading import read
from tinyinterp.neuron_census.rows import Rows, flat, rows_of
from tinyinterp.neuron_census.sample import SAMPLE_TOKENS, EvenSample, Sample, SampledValues
from tinyinterp.neuron_census.saved import Keeper
from tinyinterp.neuron_census.settings import NeuronSettings
from tinyinterp.neuron_census.survey import Survey
from tinyinterp.neuron_census.targets import Targets, read_targets
from tinyinterp.scan import scan
from tinyinterp.tagging import SpeechReader
from tinyinterp.text.corpus import N_BLOCKS, Corpus, MicroBatch, Side


@dataclass(frozen=True)
class LayerMeasured:
    """What was gathered about the neurons of one layer."""

    fitted: FittedSide
    held_out: HeldOutSide
    extremes: Extremes
    sampled: SampledValues


@dataclass(frozen=True)
class TextCounts:
    """The tokens that were counted, whatever the layer."""

    block_tokens: Int[np.ndarray, " block"]
    target_tokens: Int[np.ndarray, " target"]
    all_targets: Targets

    @property
    def n_tokens(self) -> int:
        """All of them."""
        return int(self.block_tokens.sum())

    @property
    def n_scored(self) -> int:
        """Those that have a tag."""
        return int(self.target_tokens[: self.all_targets.own.stop].sum())


@dataclass(frozen=True)
class Measured:
    """What the pass gathered."""

    layers: dict[int, LayerMeasured]
    counts: TextCounts
    sample: Sample


class FitPass:
    """Reads FIT: sums and extremes of every layer."""

    def __init__(self, decoder: Decoder, settings: NeuronSettings, text: Survey) -> None:
        config = decoder.config
        layers = settings.chosen_layers(config.n_layers)
        self.readers = {layer: read(decoder, layer, settings.reading) for layer in layers}
        self._layers = {place: layer for layer, (place, _) in self.readers.items()}
        self._rows = RowsOnce(text)
        self.fitted = {
            layer: FittedSide(config.d_mlp, len(text.types), config.n_ctx) for layer in layers
        }
        self.extremes = {
            layer: Extremes(config.d_mlp, settings.top, per_story=settings.per_story)
            for layer in layers
        }

    def hook_names(self) -> Iterable[str]:
        return self._layers

    def observe(self, batch: MicroBatch, name: str, value: Tensor) -> None:
        layer = self._layers[name]
        rows, types = self._rows.of(batch)
        values = flat(self.readers[layer][1](value))
        self.fitted[layer].add(values, rows, types, self.extremes[layer])

    def arrays(self) -> dict[str, np.ndarray]:
        """All that it holds, by layer."""
        parts = {"fitted": self.fitted, "extremes": self.extremes}
        return _by_layer(parts)

    def restore(self, arrays: dict[str, np.ndarray]) -> None:
        """Hold what another pass held."""
        for name, array in self.arrays().items():
            array[...] = arrays[name]


class TestPass:
    """Reads TEST: counts of every layer, the rest of the extremes, and the sample."""

    __test__ = False  # no test, whatever pytest may think

    def __init__(
        self,
        fit: FitPass,
        settings: NeuronSettings,
        text: Survey,
        speech: SpeechReader,
        sampled: int,
    ) -> None:
        self._layers = {place: layer for layer, (place, _) in fit.readers.items()}
        self._rows = RowsOnce(text)
        self._speech = speech
        self._all_targets = Targets(speech.tag_set)
        self._listed = text.split
        self._fit = fit
        self._batch: MicroBatch | None = None
        self._targets = np.zeros((0, 3), dtype=np.int64)
        self._drawn = np.zeros(0, dtype=np.int64)
        self.sample = EvenSample(text.counted, settings.seed, sampled)
        self.held_out: dict[int, HeldOutSide] = {}
        self.sampled: dict[int, SampledValues] = {}
        for layer, fitted in fit.fitted.items():
            # The lists hold FIT alone, or, where a run is taken up again, more: then the level is
            # replaced by the one that was saved.
            level = hit_level(fit.extremes[layer].largest)
            means = fitted.means_by_position()
            self.held_out[layer] = HeldOutSide(level, means, len(text.types), self._all_targets.n)
            self.sampled[layer] = SampledValues(len(level), self.sample.room)
        self.block_tokens = np.zeros(N_BLOCKS, dtype=np.int64)
        self.target_tokens = np.zeros(self._all_targets.n, dtype=np.int64)

    def hook_names(self) -> Iterable[str]:
        return self._layers

    def observe(self, batch: MicroBatch, name: str, value: Tensor) -> None:
        layer = self._layers[name]
        values = flat(self._fit.readers[layer][1](value))
        rows, types = self._rows.of(batch)
        if batch is not self._batch:
            self._count(batch, rows, types)
        self.sampled[layer].add(values[rows.rows[self._drawn]])
        self.held_out[layer].add(
            values, rows, types, self._targets, self._fit.extremes[layer], listed=self._listed
        )

    def _count(self, batch: MicroBatch, rows: Rows, types: Int[np.ndarray, " row"]) -> None:
        """What is the same for every layer."""
        self._batch = batch
        self._targets = np.concatenate([read_targets(self._speech, s) for s in rows.sequences])
        self._drawn = self.sample.draw(rows, types, self._targets)
        self.block_tokens += np.bincount(rows.blocks, minlength=N_BLOCKS)
        found = self._targets[self._targets >= 0]
        self.target_tokens += np.bincount(found, minlength=self._all_targets.n)

    def arrays(self) -> dict[str, np.ndarray]:
        """All that it holds, by layer, with what FIT gave."""
        parts = {"held_out": self.held_out}
        sampled = {f"{layer}.sampled": part.values for layer, part in self.sampled.items()}
        counts = {"block_tokens": self.block_tokens, "target_tokens": self.target_tokens}
        return self._fit.arrays() | _by_layer(parts) | sampled | counts | self.sample.arrays()

    def restore(self, arrays: dict[str, np.ndarray]) -> None:
        """Hold what another pass held."""
        self.sample.restore(arrays["columns"])
        for layer, sampled in self.sampled.items():
            sampled.add(arrays[f"{layer}.sampled"])
        for name, array in self.arrays().items():
            array[...] = arrays[name]

    def finish(self) -> Measured:
        """What FIT and TEST gave."""
        layers = {
            layer: LayerMeasured(
                fitted, self.held_out[layer], self._fit.extremes[layer], self.sampled[layer]
            )
            for layer, fitted in self._fit.fitted.items()
        }
        counts = TextCounts(self.block_tokens, self.target_tokens, self._all_targets)
        return Measured(layers, counts, self.sample.finish(self._all_targets))


class RowsOnce:
    """The rows of a micro-batch and their types, worked out once for all layers."""

    def __init__(self, text: Survey) -> None:
        self._types = text.types
        self._batch: MicroBatch | None = None
        self._found: tuple[Rows, Int[np.ndarray, " row"]] | None = None

    def of(self, batch: MicroBatch) -> tuple[Rows, Int[np.ndarray, " row"]]:
        """Rows, and the place of each one's token among the types of the text."""
        if self._found is None or batch is not self._batch:
            rows = rows_of(batch)
            self._batch, self._found = batch, (rows, np.searchsorted(self._types, rows.tokens))
        return self._found


def measure(
    decoder: Decoder,
    corpus: Corpus,
    settings: NeuronSettings,
    text: Survey,
    speech: SpeechReader,
    *,
    sampled: int = SAMPLE_TOKENS,
    keeper: Keeper | None = None,
    report: Progress | None = None,
) -> Measured:
    """Fit on the FIT stories, count on the TEST stories; if one has none, all stories are both.

    Args:
        decoder: whose neurons.
        corpus: what it reads.
        settings: which layers, and what of them.
        text: the survey of the corpus.
        speech: tags the tokens.
        sampled: TEST tokens of which every activation is kept; 0: none, where no ranks are needed.
        keeper: takes note of how far the pass has come, so that another can go on from there.
        report: advances by the tokens read.
    """
    keeper = keeper or Keeper(None, "")
    saved = keeper.load()
    fit = FitPass(decoder, settings, text)

    def go_through(side: Side, taker: FitPass | TestPass) -> None:
        done = saved.batches if saved is not None and saved.side == side.name else 0
        batches = _after(corpus.micro_batches(side if text.split else None), done, report)
        with keeper.watching(side.name, taker.arrays, done) as after:
            scan(decoder, batches, [taker], report=report, after=after)

    if saved is not None:
        fit.restore(saved.arrays)
    if saved is None or saved.side == Side.FIT.name:
        go_through(Side.FIT, fit)
    test = TestPass(fit, settings, text, speech, sampled)
    if saved is not None and saved.side == Side.TEST.name:
        test.restore(saved.arrays)
    go_through(Side.TEST, test)
    return test.finish()


def _after(
    batches: Iterable[MicroBatch], done: int, report: Progress | None
) -> Iterator[MicroBatch]:
    """All but the first few."""
    for number, batch in enumerate(batches):
        if number >= done:
            yield batch
        elif report is not None:
            report.advance(sum(batch.lengths))


def _by_layer(parts: Mapping[str, Mapping[int, Any]]) -> dict[str, np.ndarray]:
    return {
        f"{layer}.{part}.{name}": array
        for part, of_layer in parts.items()
        for layer, holder in of_layer.items()
        for name, array in holder.arrays().items()
    }
