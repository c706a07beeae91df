"""Data of the pages of neurons, of layers, of tags and of tokens; a census is read through once."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tinyinterp.atlas.contents import Row
from tinyinterp.atlas.data_files import write_data
from tinyinterp.atlas.finished_neurons import NeuronLayer, neuron_layers
from tinyinterp.atlas.tags import TagRankings, strongest_tags
from tinyinterp.atlas.tokens import TokenIndex
from tinyinterp.model_account.finished import FinishedAccount
from tinyinterp.views.account_data import needs_by_layer
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


def write_neurons(
    census: Path, folder: Path, account: FinishedAccount | None = None
) -> NeuronSummary:
    """Write all files about the neurons of ``census``.

    Raises:
        SelectionError: there is no such census.
    """
    summary, rankings, tokens = NeuronSummary(), TagRankings(), TokenIndex()
    for layer in neuron_layers(census):
        of_layer = _of_layer(account, layer)
        _write_layer(layer, folder, of_layer)
        kinds = Counter(row["kind"] for row in layer.rows)
        summary.layers.append(
            {"layer": layer.layer, "neurons": len(layer.rows), "kinds": dict(sorted(kinds.items()))}
            | ({"needs": needs_by_layer(of_layer.values())[layer.layer]} if of_layer else {})
        )
        summary.notes = summary.notes or layer.notes
        summary.warnings += layer.notes.get("warnings", [])  # the overview shows each once
        rankings.add(layer)
        tokens.add(layer)
    summary.tags = rankings.write(folder)
    summary.tokens = tokens.write(folder)
    return summary


def _of_layer(account: FinishedAccount | None, layer: NeuronLayer) -> dict[int, Row]:
    """The account of each neuron of a layer; empty without one."""
    if account is None:
        return {}
    at = {row["neuron"]: (layer.layer, row["neuron"]) for row in layer.rows}
    return {neuron: account.neurons[key] for neuron, key in at.items() if key in account.neurons}


def _write_layer(layer: NeuronLayer, folder: Path, account: Mapping[int, Row]) -> None:
    listed = [
        listed_neuron(row, layer.top.get(row["neuron"], []), account.get(row["neuron"]))
        for row in layer.rows
    ]
    write_data(folder, f"layer-{layer.layer}", {"layer": layer.layer, "neurons": listed})
    columns = shown_columns(layer.rows)
    for first in range(0, len(layer.rows), CHUNK):
        rows = layer.rows[first : first + CHUNK]
        neurons = [_neuron(row, columns, layer, account.get(row["neuron"])) for row in rows]
        data: dict[str, Any] = {"columns": columns, "neurons": neurons}
        if account:
            data["account_columns"] = list(next(iter(account.values())))
        write_data(folder, f"neurons-{layer.layer}-{first // CHUNK}", data)


def _neuron(
    row: Row, columns: list[str], layer: NeuronLayer, account: Row | None
) -> dict[str, Any]:
    number = row["neuron"]
    return neuron_data(
        row,
        columns,
        layer.top.get(number, []),
        layer.bottom.get(number, []),
        strongest_tags(layer.associations.get(number, [])),
        layer.histograms.get(number),
        account,
        layer.whole_range.get(number, []),
    )
