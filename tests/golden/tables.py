"""The tables of the bundled model on a short text, small enough to be taken in seconds."""

from __future__ import annotations

import csv
from itertools import islice
from pathlib import Path
from typing import Any

import torch

from tinyinterp import checkpoint
from tinyinterp.head_census import HeadSettings, census_heads
from tinyinterp.io.table import Table, is_known
from tinyinterp.model import BUNDLED_NAME, Model
from tinyinterp.model_account.account import AccountSettings, take_account
from tinyinterp.neuron_census import NeuronSettings, census_neurons
from tinyinterp.text.corpus import Corpus

FOLDER = Path(__file__).parent
HEAD_STORIES, ACCOUNT_STORIES = (40, 32), (36, 22)  # how many, and how many words of each
NEURON_TOKENS = 16_000  # of the bundled stories: with fewer, no neuron has hits enough for a kind
LAYER = 4  # whose neurons are labelled
NULL_TOKENS = 400
EVERY = {"neurons": 4, "account_neurons": 64}  # rows kept are every so many
WORDS = {"examples", "raises", "lowers"}  # lists of tokens, which near ties reorder

# A row as the file has it: cell by column.
Row = dict[str, str]


def model_in(dtype: torch.dtype = torch.float32) -> Model:
    """The bundled model, which computes in ``dtype``."""
    return Model(checkpoint.load(checkpoint.bundled_folder(), dtype), BUNDLED_NAME)


def beginnings(model: Model, n_stories: int, n_words: int) -> Corpus:
    """The first words of the first bundled stories."""
    stories = islice(model.stories().read(), n_stories)
    return model.corpus([" ".join(story.split()[:n_words]) for story in stories])


def head_table(model: Model, *, causal: bool = True) -> Table:
    """A row for each head, null models included."""
    settings = HeadSettings(null_tokens=NULL_TOKENS, causal=causal)
    return census_heads(model, beginnings(model, *HEAD_STORIES), settings).table


def neuron_table(model: Model) -> Table:
    """A row for each neuron of :data:`LAYER`, null models included."""
    settings = NeuronSettings(layers=(LAYER,), null_tokens=NULL_TOKENS)
    return census_neurons(model, model.corpus(max_tokens=NEURON_TOKENS), settings).table


def account_tables(model: Model) -> list[Table]:
    """The whole model, its heads and its neurons; rules in words are left out, for time."""
    settings = AccountSettings(test_tokens=600, effect_tokens=150, exact_neurons=0, rules=False)
    account = take_account(model, beginnings(model, *ACCOUNT_STORIES), settings)
    return [account.table, account.heads, account.neurons]


def rows_of(table: Table) -> list[Row]:
    """The rows and columns of a table that its golden table has, as text."""
    columns = [
        name
        for name in table.columns
        if name not in WORDS and not isinstance(table[name][0], (list, tuple))
    ]
    kept = list(table)[:: EVERY.get(golden_name(table), 1)]
    return [{name: _cell(row[name]) for name in columns} for row in kept]


def _cell(value: Any) -> str:
    return str(value) if is_known(value) else ""


def golden_name(table: Table) -> str:
    """What its file is called: a table of neurons has its layer in its own name."""
    return table.name.partition("_layer")[0]


def write(table: Table) -> Path:
    """Make a table taken now the golden one."""
    path, rows = FOLDER / f"{golden_name(table)}.csv", rows_of(table)
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, list(rows[0]), lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)
    return path


def read(name: str) -> list[Row]:
    """A golden table."""
    with (FOLDER / f"{name}.csv").open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))
