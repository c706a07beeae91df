"""What an account adds to the tables of the censuses: what a component needs, beside its kind.

``kind`` says where a head looks or what a neuron fires on; ``needs`` says which rung of the ladder
is enough for what it does. Both stand in the same row, with what the needed rung keeps of a head's
effect on the loss (``keeps``) or explains of a neuron's variance (``r2``).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from tinyinterp.errors import SelectionError
from tinyinterp.io.table import Table
from tinyinterp.model import Model
from tinyinterp.model_account.account import ModelAccount
from tinyinterp.model_account.finished import FinishedAccount, read_account
from tinyinterp.model_account.ladder import (
    BOUNDS,
    LADDER,
    NEURON_RUNGS,
    RUNGS,
    UNKNOWN,
    needed_share,
)

# Columns of an account that the tables of the censuses also hold, beside those of the needed rung.
HEAD_COLUMNS = (
    *(f"{name}_{rung}{end}"
      for name in ("explained", "keeps") for rung in RUNGS[:LADDER] for end in BOUNDS),
    "drawn_to", "copying", "copy_rank", "raises", "composes_with",
)  # fmt: skip
NEURON_COLUMNS = (
    *(f"r2_{name}" for name in ("position", "token", "predecessor", "trigram", "tag", "tag_pair")),
    "rules", "rules_precision", "rules_recall", "rules_f1", "token_f1", "family",
)  # fmt: skip
Row = dict[str, Any]
Given = FinishedAccount | ModelAccount | Path | str


def open_account(given: Given | None, model: Model) -> FinishedAccount | None:
    """An account of ``model``; None if none is given.

    Args:
        given: an account, or the folder of one.
        model: that it must be of.

    Raises:
        SelectionError: the folder holds none, or it is of another model.
    """
    if given is None:
        return None
    if isinstance(given, (str, Path)):
        return read_account(Path(given), model)
    found = FinishedAccount.of(given) if isinstance(given, ModelAccount) else given
    _check_model(found, model.fingerprint)
    return found


def heads_beside(table: Table, account: FinishedAccount) -> Table:
    """The heads table with what every head needs.

    Raises:
        SelectionError: the account is of another model.
    """
    _check_model(account, table.notes.get("fingerprint"))
    return _beside(table, account, head_beside)


def neurons_beside(table: Table, account: FinishedAccount) -> Table:
    """The neurons table of some layers with what every neuron needs.

    Raises:
        SelectionError: the account is of another model.
    """
    _check_model(account, table.notes.get("checkpoint"))
    return _beside(table, account, neuron_beside)


def head_beside(row: Mapping[str, Any], account: FinishedAccount) -> Row:
    """A row of the heads table with ``needs``, ``keeps`` and the account's columns."""
    found = account.heads.get((row["layer"], row["head"]), {})
    return _with(row, found, ("keeps", RUNGS), HEAD_COLUMNS)


def neuron_beside(row: Mapping[str, Any], account: FinishedAccount) -> Row:
    """A row of the neurons table with ``needs``, ``r2`` and the account's columns."""
    found = account.neurons.get((row["layer"], row["neuron"]), {})
    return _with(row, found, ("r2", NEURON_RUNGS), NEURON_COLUMNS)


def _with(
    row: Mapping[str, Any],
    found: Mapping[str, Any],
    ladder: tuple[str, tuple[str, ...]],
    columns: tuple[str, ...],
) -> Row:
    """The row with the label's other half after the kind, and the account's columns at its end."""
    name, rungs = ladder
    beside = {"needs": found.get("needs") or ""} | needed_share(found, name, rungs)
    first = list(row)[: list(row).index("role" if "role" in row else "kind") + 1]
    joined: Row = {column: row[column] for column in first} | beside
    joined |= {column: value for column, value in row.items() if column not in joined}
    added = {column: found[column] for column in columns if column in found}
    return joined | {c: UNKNOWN if value is None else value for c, value in added.items()}


def _beside(
    table: Table,
    account: FinishedAccount,
    join: Callable[[Mapping[str, Any], FinishedAccount], Row],
) -> Table:
    names = ("text", "fit_text", "fit_tokens", "test_tokens", "seed")
    about = {name: account.notes[name] for name in names if name in account.notes}
    rows = [join(row, account) for row in table]
    return Table(table.name, rows, notes=table.notes | {"account": about})


def _check_model(account: FinishedAccount, fingerprint: str | None) -> None:
    if account.notes.get("fingerprint") != fingerprint:
        raise SelectionError(
            f"the account is of the model {account.notes.get('fingerprint')!r}, not of "
            f"{fingerprint!r}; make one of this model with: tinyinterp account"
        )
