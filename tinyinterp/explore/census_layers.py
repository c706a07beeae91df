"""A census of neurons, read as far as the page needs it: examples only when they are asked for."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from tinyinterp.errors import SelectionError
from tinyinterp.explore.reference import Histograms
from tinyinterp.io.stored import Stored, read_parquet
from tinyinterp.model import Model

Row = Mapping[str, Any]
NAME = re.compile(r"neurons_layer(\d{1,6})\.parquet")
HIT = ("neuron", "rank", "activation", "token", "before", "after")


@dataclass(frozen=True)
class CensusLayer:
    """One layer of a census.

    Args:
        folder: of the census.
        layer: counted from 0.
        rows: of the neurons table, by neuron.
        usual: what their activations usually are; None where the census has no histograms.
    """

    folder: Path
    layer: int
    rows: Sequence[Row]
    usual: Histograms | None

    def examples(self, neuron: int) -> list[Row]:
        """The top activations of a neuron, best first.

        Raises:
            SelectionError: the table cannot be read.
        """
        path = self.folder / f"top_activations_layer{self.layer}.parquet"
        if not path.is_file():
            return []
        table = read_stored(path, HIT, "neurons", [("neuron", "==", neuron)])
        return sorted(table.rows, key=lambda row: row["rank"])


def has_neurons(folder: Path) -> bool:
    """Whether a folder holds a census of neurons."""
    return any(NAME.fullmatch(path.name) for path in folder.glob("neurons_layer*.parquet"))


def read_layers(model: Model, folder: Path) -> dict[int, CensusLayer]:
    """The layers of the census in ``folder``; it may hold some of them.

    Raises:
        SelectionError: a table cannot be read, or is of another model.
    """
    layers: dict[int, CensusLayer] = {}
    for path in folder.glob("neurons_layer*.parquet"):
        match = NAME.fullmatch(path.name)
        if match is None:
            continue
        table = read_stored(path, ("neuron", "kind", "max_activation"), "neurons")
        check_model("census of neurons", folder, table.notes.get("checkpoint"), model, "neurons")
        rows = sorted(table.rows, key=lambda row: row["neuron"])
        if [row["neuron"] for row in rows] != list(range(model.config.d_mlp)):
            raise SelectionError(
                f"{path} has {len(rows)} neurons; the model has {model.config.d_mlp} in each "
                "layer: take the census again without --neuron"
            )
        layer = int(match[1])
        layers[layer] = CensusLayer(folder, layer, rows, _usual(folder, layer, rows))
    return dict(sorted(layers.items()))


def check_model(
    what: str, folder: Path, fingerprint: str | None, model: Model, command: str
) -> None:
    """Refuse a table of another model.

    Args:
        what: is in the folder.
        folder: where it lies.
        fingerprint: of the model that it is of.
        model: that it should be of.
        command: of tinyinterp, which makes one.

    Raises:
        SelectionError: it is of another model.
    """
    if fingerprint != model.fingerprint:
        raise SelectionError(
            f"the {what} in {folder} is of the model {fingerprint!r}, not of "
            f"{model.fingerprint!r}; make one of this model with: tinyinterp {command}"
        )


def read_stored(
    path: Path,
    needed: Sequence[str],
    command: str,
    filters: Sequence[tuple[str, str, Any]] | None = None,
) -> Stored:
    """A table with its notes.

    Args:
        path: of the table.
        needed: columns that must be there.
        command: of tinyinterp, which makes one.
        filters: which rows, as pyarrow takes them; None: all.

    Raises:
        SelectionError: it cannot be read.
    """
    try:
        return read_parquet(path, needed, SelectionError, filters)
    except SelectionError as error:
        raise SelectionError(
            f"{error}; make it again with: tinyinterp {command} --out {path.parent}"
        ) from error


def _usual(folder: Path, layer: int, rows: Sequence[Row]) -> Histograms | None:
    path = folder / f"histograms_layer{layer}.parquet"
    if not path.is_file():
        return None
    table = read_stored(path, ("neuron", "low", "high", "counts"), "neurons")
    histograms = {row["neuron"]: row for row in table.rows}
    bins = {len(row["counts"]) for row in table.rows}
    if set(histograms) != {row["neuron"] for row in rows} or len(bins) != 1 or 0 in bins:
        return None
    largest = torch.tensor([row["max_activation"] for row in rows], dtype=torch.float64)
    return Histograms.of(histograms, largest)
