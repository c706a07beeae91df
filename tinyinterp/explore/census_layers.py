"""A census of neurons, read as far as the page needs it: examples only when they are asked for."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa
import torch
from pyarrow import parquet

from tinyinterp.errors import SelectionError
from tinyinterp.explore.reference import Histograms
from tinyinterp.io.table import METADATA
from tinyinterp.model import Model

Row = Mapping[str, Any]
NAME = re.compile(r"neurons_layer(\d+)\.parquet")


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
        table, _ = read_noted(path, "neurons", [("neuron", "==", neuron)])
        return sorted(table.to_pylist(), key=lambda row: row["rank"])


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
        table, notes = read_noted(path, "neurons")
        check_model("census of neurons", folder, notes.get("checkpoint"), model, "neurons")
        rows = sorted(table.to_pylist(), key=lambda row: row["neuron"])
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


def read_noted(
    path: Path, command: str, filters: list[tuple[str, str, int]] | None = None
) -> tuple[pa.Table, dict[str, Any]]:
    """A table and its notes.

    Args:
        path: of the table.
        command: of tinyinterp, which makes one.
        filters: which rows, as pyarrow takes them; None: all.

    Raises:
        SelectionError: it cannot be read.
    """
    try:
        table = parquet.read_table(path, filters=filters)
    except (OSError, pa.ArrowInvalid) as error:
        raise SelectionError(
            f"cannot read {path}: {error}; make it again with: tinyinterp {command} "
            f"--out {path.parent}"
        ) from error
    return table, json.loads((table.schema.metadata or {}).get(METADATA, b"{}"))


def _usual(folder: Path, layer: int, rows: Sequence[Row]) -> Histograms | None:
    path = folder / f"histograms_layer{layer}.parquet"
    if not path.is_file():
        return None
    table, _ = read_noted(path, "neurons")
    histograms = {row["neuron"]: row for row in table.to_pylist()}
    if len(histograms) != len(rows):
        return None
    largest = torch.tensor([row["max_activation"] for row in rows], dtype=torch.float64)
    return Histograms.of(histograms, largest)
