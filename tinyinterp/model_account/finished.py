"""An account of a model, taken just now or read from its folder, by component."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tinyinterp.errors import SelectionError
from tinyinterp.io.stored import Stored, read_parquet
from tinyinterp.model import Model
from tinyinterp.model_account.account import ModelAccount

NEEDED = {  # columns of each table
    "account": "part rung nats loss_recovered loss_recovered_unigram unigram_low unigram_high",
    "account_heads": "layer head needs",
    "account_neurons": "layer neuron needs",
    "account_layers": "layer rung keeps",
}
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
    tables = {name: _read(folder, name) for name in NEEDED}
    notes = tables["account"].notes
    if notes.get("fingerprint") != model.fingerprint:
        raise SelectionError(
            f"the account in {folder} is of the model {notes.get('fingerprint')!r}, not of "
            f"{model.fingerprint!r}; make one of this model with: tinyinterp account"
        )
    return FinishedAccount(
        notes=notes,
        rows=tables["account"].rows,
        heads=_by_component(tables["account_heads"].rows, "head"),
        neurons=_by_component(tables["account_neurons"].rows, "neuron"),
        layers=tables["account_layers"].rows,
    )


def _by_component(rows: Iterable[Row], name: str) -> dict[tuple[int, int], Row]:
    return {(row["layer"], row[name]): row for row in rows}


def _read(folder: Path, name: str) -> Stored:
    path = folder / f"{name}.parquet"
    try:
        return read_parquet(path, NEEDED[name].split(), SelectionError)
    except SelectionError as error:
        raise SelectionError(
            f"{path} is not a table of an account; make one with: tinyinterp account --out "
            f"{folder} ({error})"
        ) from error
