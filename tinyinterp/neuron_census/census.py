"""The census of neurons: read a text, count, decide; a row per neuron and the tables behind it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
from jaxtyping import Int
from pyarrow import parquet

from tinyinterp.devices import device_note
from tinyinterp.io.files import replacing_file
from tinyinterp.io.progress import progress
from tinyinterp.io.table import METADATA, Table
from tinyinterp.model import Model
from tinyinterp.neuron_census.checkpointer import Checkpointer
from tinyinterp.neuron_census.corpus_stats import CorpusStats, corpus_stats
from tinyinterp.neuron_census.evidence import judge
from tinyinterp.neuron_census.finished import table_path
from tinyinterp.neuron_census.measure import measure
from tinyinterp.neuron_census.measured import LayerMeasured, Measured
from tinyinterp.neuron_census.notes import census_fingerprint, layer_notes, pooled_notes
from tinyinterp.neuron_census.nulls import null_kinds
from tinyinterp.neuron_census.range_activations import RangePicks, pick_range, range_table
from tinyinterp.neuron_census.settings import NeuronSettings
from tinyinterp.neuron_census.tables import (
    HitColumns,
    NeuronRow,
    association_table,
    histogram_table,
    hit_table,
    rows_of_layer,
)
from tinyinterp.neuron_census.top_activations import UNFILLED, Extremes, find_hits
from tinyinterp.processes import current, shared, together
from tinyinterp.selection import Index, choose_among
from tinyinterp.tagging import TagReader
from tinyinterp.text.corpus import Corpus

if TYPE_CHECKING:
    import pandas as pd

STATE = 6  # counts up when what a pass saves changes: an older file is ignored
PROGRESS_FILE = ".tinyinterp.neurons.safetensors"  # in the checkpoint folder, while a census runs


@dataclass(frozen=True)
class LayerCensus:
    """The tables of one layer."""

    table: Table  # a row per neuron
    top: pa.Table  # a row per hit, by neuron and rank: the largest activations
    bottom: pa.Table  # the smallest
    associations: pa.Table  # a row per neuron, target and tag
    histograms: pa.Table  # a row per neuron
    whole_range: pa.Table  # a row per example: a few from each band of the range

    def noted(self, notes: Mapping[str, Any]) -> LayerCensus:
        """The same tables with these notes, which hold numbers that were not known before."""
        metadata = {METADATA: json.dumps(notes)}
        arrow = {
            field.name: getattr(self, field.name).replace_schema_metadata(metadata)
            for field in fields(self)
            if field.name != "table"
        }
        self.table.notes.update(notes)
        return replace(self, **arrow)

    def write(self, folder: Path) -> list[Path]:
        """Write all tables; returns the paths."""
        paths = self.table.write(folder)
        tables = {
            "top_activations": self.top,
            "bottom_activations": self.bottom,
            "range_activations": self.whole_range,
            "associations": self.associations,
            "histograms": self.histograms,
        }
        for name, table in tables.items():
            path = table_path(folder, name, self.table.notes["layer"])
            with replacing_file(path) as temporary:
                _write_parquet(table, temporary)
            paths.append(path)
        return paths


@dataclass(frozen=True)
class NeuronCensus:
    """A row for every neuron, with its largest and smallest activations, by layer."""

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
        """The largest activations of the neurons of all layers, a row per hit."""
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


def census_neurons(
    model: Model,
    corpus: Corpus,
    settings: NeuronSettings,
    *,
    tag_reader: TagReader | None = None,
    checkpoint_folder: Path | None = None,
) -> NeuronCensus:
    """Measure and label every neuron of the chosen layers.

    Hit levels and predictions are fitted on FIT; everything reported is measured on TEST, except
    the extremes, which are those of both. If all stories fall on one side, they serve as both, and
    a warning says so.

    Args:
        model: the model.
        corpus: what it reads.
        settings: what to measure.
        tag_reader: tags the words; None: with the tagger of the settings.
        checkpoint_folder: holds the progress of a running census, so that an interrupted census
            resumes; None: nothing is saved.

    Raises:
        SelectionError: the model has no such layer, or the tagger is not available.
        KeyboardInterrupt: Ctrl-C was pressed; the progress is in ``checkpoint_folder``.
        OutputError: ``checkpoint_folder`` cannot be written.
    """
    layers = settings.chosen_layers(model.config.n_layers)
    tag_reader = tag_reader or settings.open_tag_reader()
    stats = corpus_stats(corpus)
    fingerprint = census_fingerprint(model, corpus, settings, stats, tag_reader.tagger)
    path, part = None if checkpoint_folder is None else checkpoint_folder / PROGRESS_FILE, ""
    if path is not None and (sharing := current()) is not None:  # each saves its part
        part = f"{sharing.rank} of {sharing.world}"
        path = path.with_stem(f"{path.stem}.{part.replace(' ', '-')}")
    part += "".join(device_note(model.device).values())  # its numbers differ in their last digits
    checkpointer = Checkpointer(path, f"{fingerprint} {layers} {STATE} {part}")
    steps = stats.tokens * (1 if stats.split else 2) + 2 * min(settings.null_tokens, stats.tokens)
    named = f"layer {layers[0]}" if len(layers) == 1 else f"{len(layers)} layers"
    with checkpointer.keeping_rows(), progress(f"Neurons of {named}", steps) as report:
        measured = measure(
            model.decoder, corpus, settings, stats, tag_reader,
            checkpointer=checkpointer, report=report,
        )  # fmt: skip
        counts = measured.counts
        layers_found = _tables(model, corpus, settings, stats, tag_reader, measured)
        del measured  # the null models need the memory
        nulls = null_kinds(model.decoder, corpus, settings, tag_reader, report)
    census = NeuronCensus(
        {
            layer: tables.noted(
                layer_notes(
                    model,
                    corpus,
                    settings,
                    stats,
                    counts,
                    tag_reader.tagger,
                    layer,
                    nulls.get(layer),
                )
                | device_note(model.device)
            )
            for layer, tables in layers_found.items()
        }
    )
    checkpointer.clear()
    return census


def _write_parquet(table: pa.Table, path: Path) -> None:
    """Write a table of many rows, with dictionaries for all but the numbers, few of which recur.

    ``BYTE_STREAM_SPLIT`` would make files a quarter larger: it hides from zstd the numbers that do.
    """
    # Names of columns, where the stubs of pyarrow know only of true and false.
    named: Any = [field.name for field in table.schema if not pa.types.is_floating(field.type)]
    parquet.write_table(table, path, compression="zstd", compression_level=9, use_dictionary=named)


def _tables(
    model: Model,
    corpus: Corpus,
    settings: NeuronSettings,
    stats: CorpusStats,
    tag_reader: TagReader,
    measured: Measured,
) -> dict[int, LayerCensus]:
    """The tables of every layer, still without notes; empties ``measured`` of its layers.

    Of several processes each makes those of some layers, and then all have them.
    """
    in_order = list(measured.layers)
    mine = {layer: measured.layers[layer] for layer in shared(in_order)}
    measured.layers.clear()
    gathered = {}
    for layer in list(mine):
        found = mine.pop(layer)  # its memory is free once its tables are made
        gathered[layer] = _gathered(model, layer, found, measured, stats, settings.seed)
    ids = [each.ids(measured.sampled_ids) for each in gathered.values()]
    listed = np.unique(np.concatenate(ids)) if ids else np.zeros(0, dtype=np.int64)
    hits = HitColumns(find_hits(corpus, tag_reader, listed[listed != UNFILLED]))
    made = {
        layer: LayerCensus(
            Table(f"neurons_layer{layer}", [vars(row) for row in each.rows]),
            hit_table(layer, each.lists.high, each.lists.high_ids, hits),
            hit_table(layer, each.lists.low, each.lists.low_ids, hits),
            each.associations,
            each.histograms,
            range_table(layer, each.picks, measured.sampled_ids, hits),
        )
        for layer, each in gathered.items()
    }
    made = together(made)
    return {layer: made[layer] for layer in in_order}


@dataclass(frozen=True)
class _Gathered:
    """What is known of a layer before the contexts of its tokens are looked up."""

    rows: list[NeuronRow]
    lists: Extremes
    picks: RangePicks
    associations: pa.Table
    histograms: pa.Table

    def ids(self, sampled_ids: Int[np.ndarray, " row"]) -> Int[np.ndarray, " token"]:
        """Of all tokens that its tables show."""
        lists = (self.lists.high_ids.ravel(), self.lists.low_ids.ravel())
        return np.concatenate([sampled_ids[self.picks.rows], *lists])


def _gathered(
    model: Model,
    layer: int,
    found: LayerMeasured,
    measured: Measured,
    stats: CorpusStats,
    seed: int,
) -> _Gathered:
    values, lists = found.sampled.read(), found.extremes
    judged = judge(found, measured.counts, stats.counted_stories, seed)
    rows, associated = rows_of_layer(model, layer, found, values, measured, stats, judged)
    return _Gathered(
        rows,
        lists,
        pick_range(values, lists.largest),
        association_table(layer, associated, judged),
        histogram_table(layer, values, lists.smallest, lists.largest),
    )
