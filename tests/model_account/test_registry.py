"""A declared predictor of neurons: its classes, its columns, and what it explains."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

import tinyinterp
from tests.models import N_VOCAB, STORIES, tiny_checkpoint
from tinyinterp.errors import SelectionError
from tinyinterp.io.table import is_known
from tinyinterp.model_account.registry import (
    ClassRows,
    NeuronPredictor,
    register,
    registered,
    unregister,
)

MANY = [f"{a} {b}" for a in STORIES for b in STORIES]
SETTINGS = {"exact_neurons": 0, "effect_tokens": 30, "rules": False}
BY_TOKEN = NeuronPredictor(
    name="by_token",
    about="Knows which token it is.",
    n_classes=N_VOCAB,
    classes=lambda sequence: np.asarray(sequence.tokens),
)
HALF = NeuronPredictor(
    name="half",
    about="Knows whether the token stands in the first half of its story.",
    n_classes=2,
    classes=lambda sequence: np.arange(len(sequence.tokens)) * 2 // len(sequence.tokens),
)


@pytest.fixture
def emptied() -> Iterator[None]:
    """No predictors beside our own afterwards."""
    yield
    for predictor in registered():
        unregister(predictor.name)


@pytest.mark.usefixtures("emptied")
def test_a_declared_predictor_is_scored_beside_the_ladder(tmp_path: Path):
    model = tinyinterp.load(tiny_checkpoint(tmp_path / "model").folder)
    plain = tinyinterp.account(model, MANY, **SETTINGS)
    register(BY_TOKEN)
    register(HALF)
    account = tinyinterp.account(model, MANY, **SETTINGS)
    assert account.table.notes["predictors"] == {
        "by_token": BY_TOKEN.about,
        "half": HALF.about,
    }
    added = [
        f"{start}_{each}{end}"
        for each in ("by_token", "half")
        for start, end in (("r2", ""), ("r2", "_low"), ("r2", "_high"), ("r", ""))
    ]
    assert [c for c in account.neurons.columns if c not in plain.neurons.columns] == added
    explained = [v for v in account.neurons["r2_by_token"] if is_known(v)]
    assert len(explained) > len(account.neurons) / 2
    for row, before in zip(account.neurons, plain.neurons, strict=True):
        assert row["r2_token"] == before["r2_token"]  # nothing of ours is moved
    # The token rung is the same sorting, but for what positions explain of it.
    both = [
        (row["r2_by_token"], row["r2_token"])
        for row in account.neurons
        if is_known(row["r2_by_token"]) and is_known(row["r2_token"])
    ]
    assert np.corrcoef(np.array(both).T)[0, 1] > 0.8
    assert max(v for v in account.neurons["r2_half"] if is_known(v)) < max(explained)


@pytest.mark.usefixtures("emptied")
def test_a_class_that_there_is_not_is_refused(tmp_path: Path):
    model = tinyinterp.load(tiny_checkpoint(tmp_path / "model").folder)
    register(replace(HALF, classes=lambda sequence: np.full(len(sequence.tokens), 2)))
    with pytest.raises(SelectionError, match="from 0 to 1 for each"):
        tinyinterp.account(model, MANY, **SETTINGS)


@pytest.mark.usefixtures("emptied")
def test_a_predictor_is_registered_once_by_its_name():
    assert register(HALF) is HALF
    with pytest.raises(SelectionError, match="there is a predictor 'half' already"):
        register(replace(HALF, about="Another."))


def test_a_predictor_with_the_name_of_one_of_ours_is_refused():
    with pytest.raises(SelectionError, match="has a predictor 'half' of its own"):
        ClassRows([HALF], ("token", "half"))


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"name": "Half"}, "expected small letters"),
        ({"about": "half"}, "a sentence with a full stop"),
        ({"n_classes": 1}, "two classes or more"),
    ],
)
def test_a_declaration_that_leaves_something_out_is_refused(changes: dict, said: str):
    with pytest.raises(SelectionError, match=said):
        replace(HALF, **changes)
