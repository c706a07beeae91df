from __future__ import annotations

import json
import os
import random
import resource
import shutil
import signal
import subprocess
import sys
import time
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path

import pytest
import torch
from runs import prepare, tiny_recipe
from safetensors.torch import load_file

from tinyinterp import checkpoint
from tinyinterp.errors import TrainingError
from tinyinterp.io.lock import NAME as LOCK
from train.training import resume
from train.training.loop import Trainer

SCRIPT = """
import sys
from pathlib import Path
from runs import tiny_recipe
from train.training.loop import Trainer
recipe = tiny_recipe(schedule={"steps": 40}, run={"save_every": 1, "evaluate_every": 3})
Trainer(recipe, Path(sys.argv[1]), Path(sys.argv[2])).run()
"""
KILLS = 4


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("faults") / "data"
    prepare(folder)
    return folder


@contextmanager
def files_of_at_most(n_bytes: int):
    """What a full disk does to a write, without one: this process may write no longer files."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (n_bytes, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


def start(data: Path, run: Path) -> subprocess.Popen[bytes]:
    path = os.pathsep.join((str(Path(__file__).parents[2]), str(Path(__file__).parents[3])))
    with run.with_suffix(".stderr").open("wb") as said:
        return subprocess.Popen(
            [sys.executable, "-c", SCRIPT, str(data), str(run)],
            env=os.environ | {"PYTHONPATH": path},
            stderr=said,
        )


def log_of(run: Path) -> list[dict[str, float]]:
    lines = [json.loads(line) for line in (run / "log.jsonl").read_text().splitlines()]
    return [line | {"seconds": 0} for line in lines]


def steps_saved(run: Path) -> int:
    numbers = resume.read_numbers(run)
    return numbers.step if numbers else 0


def test_killed_at_any_moment_it_ends_bit_for_bit_as_a_run_that_was_not(data, tmp_path):
    whole, killed = tmp_path / "whole", tmp_path / "killed"
    assert start(data, whole).wait() == 0
    moments = random.Random(time.time_ns())
    for _ in range(KILLS):
        before = steps_saved(killed)
        process = start(data, killed)
        while process.poll() is None and steps_saved(killed) <= before:
            time.sleep(0.002)
        time.sleep(moments.random() * 0.08)
        process.send_signal(signal.SIGKILL)
        process.wait()
        assert steps_saved(killed) > before  # what is there can be read, and is further
        if (killed / "model.safetensors").exists():
            checkpoint.load(killed)
    assert start(data, killed).wait() == 0, killed.with_suffix(".stderr").read_text()
    first, second = (run / "model.safetensors" for run in (whole, killed))
    assert first.read_bytes() == second.read_bytes()
    assert log_of(killed) == log_of(whole)
    assert sorted(p.name for p in killed.iterdir()) == sorted(p.name for p in whole.iterdir())


def test_a_full_disk_is_said_and_leaves_the_last_whole_state(data, tmp_path):
    run = tmp_path / "run"
    recipe = tiny_recipe(run={"save_every": 5, "evaluate_every": 100, "snapshots": False})
    Trainer(recipe, data, run).run(max_steps=5)
    state = (run / "resume" / "state.safetensors").read_bytes()
    weights = (run / "model.safetensors").read_bytes()
    with files_of_at_most(len(state) // 2), pytest.raises(TrainingError, match="make room"):
        Trainer(recipe, data, run).run()
    assert (run / "resume" / "state.safetensors").read_bytes() == state
    assert (run / "model.safetensors").read_bytes() == weights
    assert Trainer(recipe, data, run).run().step == recipe.schedule.steps


def test_a_run_may_end_early_and_go_on_as_if_it_had_not(data, tmp_path):
    recipe = tiny_recipe()
    Trainer(recipe, data, tmp_path / "whole").run()
    outcome = Trainer(recipe, data, tmp_path / "parts").run(max_steps=6)
    assert (outcome.step, outcome.finished) == (6, True)
    assert Trainer(recipe, data, tmp_path / "parts").run(max_steps=6).step == 6
    assert Trainer(recipe, data, tmp_path / "parts").run().step == 13
    first, second = (load_file(tmp_path / n / "model.safetensors") for n in ("whole", "parts"))
    assert first.keys() == second.keys()
    assert all(torch.equal(first[name], second[name]) for name in first)


def test_killed_between_the_last_state_and_its_checkpoint_it_still_ends_with_both(data, tmp_path):
    recipe, run = tiny_recipe(), tmp_path / "run"
    Trainer(recipe, data, run).run()
    last = (run / "model.safetensors").read_bytes()
    (run / "model.safetensors").unlink()
    (run / "training.json").write_text("{}")
    assert Trainer(recipe, data, run).run().finished
    assert (run / "model.safetensors").read_bytes() == last
    assert checkpoint.load(run).training["step"] == recipe.schedule.steps


def test_the_precision_may_change_to_one_with_a_scaler(data, tmp_path):
    Trainer(tiny_recipe(), data, tmp_path / "run").run(max_steps=2)
    halves = tiny_recipe(run={"precision": "fp16"})
    assert Trainer(halves, data, tmp_path / "run").run(max_steps=3).step == 3


def test_the_micro_batches_of_a_step_may_not_change_between_runs(data, tmp_path):
    Trainer(tiny_recipe(data={"accumulation": 2}), data, tmp_path / "run").run(max_steps=2)
    with pytest.raises(TrainingError, match=r"begun with 2 micro-batches a step, now there are 3"):
        Trainer(tiny_recipe(data={"accumulation": 3}), data, tmp_path / "run")


def test_without_a_mean_none_is_held_and_the_run_still_resumes(data, tmp_path):
    recipe = tiny_recipe(run={"average": 0.0})
    trainer = Trainer(recipe, data, tmp_path / "run")
    assert trainer.stepper.mean.weights == {}
    trainer.run(max_steps=6)
    Trainer(recipe, data, tmp_path / "run").run()
    Trainer(recipe, data, tmp_path / "whole").run()
    first, second = (load_file(tmp_path / n / "model.safetensors") for n in ("run", "whole"))
    assert all(torch.equal(first[name], second[name]) for name in first)


def test_another_seed_is_refused(data, tmp_path):
    Trainer(tiny_recipe(), data, tmp_path / "run").run(max_steps=2)
    with pytest.raises(TrainingError, match=r"run.seed 0, now it is 3"):
        Trainer(tiny_recipe(run={"seed": 3}), data, tmp_path / "run")


def test_data_under_another_tokenizer_are_refused(data, tmp_path):
    Trainer(tiny_recipe(), data, tmp_path / "run").run(max_steps=2)
    numbers = resume.read_numbers(tmp_path / "run")
    assert numbers is not None
    trainer = Trainer(tiny_recipe(), data, tmp_path / "run")
    other = asdict(numbers) | {"data": "another"}
    resume.save_state(tmp_path / "run", trainer.checkpointer.trained, other)
    with pytest.raises(TrainingError, match="under another tokenizer"):
        Trainer(tiny_recipe(), data, tmp_path / "run")


def test_a_tokenizer_that_was_exchanged_is_refused(data, tmp_path):
    copy = shutil.copytree(data, tmp_path / "data")
    file = copy / "tokenizer" / "tokenizer.json"
    file.write_text(file.read_text("utf-8") + " ", "utf-8")
    with pytest.raises(TrainingError, match="not the tokenizer that the tokens"):
        Trainer(tiny_recipe(), copy, tmp_path / "run")


def test_what_a_crash_leaves_behind_is_removed(data, tmp_path):
    run = tmp_path / "run"
    Trainer(tiny_recipe(), data, run).run(max_steps=2)
    (run / ".new.abc").mkdir()
    (run / ".new.abc" / "model.safetensors").write_bytes(b"half")
    (run / "resume" / ".state.123.tmp.safetensors").write_bytes(b"half")
    (run / ".log.123.tmp.jsonl").write_bytes(b"half")
    Trainer(tiny_recipe(), data, run)
    left = {p.name for p in run.rglob("*") if p.name.startswith(".")}
    assert left <= {LOCK}  # the trainer may still hold it
