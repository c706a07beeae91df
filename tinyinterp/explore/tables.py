"""What censuses and an account of the model say, where there are any."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

from tinyinterp.atlas.gather import read_heads
from tinyinterp.errors import SelectionError
from tinyinterp.explore.census_layers import CensusLayer, check_model, has_neurons, read_layers
from tinyinterp.io.progress import say
from tinyinterp.model import Model
from tinyinterp.model_account.finished import FinishedAccount, read_account

USUAL = Path("tinyinterp-out")  # where the commands write, each into a folder of its own
Row = Mapping[str, Any]
Found = TypeVar("Found")


@dataclass(frozen=True)
class Tables:
    """Rows by layer and number; what was not given is empty.

    Args:
        heads: of the census of heads.
        layers: of the census of neurons, by layer.
        account: of the model.
        sources: where each was read.
    """

    heads: Mapping[tuple[int, int], Row] = field(default_factory=dict)
    layers: Mapping[int, CensusLayer] = field(default_factory=dict)
    account: FinishedAccount | None = None
    sources: Mapping[str, str] = field(default_factory=dict)

    def head(self, layer: int, head: int) -> Row:
        """What the tables say of a head."""
        accounted = self.account.heads.get((layer, head), {}) if self.account else {}
        return {**accounted, **self.heads.get((layer, head), {})}

    def neuron(self, layer: int, neuron: int) -> Row:
        """What the tables say of a neuron."""
        accounted = self.account.neurons.get((layer, neuron), {}) if self.account else {}
        row = self.layers[layer].rows[neuron] if layer in self.layers else {}
        return {**accounted, **row}


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
    found = None
    if account is not None or (folder / "account.parquet").is_file():
        given = account is not None
        found = _of_this_model(lambda at: read_account(at, model), folder, given=given)
        sources |= {"account": str(folder)} if found else {}
    return Tables(heads, layers, found, sources)


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


def _heads(model: Model, folder: Path) -> dict[tuple[int, int], Row]:
    rows, notes = read_heads(folder)
    check_model("heads", folder, notes.get("fingerprint"), model)
    return {(row["layer"], row["head"]): row for row in rows}
