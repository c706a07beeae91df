"""An account of a model that lies in a folder."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pyarrow as pa
from pyarrow import parquet

from tinyinterp.atlas.contents import FinishedAccount
from tinyinterp.errors import SelectionError
from tinyinterp.io.table import METADATA
from tinyinterp.model import Model

TABLES = ("account", "account_heads", "account_neurons", "account_layers")


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
        heads={(row["layer"], row["head"]): row for row in tables["account_heads"].to_pylist()},
        neurons={
            (row["layer"], row["neuron"]): row for row in tables["account_neurons"].to_pylist()
        },
        layers=tables["account_layers"].to_pylist(),
    )


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
