from __future__ import annotations

import os
import signal
from dataclasses import replace
from pathlib import Path

import pytest
from models import tiny_checkpoint, tiny_tokenizer
from planted.neurons import stories
from safetensors import safe_open

from tinyinterp.errors import OutputError
from tinyinterp.io.output import OutputFolder
from tinyinterp.model import Model
from tinyinterp.neuron_census import NeuronSettings, census_neurons, checkpointer
from tinyinterp.neuron_census.census import PROGRESS_FILE
from tinyinterp.neuron_census.checkpointer import Checkpointer
from tinyinterp.text.corpus import Corpus, corpus_of
from tinyinterp.text.sequences import Side

SETTINGS = NeuronSettings(layers=(0, 2), top=5, null_tokens=0)


def n_batches(corpus: Corpus) -> int:
    return sum(1 for side in Side for _ in corpus.micro_batches(side))


class KilledError(Exception):
    pass


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Model:
    return Model(tiny_checkpoint(tmp_path_factory.mktemp("tiny")), "tiny")


@pytest.fixture(scope="module")
def corpus() -> Corpus:
    return corpus_of(stories(3, 130), tiny_tokenizer(), 83)


@pytest.fixture(scope="module")
def uninterrupted(model: Model, corpus: Corpus, tmp_path_factory) -> dict[str, bytes]:
    return contents(model, corpus, tmp_path_factory.mktemp("whole"), None)


def contents(
    model: Model, corpus: Corpus, folder: Path, checkpoint_folder: Path | None
) -> dict[str, bytes]:
    paths = census_neurons(model, corpus, SETTINGS, checkpoint_folder=checkpoint_folder).write(
        folder
    )
    return {path.name: path.read_bytes() for path in paths}


@pytest.fixture
def killed_after(monkeypatch: pytest.MonkeyPatch):
    """Save after every micro-batch, and stop dead after a number of savings."""

    def prepare(savings: int) -> list[str]:
        sides: list[str] = []
        killed: list[bool] = []
        save = Checkpointer._save

        def saving(self: Checkpointer, path: Path, side: str, batches: int, arrays: dict) -> None:
            save(self, path, side, batches, arrays)
            sides.append(side)
            if len(sides) == savings and not killed:
                killed.append(True)
                raise KilledError

        monkeypatch.setattr(checkpointer, "SECONDS", 0.0)
        monkeypatch.setattr(checkpointer, "MOST_OF_THE_TIME", 1e9)
        monkeypatch.setattr(Checkpointer, "_save", saving)
        return sides

    return prepare


@pytest.mark.parametrize(("savings", "side"), [(1, "FIT"), (7, "FIT"), (-7, "TEST"), (-1, "TEST")])
def test_a_killed_census_resumes_to_the_same_bytes(
    savings, side, killed_after, model, corpus, uninterrupted, tmp_path
):
    savings = savings % (1 + n_batches(corpus))
    sides = killed_after(savings)
    with pytest.raises(KilledError):
        census_neurons(model, corpus, SETTINGS, checkpoint_folder=tmp_path)
    assert sides[-1] == side
    assert (tmp_path / PROGRESS_FILE).is_file()
    assert contents(model, corpus, tmp_path / "out", tmp_path) == uninterrupted
    assert [path.name for path in tmp_path.iterdir()] == ["out"]  # of the progress nothing is left
    assert len(sides) == n_batches(corpus)  # nothing was read twice, and nothing left out


def test_a_census_resumes_after_ctrl_c(model, corpus, uninterrupted, tmp_path):
    up, calls = model.decoder.block(2).mlp.up, []

    def press(*_: object) -> None:
        calls.append(1)
        if len(calls) == 4:
            os.kill(os.getpid(), signal.SIGINT)

    handle = up.register_forward_hook(press)
    handler = signal.getsignal(signal.SIGINT)
    with pytest.raises(KeyboardInterrupt):
        census_neurons(model, corpus, SETTINGS, checkpoint_folder=tmp_path)
    handle.remove()
    assert signal.getsignal(signal.SIGINT) is handler
    with safe_open(tmp_path / PROGRESS_FILE, "np") as file:
        assert int(file.metadata()["batches"]) == 4
    OutputFolder(tmp_path)  # is not taken for somebody else's
    assert contents(model, corpus, tmp_path / "out", tmp_path) == uninterrupted


@pytest.mark.parametrize("damage", ["cut", "other", "tags", "nothing", "rows", "rows cut", "gone"])
def test_a_damaged_or_foreign_file_is_ignored(
    damage, killed_after, model, corpus, uninterrupted, tmp_path
):
    killed_after(n_batches(corpus) - 2 if "rows" in damage or damage == "gone" else 5)
    others = {"other": replace(SETTINGS, top=4), "tags": replace(SETTINGS, tags="penn")}
    with pytest.raises(KilledError):
        census_neurons(model, corpus, others.get(damage, SETTINGS), checkpoint_folder=tmp_path)
    path = tmp_path / PROGRESS_FILE
    if damage == "cut":
        path.write_bytes(path.read_bytes()[:-1000])
    if damage == "nothing":
        path.write_bytes(b"")
    rows = path.with_suffix(".sample2.rows")
    if damage == "rows":
        content = bytearray(rows.read_bytes())
        content[9] ^= 1
        rows.write_bytes(content)
    if damage == "rows cut":
        rows.write_bytes(rows.read_bytes()[:-1])
    if damage == "gone":
        rows.unlink()
    assert contents(model, corpus, tmp_path / "out", tmp_path) == uninterrupted


def test_what_a_killed_census_read_after_its_last_saving_is_read_again(
    killed_after, model, corpus, uninterrupted, tmp_path
):
    killed_after(n_batches(corpus) - 2)
    with pytest.raises(KilledError):
        census_neurons(model, corpus, SETTINGS, checkpoint_folder=tmp_path)
    with (tmp_path / PROGRESS_FILE).with_suffix(".sample0.rows").open("ab") as file:
        file.write(b"some rows of a micro-batch that no saved state knows")
    assert contents(model, corpus, tmp_path / "out", tmp_path) == uninterrupted


def test_a_folder_that_is_not_there_is_an_error_of_ours(killed_after, model, corpus, tmp_path):
    killed_after(5)
    with pytest.raises(OutputError, match=r"cannot save progress in .*gone"):
        census_neurons(model, corpus, SETTINGS, checkpoint_folder=tmp_path / "gone")
