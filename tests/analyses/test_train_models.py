"""Training of all models of the studies, on tiny ones."""

from __future__ import annotations

import argparse
import sys
import tarfile
import time

import pytest
from models import STORIES

from analyses import train_models
from analyses.train_models import POSITIONS, STEP, VOCABULARY, Planned, plan
from train.training.recipe_file import read_recipe

SHAPE = ("model.n_ctx=32", "model.d_model=8", "model.n_heads=2", "model.n_layers=1")


def test_every_model_of_both_documents_is_planned_once():
    names = [each.name for each in plan()]
    assert len(set(names)) == len(names)
    assert {"gptneo-41m", "compressor-512", "512-8-4-contrastive-0.3"} <= set(names)


@pytest.mark.parametrize("model", plan(), ids=lambda each: each.name)
def test_every_recipe_reads_whole_stories_of_one_budget_under_one_vocabulary(model):
    options = argparse.Namespace(learning_rate=1e-3, positions=POSITIONS)
    recipe = read_recipe(model.recipe, list(train_models.changes_of(model, options)))
    data, schedule = recipe.data, recipe.schedule
    assert data.sampler == "stories"
    assert schedule.steps * data.accumulation * data.batch_tokens == POSITIONS
    assert recipe.model.n_vocab == VOCABULARY
    assert recipe.run.seed == model.seed
    assert (data.loss == "story") == model.instruct


@pytest.fixture
def command(tmp_path, monkeypatch):
    """Runs the command on a plan of two tiny models, one of which has no such recipe."""
    text = tmp_path / "text.txt"
    text.write_text("".join(f"{story}\n<|endoftext|>\n" for story in STORIES * 40))
    planned = [Planned("small", "tiny", SHAPE), Planned("wrong", "no-such-recipe")]
    monkeypatch.setattr(train_models, "VOCABULARY", 281)
    monkeypatch.setattr(train_models, "WARM_UP", 1)
    monkeypatch.setattr(train_models, "FOLLOWED", "small")
    monkeypatch.setattr(train_models, "plan", lambda: planned)
    out = tmp_path / "runs"

    def run(*words):
        always = ("--text", str(text), "--out", str(out), "--positions", str(2 * STEP))
        monkeypatch.setattr(sys, "argv", ["train_models", *always, *map(str, words)])
        train_models.main()

    run.out = out
    return run


def test_models_train_side_by_side_and_go_into_one_file(command, tmp_path, capsys):
    archive = tmp_path / "studies.tar"
    with pytest.raises(SystemExit) as end:
        command("--parallel", 2, "--archive", archive)
    assert end.value.code == 1
    assert "failed: wrong" in capsys.readouterr().err
    record = train_models.records(command.out)["small"]
    assert record["positions"] == 2 * STEP
    assert record["tokens"] > 0
    with tarfile.open(archive) as file:
        file.extractall(tmp_path / "there", filter="data")
    there = tmp_path / "there"
    assert train_models.records(there) == {"small": record}
    assert train_models.load_any(there / "small").fingerprint == record["fingerprint"]
    assert (there / "small" / "log.jsonl").exists()
    assert list((there / "small" / "snapshots").iterdir())
    assert not (there / "small" / "resume").exists()
    command("--only", "small")
    assert "small: finished before" in capsys.readouterr().out


def test_nothing_begins_when_the_time_is_up(command, capsys):
    (command.out / "data").mkdir(parents=True)
    (command.out / "data-instruct").mkdir()
    command("--minutes", 0)
    assert "wrong: the time is up; the same command goes on" in capsys.readouterr().out
    assert train_models.records(command.out) == {}


def test_a_trainer_may_save_when_the_time_is_up(tmp_path, monkeypatch):
    trainer, saved = tmp_path / "trainer", tmp_path / "saved"
    trainer.write_text(
        f"#!/bin/sh\ntrap 'touch {saved}; kill $!; exit 1' TERM\nsleep 60 >/dev/null & wait\n"
    )
    trainer.chmod(0o755)
    monkeypatch.setattr(sys, "executable", str(trainer))
    assert train_models._run("run", until=time.monotonic() + 2) is None
    assert saved.exists()


def test_a_trainer_whose_last_step_outlasts_the_time_has_finished(tmp_path, monkeypatch):
    trainer = tmp_path / "trainer"
    trainer.write_text(
        "#!/bin/sh\ntrap 'echo done; kill $!; exit 0' TERM\nsleep 60 >/dev/null & wait\n"
    )
    trainer.chmod(0o755)
    monkeypatch.setattr(sys, "executable", str(trainer))
    assert train_models._run("run", until=time.monotonic() + 2) == "done\n"


def test_a_text_is_asked_for_where_instructions_are_not_prepared(tmp_path, monkeypatch, capsys):
    (tmp_path / "data").mkdir()
    monkeypatch.setattr(sys, "argv", ["train_models", "--out", str(tmp_path)])
    with pytest.raises(SystemExit):
        train_models.main()
    assert "--text FILE is needed" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--only", "128-8-5"), "no model is called 128-8-5"),
        (("--parallel", "0"), "--parallel is at least 1"),
        ((), "--text FILE is needed"),
    ],
)
def test_what_cannot_be_trained_is_said(words, said, tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(sys, "argv", ["train_models", "--out", str(tmp_path), *words])
    with pytest.raises(SystemExit) as end:
        train_models.main()
    assert end.value.code == 2
    assert said in capsys.readouterr().err
