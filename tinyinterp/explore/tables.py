"""What censuses and an account of the model say, where there are any.

The tables are read here, not by the rooms that make them: to import those takes ten seconds.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

from tinyinterp.errors import SelectionError
from tinyinterp.explore.census_layers import (
    CensusLayer,
    check_model,
    has_neurons,
    read_layers,
    read_stored,
)
from tinyinterp.io.progress import say
from tinyinterp.io.stored import read_json_table
from tinyinterp.model import Model

USUAL = Path("tinyinterp-out")  # where the commands write, each into a folder of its own
Row = Mapping[str, Any]
ByPart = Mapping[tuple[int, int], Row]
Found = TypeVar("Found")


@dataclass(frozen=True)
class Tables:
    """Rows by layer and number; what was not given is empty.

    Args:
        heads: of the census of heads.
        layers: of the census of neurons, by layer.
        accounted_heads: of the account of the model.
        accounted_neurons: of the same account.
        sources: where each was read.
    """

    heads: ByPart = field(default_factory=dict)
    layers: Mapping[int, CensusLayer] = field(default_factory=dict)
    accounted_heads: ByPart = field(default_factory=dict)
    accounted_neurons: ByPart = field(default_factory=dict)
    sources: Mapping[str, str] = field(default_factory=dict)

    def head(self, layer: int, head: int) -> Row:
        """What the tables say of a head."""
        return {**self.accounted_heads.get((layer, head), {}), **self.heads.get((layer, head), {})}

    def neuron(self, layer: int, neuron: int) -> Row:
        """What the tables say of a neuron."""
        row = self.layers[layer].rows[neuron] if layer in self.layers else {}
        return {**self.accounted_neurons.get((layer, neuron), {}), **row}


def read_tables(model: Model, census: Path | None, account: Path | None) -> Tables:
    """The censuses and the account of ``model``.

    A folder that was given must hold what it should, of this model. In the usual folders, what is
    of another model is noted and left out.

    Args:
        model: whose heads and neurons.
        census: of heads, of neurons, or a folder with both as ``heads`` and ``neurons``.
        account: of the model.

    Raises:
        SelectionError: a folder that was given holds no such table, or one of another model.
    """
    base = census or USUAL
    sources: dict[str, str] = {}

    def first(name: str, holds: Callable[[Path], bool], read: Callable[[Path], Found]) -> Any:
        for folder in (base, base / name):
            if holds(folder):
                found = _of_this_model(read, folder, given=census is not None)
                sources.update({name: str(folder)} if found else {})
                return found or {}
        return {}

    heads = first("heads", _has_heads, lambda folder: _heads(model, folder))
    layers = first("neurons", has_neurons, lambda folder: read_layers(model, folder))
    if census is not None and not sources:
        raise SelectionError(
            f"{census} holds no census (heads.json, or neurons_layer0.parquet and so on); "
            "make one with: tinyinterp heads, tinyinterp neurons"
        )
    folder = account or USUAL / "account"
    accounted: tuple[ByPart, ByPart] | None = None
    if account is not None or (folder / "account_heads.parquet").is_file():
        given = account is not None
        accounted = _of_this_model(lambda at: _account(model, at), folder, given=given)
        sources |= {"account": str(folder)} if accounted else {}
    return Tables(heads, layers, *(accounted or ({}, {})), sources=sources)


def _of_this_model(read: Callable[[Path], Found], folder: Path, *, given: bool) -> Found | None:
    """What ``read`` gives; None, with a note, for a usual folder that cannot be used."""
    try:
        return read(folder)
    except SelectionError as error:
        if given:
            raise
        say(f"left out: {error}")
        return None


def _has_heads(folder: Path) -> bool:
    return (folder / "heads.json").is_file()


def _heads(model: Model, folder: Path) -> ByPart:
    path = folder / "heads.json"
    try:
        table = read_json_table(path, ("layer", "head", "kind"), SelectionError)
    except SelectionError as error:
        raise SelectionError(
            f"{path} is not a table of heads ({error}); make one with: tinyinterp heads --out "
            f"{folder}"
        ) from error
    check_model("census of heads", folder, table.notes.get("fingerprint"), model, "heads")
    return {(row["layer"], row["head"]): row for row in table.rows}


def _account(model: Model, folder: Path) -> tuple[ByPart, ByPart]:
    def read(what: str) -> ByPart:
        needed = ("layer", what, "needs")
        table = read_stored(folder / f"account_{what}s.parquet", needed, "account")
        check_model("account", folder, table.notes.get("fingerprint"), model, "account")
        return {(row["layer"], row[what]): row for row in table.rows}

    return read("head"), read("neuron")
