"""An account of a model, taken just now or read from its folder, by component."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa
from pyarrow import parquet

from tinyinterp.errors import SelectionError
from tinyinterp.io.table import METADATA
from tinyinterp.model import Model
from tinyinterp.model_account.account import ModelAccount

TABLES = ("account", "account_heads", "account_neurons", "account_layers")
Row = dict[str, Any]


@dataclass(frozen=True)
class FinishedAccount:
    """What the tables of an account hold.

    Args:
        notes: of the tables.
        rows: a row for each part of the model and rung, and for each n-gram model.
        heads: by layer and head.
        neurons: by layer and neuron.
        layers: a row for each layer and rung.
    """

    notes: Mapping[str, Any]
    rows: Sequence[Row]
    heads: Mapping[tuple[int, int], Row]
    neurons: Mapping[tuple[int, int], Row]
    layers: Sequence[Row]

    @classmethod
    def of(cls, account: ModelAccount) -> FinishedAccount:
        """The account that was just taken."""
        return cls(
            notes=account.table.notes,
            rows=list(account.table),
            heads=_by_component(account.heads, "head"),
            neurons=_by_component(account.neurons, "neuron"),
            layers=list(account.layers),
        )


def read_account(folder: Path, model: Model) -> FinishedAccount:
    """The account of ``model`` in ``folder``.

    Raises:
        SelectionError: there is none, it cannot be read, or it is of another model.
    """
    tables = {name: _read(folder, name) for name in TABLES}
    notes: dict[str, Any] = json.loads((tables["account"].schema.metadata or {})[METADATA])
    if notes.get("fingerprint") != model.fingerprint:
        raise SelectionError(
            f"the account in {folder} is of the model {notes.get('fingerprint')!r}, not of "
            f"{model.fingerprint!r}; make one of this model with: tinyinterp account"
        )
    return FinishedAccount(
        notes=notes,
        rows=tables["account"].to_pylist(),
        heads=_by_component(tables["account_heads"].to_pylist(), "head"),
        neurons=_by_component(tables["account_neurons"].to_pylist(), "neuron"),
        layers=tables["account_layers"].to_pylist(),
    )


def _by_component(rows: Iterable[Row], name: str) -> dict[tuple[int, int], Row]:
    return {(row["layer"], row[name]): row for row in rows}


def _read(folder: Path, name: str) -> pa.Table:
    path = folder / f"{name}.parquet"
    try:
        table = parquet.read_table(path)
    except (OSError, pa.ArrowInvalid) as error:
        raise SelectionError(
            f"{path} is not a table of an account; make one with: tinyinterp account --out {folder}"
        ) from error
    if METADATA not in (table.schema.metadata or {}):
        raise SelectionError(
            f"{path} was not written by tinyinterp; make an account with: tinyinterp account "
            f"--out {folder}"
        )
    return table
