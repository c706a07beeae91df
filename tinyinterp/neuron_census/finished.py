"""A finished census in a folder: single neurons and rankings, read without measuring again."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tinyinterp.errors import SelectionError
from tinyinterp.io.stored import read_notes, read_parquet
from tinyinterp.selection import choose_one

Row = dict[str, Any]
NEEDED = ("neurons", "top_activations", "bottom_activations", "associations", "histograms")


@dataclass(frozen=True)
class Finished:
    """A census in a folder.

    Args:
        folder: of its files.
        layers: that it holds.
    """

    folder: Path
    layers: tuple[int, ...]

    def notes(self, layer: int) -> dict[str, Any]:
        """The notes of a layer's tables.

        Raises:
            SelectionError: the folder has no such layer.
        """
        found = _notes(self._path("neurons", layer))
        if found is None:
            raise SelectionError(f"{self.folder} holds no neurons of layer {layer}")
        return found

    def neuron(self, layer: int, neuron: int) -> Row:
        """The row of a neuron.

        Raises:
            SelectionError: there is no such neuron.
        """
        rows = {row["neuron"]: row for row in self.neurons(layer)}
        number = choose_one("neuron", neuron, len(rows), of="this layer")
        if number not in rows:
            raise SelectionError(
                f"the census in {self.folder} has no row for neuron {number} of layer {layer}; "
                "take it again"
            )
        return rows[number]

    def hits(self, layer: int, neuron: int) -> list[Row]:
        """Its largest activations, largest first."""
        return self._read("top_activations", layer, neuron=neuron)

    def neurons(self, layer: int) -> list[Row]:
        """All rows of a layer."""
        return self._read("neurons", layer)

    def ranking(self, tag: str, target: str) -> list[Row]:
        """The neurons of all layers by their correlation with a tag, each with its kind.

        Sorted by the lower bound of r, largest first, then by r, then by layer and neuron.

        Args:
            tag: such as ``NOUN``.
            target: whose tag: that of the ``current``, ``next`` or ``previous`` word.
        """
        rows = []
        for layer in self.layers:
            kinds = {row["neuron"]: row["kind"] for row in self.neurons(layer)}
            found = self._read("associations", layer, tag=tag, target=target)
            rows += [row | {"kind": kinds[row["neuron"]]} for row in found]
        rows.sort(
            key=lambda row: (
                -row["tag_correlation_low"], -row["tag_correlation"], row["layer"], row["neuron"]
            )
        )  # fmt: skip
        return rows

    def _read(self, name: str, layer: int, **where: str | int) -> list[Row]:
        filters = [(column, "=", value) for column, value in where.items()]
        return read_parquet(self._path(name, layer), where, SelectionError, filters).rows

    def _path(self, name: str, layer: int) -> Path:
        return table_path(self.folder, name, layer)


def table_path(folder: Path, name: str, layer: int) -> Path:
    """The path of a layer's table."""
    return folder / f"{name}_layer{layer}.parquet"


def find_finished(folder: Path, layers: tuple[int, ...], fingerprint: str) -> Finished | None:
    """The census of these layers, if the folder has all of its tables with this fingerprint."""
    for layer in layers:
        for name in NEEDED:
            notes = _notes(table_path(folder, name, layer))
            if notes is None or notes.get("census") != fingerprint:
                return None
    return Finished(folder, layers)


def _notes(path: Path) -> dict[str, Any] | None:
    """The notes of a table; None if they cannot be read."""
    try:
        return read_notes(path, SelectionError)
    except SelectionError:
        return None
