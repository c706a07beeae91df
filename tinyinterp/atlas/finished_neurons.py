"""A census of neurons that lies in a folder, a layer at a time."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tinyinterp.atlas.contents import Row
from tinyinterp.errors import SelectionError
from tinyinterp.io.stored import Stored, read_parquet
from tinyinterp.views.neuron_data import by_neuron

HIT = "neuron rank activation token before after tag story position"
NEEDED = {  # columns of each table
    "neurons": "neuron kind",
    "top_activations": HIT,
    "bottom_activations": HIT,
    "range_activations": f"{HIT} band",
    "associations": "neuron target tag",
    "histograms": "neuron low high counts",
}
ByNeuron = Mapping[int, Sequence[Mapping[str, Any]]]


@dataclass(frozen=True)
class NeuronLayer:
    """One layer; what a census left out is empty."""

    layer: int
    notes: dict[str, Any]
    rows: list[Row]  # by neuron
    top: ByNeuron  # hits, best first
    bottom: ByNeuron  # the smallest activations, smallest first
    associations: ByNeuron
    histograms: dict[int, Row]
    whole_range: ByNeuron  # a few examples from each band, from the highest down


def neuron_layers(folder: Path) -> Iterator[NeuronLayer]:
    """The layers of the census in ``folder``, read one after the other.

    ``neurons_layer{L}.parquet`` must be there; top and bottom activations, examples of the
    whole range, associations and histograms may be.

    Raises:
        SelectionError: there is no census, or a table cannot be read.
    """
    paths = {
        int(match[1]): path
        for path in folder.glob("neurons_layer*.parquet")
        if (match := re.fullmatch(r"neurons_layer(\d{1,6})\.parquet", path.name))
    }
    if not paths:
        raise SelectionError(
            f"{folder} holds no census of neurons (neurons_layer0.parquet and so on); "
            "make one with: tinyinterp neurons"
        )
    for layer, path in sorted(paths.items()):
        table = _read(path, "neurons")
        histograms = _optional(folder, "histograms", layer)
        yield NeuronLayer(
            layer=layer,
            notes=table.notes,
            rows=sorted(table.rows, key=lambda row: row["neuron"]),
            top=by_neuron(_optional(folder, "top_activations", layer), "rank"),
            bottom=by_neuron(_optional(folder, "bottom_activations", layer), "rank"),
            associations=by_neuron(_optional(folder, "associations", layer)),
            histograms={row["neuron"]: row for row in histograms},
            whole_range=by_neuron(_optional(folder, "range_activations", layer)),
        )


def _optional(folder: Path, name: str, layer: int) -> list[Row]:
    path = folder / f"{name}_layer{layer}.parquet"
    return _read(path, name).rows if path.is_file() else []


def _read(path: Path, name: str) -> Stored:
    try:
        return read_parquet(path, NEEDED[name].split(), SelectionError)
    except SelectionError as error:
        raise SelectionError(f"{error}; take the census again") from error
