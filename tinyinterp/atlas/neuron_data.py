"""Data of the pages of neurons, of layers, of tags and of tokens; a census is read through once."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tinyinterp.atlas.contents import Row
from tinyinterp.atlas.data_files import write_data
from tinyinterp.atlas.finished_neurons import NeuronLayer, neuron_layers
from tinyinterp.atlas.tags import TagRankings, strongest_tags
from tinyinterp.atlas.tokens import TokenIndex
from tinyinterp.views.neuron_data import listed_neuron, neuron_data, shown_columns

CHUNK = 128  # neurons a file


@dataclass
class NeuronSummary:
    """What the overview says of neurons, and what a search can find."""

    layers: list[Row] = field(default_factory=list)
    tags: list[str] = field(default_factory=list)
    tokens: list[str] = field(default_factory=list)
    notes: dict[str, Any] = field(default_factory=dict)  # of the first layer
    warnings: list[str] = field(default_factory=list)


def write_neurons(census: Path, folder: Path) -> NeuronSummary:
    """Write all files about the neurons of ``census``.

    Raises:
        SelectionError: there is no such census.
    """
    summary, rankings, tokens = NeuronSummary(), TagRankings(), TokenIndex()
    for layer in neuron_layers(census):
        _write_layer(layer, folder)
        kinds = Counter(row["kind"] for row in layer.rows)
        summary.layers.append(
            {"layer": layer.layer, "neurons": len(layer.rows), "kinds": dict(sorted(kinds.items()))}
        )
        summary.notes = summary.notes or layer.notes
        summary.warnings += layer.notes.get("warnings", [])  # the overview shows each once
        rankings.add(layer)
        tokens.add(layer)
    summary.tags = rankings.write(folder)
    summary.tokens = tokens.write(folder)
    return summary


def _write_layer(layer: NeuronLayer, folder: Path) -> None:
    listed = [listed_neuron(row, layer.top.get(row["neuron"], [])) for row in layer.rows]
    write_data(folder, f"layer-{layer.layer}", {"layer": layer.layer, "neurons": listed})
    columns = shown_columns(layer.rows)
    for first in range(0, len(layer.rows), CHUNK):
        neurons = [_neuron(row, columns, layer) for row in layer.rows[first : first + CHUNK]]
        data = {"columns": columns, "neurons": neurons}
        write_data(folder, f"neurons-{layer.layer}-{first // CHUNK}", data)


def _neuron(row: Row, columns: list[str], layer: NeuronLayer) -> dict[str, Any]:
    number = row["neuron"]
    return neuron_data(
        row,
        columns,
        layer.top.get(number, []),
        layer.bottom.get(number, []),
        strongest_tags(layer.associations.get(number, [])),
        layer.histograms.get(number),
    )
