"""Which tables are used: those given, else those of this model in the usual folder."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from models import tiny_checkpoint

from tests.explore.conftest import write_account, write_census
from tinyinterp.errors import SelectionError
from tinyinterp.explore.tables import USUAL, read_tables
from tinyinterp.model import Model, load


@pytest.fixture
def other(tmp_path: Path) -> Model:
    tiny_checkpoint(tmp_path / "other", seed=1)
    return load(tmp_path / "other")


def test_nothing_is_needed(model: Model, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.chdir(tmp_path)
    tables = read_tables(model, None, None)
    assert not tables.heads
    assert not tables.layers
    assert not tables.accounted_heads
    assert tables.neuron(0, 1) == {}


def test_the_usual_folders_are_read_where_they_are_of_this_model(
    model: Model,
    other: Model,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
):
    monkeypatch.chdir(tmp_path)
    USUAL.mkdir()
    write_census(USUAL, model)
    (USUAL / "account").mkdir()
    write_account(USUAL / "account", other)
    tables = read_tables(model, None, None)
    assert len(tables.heads) == 6
    assert list(tables.layers) == [0, 2]
    assert not tables.accounted_heads
    assert capsys.readouterr().err.startswith("left out: the account in ")
    assert set(tables.sources) == {"heads", "neurons"}


@pytest.mark.parametrize("part", ["", "heads", "neurons"])
def test_a_census_may_be_of_heads_or_of_neurons_or_both(model: Model, census: Path, part: str):
    tables = read_tables(model, census / part, None)
    assert bool(tables.heads) is (part != "neurons")
    assert bool(tables.layers) is (part != "heads")


def test_a_folder_that_was_given_must_hold_what_it_should(
    model: Model, other: Model, census: Path, account: Path, tmp_path: Path
):
    with pytest.raises(SelectionError, match="holds no census"):
        read_tables(model, tmp_path, None)
    with pytest.raises(SelectionError, match="is of the model"):
        read_tables(other, census, None)
    with pytest.raises(SelectionError, match="is of the model"):
        read_tables(other, None, account)
    broken = tmp_path / "broken"
    shutil.copytree(census / "neurons", broken)
    (broken / "neurons_layer2.parquet").write_bytes(b"PAR1")
    with pytest.raises(SelectionError, match="cannot read"):
        read_tables(model, broken, None)
