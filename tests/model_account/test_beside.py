from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pytest
from models import STORIES, tiny_checkpoint

import tinyinterp
from tinyinterp.errors import SelectionError
from tinyinterp.model_account import AccountSettings, ModelAccount, take_account
from tinyinterp.model_account.beside import head_beside, neuron_beside
from tinyinterp.model_account.finished import FinishedAccount
from tinyinterp.model_account.ladder import RUNGS, needed_share

SETTINGS = AccountSettings(test_tokens=300, effect_tokens=120, exact_neurons=0, rules=False)
KEPT = {
    f"keeps_{rung}{end}": share + shift
    for rung, share in (("position", 0.3), ("tokens", 0.9), ("predecessor", 0.7))
    for end, shift in (("", 0.0), ("_low", -0.1), ("_high", 0.1))
}
HEADS = {
    (0, 0): {"layer": 0, "head": 0, "needs": "tokens", **KEPT},
    (0, 1): {"layer": 0, "head": 1, "needs": "context", **KEPT},
    (1, 0): {"layer": 1, "head": 0, "needs": "", **dict.fromkeys(KEPT)},
    (1, 1): {"layer": 1, "head": 1, "needs": "position", **KEPT, "drawn_to": [" a"]},
}
NEURONS = {(0, 0): {"layer": 0, "neuron": 0, "needs": "token", "r2_token": 0.6, "family": ""}}
ACCOUNT = FinishedAccount({"fingerprint": "one", "text": "t"}, [], HEADS, NEURONS, [])


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> tinyinterp.Model:
    return tinyinterp.load(tiny_checkpoint(tmp_path_factory.mktemp("tiny") / "model").folder)


@pytest.fixture(scope="module")
def stories() -> list[str]:
    random, words = np.random.default_rng(0), " ".join(STORIES).split()
    return [" ".join(random.choice(words, size=11)) for _ in range(47)]


@pytest.fixture(scope="module")
def taken(model: tinyinterp.Model, stories: list[str]) -> ModelAccount:
    return take_account(model, model.corpus(stories), SETTINGS)


@pytest.mark.parametrize(
    ("at", "needs", "keeps"),
    [((0, 0), "tokens", 0.9), ((0, 1), "context", 0.9), ((1, 1), "position", 0.3)],
)
def test_a_row_says_the_share_of_the_needed_rung_or_of_the_best(at, needs, keeps):
    row = head_beside(
        {"layer": at[0], "head": at[1], "kind": "sink", "role": "", "sink": 1}, ACCOUNT
    )
    assert (row["needs"], row["keeps"]) == (needs, keeps)
    assert row["keeps_low"] == pytest.approx(keeps - 0.1)
    assert row["keeps_high"] == pytest.approx(keeps + 0.1)


def test_what_the_census_said_stays_and_stands_where_it_stood():
    row = {
        "layer": 1,
        "head": 1,
        "kind": "sink",
        "role": "x",
        "sink": 0.5,
        "causal_check": "agrees",
    }
    joined = head_beside(row, ACCOUNT)
    assert {name: joined[name] for name in row} == row
    assert [name for name in joined if name in row] == list(row)
    assert list(joined)[3:8] == ["role", "needs", "keeps", "keeps_low", "keeps_high"]
    assert joined["drawn_to"] == [" a"]
    neuron = neuron_beside({"layer": 0, "neuron": 0, "kind": "word", "hits": 3}, ACCOUNT)
    assert list(neuron)[2:7] == ["kind", "needs", "r2", "r2_low", "r2_high"]
    assert (neuron["r2"], neuron["family"]) == (0.6, "")


def test_a_head_without_effect_has_no_share():
    row = head_beside({"layer": 1, "head": 0, "kind": "sink", "role": ""}, ACCOUNT)
    assert row["needs"] == ""
    assert all(math.isnan(row[name]) for name in ("keeps", "keeps_low", "keeps_tokens"))
    nothing = dict.fromkeys(KEPT) | {"needs": "context"}
    assert math.isnan(needed_share(nothing, "keeps", RUNGS)["keeps"])


def test_a_census_beside_an_account_taken_or_read_is_the_same(
    model: tinyinterp.Model, taken: ModelAccount, stories: list[str], tmp_path: Path
):
    taken.write(tmp_path / "account")
    made = {}
    for name, account in (("taken", taken), ("read", tmp_path / "account")):
        heads = tinyinterp.heads(model, stories, causal=False, account=account)
        neurons = tinyinterp.neurons(model, stories, layer=1, null_tokens=0, account=account)
        heads.write(tmp_path / name)
        neurons.write(tmp_path / name)
        made[name] = {path.name: path.read_bytes() for path in (tmp_path / name).iterdir()}
    assert made["taken"] == made["read"]
    assert heads.table["needs"] == taken.heads["needs"]
    assert neurons.table["needs"] == [r["needs"] for r in taken.neurons if r["layer"] == 1]
    assert heads.table.notes["account"]["test_tokens"] == taken.table.notes["test_tokens"]
    assert "(where it looks)" in " ".join(heads.head_lines(1, 0))
    assert "(what it fires on)" in " ".join(neurons.neuron_lines(3))
    plain = tinyinterp.neurons(model, stories, layer=1, null_tokens=0)
    assert "run tinyinterp account" in plain.neuron_lines(3)[-1]
    beside = plain.beside(taken)
    assert list(beside.table) == list(neurons.table)
    assert "needs" not in plain.table.columns


def test_an_account_of_another_model_is_refused(
    model: tinyinterp.Model, stories: list[str], tmp_path: Path
):
    other = tinyinterp.load(tiny_checkpoint(tmp_path / "other", seed=1).folder)
    account = FinishedAccount({"fingerprint": other.fingerprint}, [], {}, {}, [])
    census = tinyinterp.neurons(model, stories, layer=0, null_tokens=0)
    with pytest.raises(SelectionError, match="the account is of the model"):
        census.beside(account)
    with pytest.raises(SelectionError, match="is not a table of an account; make one with"):
        tinyinterp.heads(model, stories, account=tmp_path)
