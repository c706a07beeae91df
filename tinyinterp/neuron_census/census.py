"""The census of neurons: read a text once, count, decide; a row a neuron, and all it rests on."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from pyarrow import parquet

from tinyinterp.errors import SelectionError
from tinyinterp.io.files import replacing_file
from tinyinterp.io.progress import progress
from tinyinterp.io.table import Table
from tinyinterp.model import Model
from tinyinterp.neuron_census import dump
from tinyinterp.neuron_census.contexts import find_hits
from tinyinterp.neuron_census.evidence import judge
from tinyinterp.neuron_census.extremes import NOWHERE
from tinyinterp.neuron_census.finished import table_path
from tinyinterp.neuron_census.layer_tables import association_table, histogram_table, hit_table
from tinyinterp.neuron_census.measure import Measured, measure
from tinyinterp.neuron_census.neuron_rows import rows_of_layer
from tinyinterp.neuron_census.notes import census_fingerprint, layer_notes, pooled_notes
from tinyinterp.neuron_census.nulls import NullKinds, null_kinds
from tinyinterp.neuron_census.saved import Keeper
from tinyinterp.neuron_census.settings import NeuronSettings
from tinyinterp.neuron_census.survey import Survey, survey
from tinyinterp.selection import Index, choose_among, choose_one
from tinyinterp.tagging import SpeechReader
from tinyinterp.text.corpus import Corpus

if TYPE_CHECKING:
    import pandas as pd

PROGRESS_FILE = ".tinyinterp.neurons.npz"  # in the folder that results go to, while a run goes on


@dataclass(frozen=True)
class LayerCensus:
    """The tables of one layer."""

    table: Table  # a row per neuron
    top: pa.Table  # a row per hit, by neuron and rank: the largest activations
    bottom: pa.Table  # the smallest
    associations: pa.Table  # a row per neuron, target and tag
    histograms: pa.Table  # a row per neuron

    def write(self, folder: Path) -> list[Path]:
        """Write all tables, and the top activations as text; returns the paths."""
        paths = [*self.table.write(folder), *dump.write_top(self.table, self.top, folder)]
        tables = {
            "bottom_activations": self.bottom,
            "associations": self.associations,
            "histograms": self.histograms,
        }
        for name, table in tables.items():
            path = table_path(folder, name, self.table.notes["layer"])
            with replacing_file(path) as temporary:
                parquet.write_table(table, temporary)
            paths.append(path)
        return paths


@dataclass(frozen=True)
class NeuronCensus:
    """A row for every neuron, and what each fires on most; layer by layer."""

    layers: dict[int, LayerCensus]

    @cached_property
    def table(self) -> Table:
        """The neurons of all layers."""
        tables = [layer.table for layer in self.layers.values()]
        if len(tables) == 1:
            return tables[0]
        notes = pooled_notes({number: layer.table.notes for number, layer in self.layers.items()})
        return Table("neurons", [row for table in tables for row in table], notes=notes)

    @cached_property
    def top(self) -> Table:
        """The largest activations of the neurons of all layers, a row each."""
        tables = [layer.top for layer in self.layers.values()]
        whole = pa.concat_tables(tables).replace_schema_metadata(tables[0].schema.metadata)
        return Table.of_arrow("top_activations", whole)

    def to_pandas(self) -> pd.DataFrame:
        """The table of neurons as a pandas data frame."""
        return self.table.to_pandas()

    def _repr_html_(self) -> str:
        return self.table.to_html()

    def write(self, folder: Path) -> list[Path]:
        """Write the tables of every layer; returns the paths."""
        return [path for layer in self.layers.values() for path in layer.write(folder)]

    def layer(self, layer: Index) -> LayerCensus:
        """The tables of one layer.

        Raises:
            SelectionError: it is not in this census.
        """
        return self.layers[choose_among("layer", layer, self.layers, of="this census")]

    def neuron_lines(self, neuron: Index, layer: Index | None = None) -> list[str]:
        """A neuron's label, its numbers and its top activations, at most 100 columns wide.

        Args:
            neuron: counted from 0.
            layer: needed if there are several.

        Raises:
            SelectionError: there is no such neuron, or no layer was given and there are several.
        """
        if layer is None and len(self.layers) == 1:
            (layer,) = self.layers
        if layer is None:
            known = ", ".join(map(str, self.layers))
            raise SelectionError(f"this census has the layers {known}; say which with layer=")
        found = self.layer(layer)
        neuron = choose_one("neuron", neuron, len(found.table), of="this layer")
        hits = found.top.filter(pc.field("neuron") == neuron).to_pylist()
        return dump.neuron_lines(found.table.row(neuron=neuron), hits)


def census_neurons(
    model: Model,
    corpus: Corpus,
    settings: NeuronSettings,
    *,
    speech: SpeechReader | None = None,
    keep_in: Path | None = None,
) -> NeuronCensus:
    """Say of every neuron of the chosen layers what it fires on.

    The FIT stories give what hits and predictions are measured by; the TEST stories all that is
    reported but the extremes, which are those of both. If all stories fall on one side, they serve
    as both, and a warning says so.

    Args:
        model: whose neurons.
        corpus: what it reads.
        settings: what is asked for.
        speech: tags the words; none: by the tagger of the settings.
        keep_in: a folder that holds, while the text is read, how far that has come; the next call
            of the same census goes on from there.

    Raises:
        SelectionError: the model has no such layer, or the tagger cannot be had.
        KeyboardInterrupt: Ctrl-C was pressed; what was counted lies in ``keep_in``.
        OutputError: ``keep_in`` cannot be written.
    """
    layers = settings.chosen_layers(model.config.n_layers)
    speech = speech or settings.open_speech()
    text = survey(corpus)
    fingerprint = census_fingerprint(model, corpus, settings, text, speech.tagger)
    path = None if keep_in is None else keep_in / PROGRESS_FILE
    keeper = Keeper(path, f"{fingerprint} {layers}")
    steps = text.tokens * (1 if text.split else 2) + 2 * min(settings.null_tokens, text.tokens)
    named = f"layer {layers[0]}" if len(layers) == 1 else f"{len(layers)} layers"
    with progress(f"Neurons of {named}", steps) as report:
        measured = measure(
            model.decoder, corpus, settings, text, speech, keeper=keeper, report=report
        )
        nulls = null_kinds(model.decoder, corpus, settings, speech, report)
    census = _tables(model, corpus, settings, text, speech, measured, nulls)
    keeper.clear()
    return census


def _tables(
    model: Model,
    corpus: Corpus,
    settings: NeuronSettings,
    text: Survey,
    speech: SpeechReader,
    measured: Measured,
    nulls: dict[int, NullKinds],
) -> NeuronCensus:
    lists = [layer.extremes for layer in measured.layers.values()]
    ids = np.unique(np.concatenate([(each.high_ids, each.low_ids) for each in lists]))
    hits = find_hits(corpus, speech, ids[ids != NOWHERE])
    layers = {}
    for layer, found in measured.layers.items():
        judged = judge(found, measured.counts, text.counted_stories, settings.seed)
        notes = layer_notes(
            model, corpus, settings, text, measured.counts, speech.tagger, layer,
            nulls.get(layer),
        )  # fmt: skip
        rows, association = rows_of_layer(model, layer, measured, text, judged)
        lists_of = found.extremes
        layers[layer] = LayerCensus(
            Table(f"neurons_layer{layer}", rows, notes=notes),
            hit_table(layer, lists_of.high, lists_of.high_ids, hits, notes),
            hit_table(layer, lists_of.low, lists_of.low_ids, hits, notes),
            association_table(layer, association, judged, notes),
            histogram_table(
                layer, found.sampled.values, lists_of.smallest, lists_of.largest, notes
            ),
        )
    return NeuronCensus(layers)
