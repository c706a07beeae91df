from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
import torch
from holding import another_process_in
from runs import SIMPLE_STORIES, prepare, tiny_recipe
from safetensors import safe_open
from safetensors.torch import load_file, save_file

from tinyinterp.errors import OutputError, TrainingError
from tinyinterp.io.lock import NAME
from train.training import resume
from train.training.loop import Trainer


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("resume") / "data"
    prepare(folder)
    return folder


@pytest.fixture(scope="module")
def stopped(data: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run of 13 steps that was stopped after 7."""
    folder = tmp_path_factory.mktemp("resume") / "stopped"
    stop_after(Trainer(tiny_recipe(), data, folder), 7)
    return folder


@pytest.fixture
def begun(stopped: Path, tmp_path: Path) -> Path:
    """The stopped run, to be gone on with or damaged."""
    return Path(shutil.copytree(stopped, tmp_path / "run"))


def stop_after(trainer: Trainer, step: int) -> None:
    whole_step = trainer.train_step

    def stopping() -> dict[str, float]:
        loss = whole_step()
        trainer.interrupts.received = trainer.step == step
        return loss

    trainer.train_step = stopping
    outcome = trainer.run()
    assert (outcome.step, outcome.finished) == (step, False)


def log_of(run: Path) -> list[dict]:
    lines = [json.loads(line) for line in (run / "log.jsonl").read_text().splitlines()]
    return [{key: value for key, value in line.items() if key != "seconds"} for line in lines]


def test_a_run_that_another_process_trains_is_refused(begun: Path, data: Path):
    with another_process_in(begun / "beside") as first:
        (begun / "beside" / NAME).replace(begun / NAME)  # as if it trained the run
        with pytest.raises(OutputError, match=f"in use by process {first.pid}"):
            Trainer(tiny_recipe(), data, begun)
        (begun / NAME).unlink()
    shutil.rmtree(begun / "beside")
    assert Trainer(tiny_recipe(), data, begun).step == 7


@pytest.mark.parametrize("optimizer", ["muon", "adamw"])
@pytest.mark.parametrize("sampler", ["stories", "windows"])
def test_a_stopped_run_ends_bit_for_bit_as_one_that_was_not(tmp_path, data, optimizer, sampler):
    recipe = tiny_recipe(
        optimizer={"name": optimizer}, data={"sampler": sampler, "batch_size": 3, "accumulation": 2}
    )
    Trainer(recipe, data, tmp_path / "straight").run()
    stop_after(Trainer(recipe, data, tmp_path / "stopped"), 7)
    torch.manual_seed(12345)  # what another process would start with
    outcome = Trainer(recipe, data, tmp_path / "stopped").run()
    assert (outcome.step, outcome.finished) == (13, True)
    for name in ("model.safetensors", "best/model.safetensors", "resume/state.safetensors"):
        straight = load_file(tmp_path / "straight" / name)
        resumed = load_file(tmp_path / "stopped" / name)
        assert straight.keys() == resumed.keys()
        for key, tensor in straight.items():
            assert torch.equal(tensor, resumed[key]), (name, key)
    assert log_of(tmp_path / "straight") == log_of(tmp_path / "stopped")


def test_what_is_drawn_depends_on_the_seed_and_the_step_alone(data, tmp_path, begun):
    assert tiny_recipe().model.dropout > 0
    trainer = Trainer(tiny_recipe(), data, begun)
    torch.manual_seed(12345)
    trainer.run()
    runs = {"straight": 0, "other": 1}
    for name, seed in runs.items():
        Trainer(tiny_recipe(run={"seed": seed}), data, tmp_path / name).run()
    resumed, straight, other = (
        load_file(folder / "model.safetensors")["transformer.wte.weight"]
        for folder in (begun, *(tmp_path / name for name in runs))
    )
    assert torch.equal(resumed, straight)
    assert not torch.equal(resumed, other)


def test_log_lines_beyond_the_state_are_taken_back(data, begun):
    before = (begun / "log.jsonl").read_text()
    with (begun / "log.jsonl").open("a") as file:
        file.write('{"step": 8, "tokens": 1, "seconds": 1, "loss": 3.0}\n{"step": 9, "tok')
    trainer = Trainer(tiny_recipe(), data, begun)
    assert (begun / "log.jsonl").read_text() == before
    assert before
    assert trainer.step == 7


def test_a_finished_run_is_not_trained_further(tmp_path, data):
    Trainer(tiny_recipe(), data, tmp_path / "run").run()
    before = (tmp_path / "run" / "model.safetensors").read_bytes()
    outcome = Trainer(tiny_recipe(), data, tmp_path / "run").run()
    assert (outcome.step, outcome.finished) == (13, True)
    assert (tmp_path / "run" / "model.safetensors").read_bytes() == before


def test_more_steps_may_be_asked_for(data, begun):
    outcome = Trainer(tiny_recipe(schedule={"steps": 9}), data, begun).run()
    assert (outcome.step, outcome.finished) == (9, True)


@pytest.mark.parametrize(
    ("tables", "message"),
    [
        ({"model": {"d_model": 24}}, r"begun with another \[model\]"),
        ({"model": {"dropout": 0.2}}, r"begun with another \[model\]"),
        ({"data": {"batch_tokens": 321}}, r"begun with another \[data\]"),
        ({"optimizer": {"name": "adamw"}}, r"begun with another \[optimizer\]"),
    ],
)
def test_another_recipe_is_refused(data, begun, tables, message):
    with pytest.raises(TrainingError, match=message):
        Trainer(tiny_recipe(**tables), data, begun)


def test_other_data_are_refused(tmp_path, begun):
    prepare(tmp_path / "other", SIMPLE_STORIES[1:])
    with pytest.raises(TrainingError, match="begun on other data"):
        Trainer(tiny_recipe(), tmp_path / "other", begun)


def test_a_checkpoint_without_its_state_is_not_overwritten(data, begun):
    shutil.rmtree(begun / "resume")
    before = (begun / "model.safetensors").read_bytes()
    with pytest.raises(TrainingError, match="nothing to resume from"):
        Trainer(tiny_recipe(), data, begun)
    assert (begun / "model.safetensors").read_bytes() == before


@pytest.mark.parametrize("kept", [0, 5, 300, -30])
def test_a_damaged_state_is_refused(data, begun, kept):
    path = begun / "resume" / "state.safetensors"
    path.write_bytes(path.read_bytes()[:kept])
    with pytest.raises(TrainingError, match="cannot resume from"):
        Trainer(tiny_recipe(), data, begun)


def test_the_state_is_one_file_with_its_numbers(stopped):
    assert [path.name for path in (stopped / "resume").iterdir()] == ["state.safetensors"]
    numbers = resume.read_numbers(stopped)
    assert numbers is not None
    assert numbers.step == 7


def test_the_state_may_be_read_by_whom_the_umask_lets(stopped):
    mode = (stopped / "resume" / "state.safetensors").stat().st_mode
    assert mode == (stopped / "config.json").stat().st_mode


@pytest.mark.parametrize(
    ("name", "change", "message"),
    [
        ("weights.", lambda t: t[:1], "has shape"),
        ("weights.", lambda t: torch.full_like(t, torch.nan), "not finite"),
        ("mean.", lambda t: t.new_ones(()), "has shape"),
        ("optimizer.0.", lambda t: t.new_ones(3), "has shape"),
        ("optimizer.1.", lambda t: t.to(torch.int32), "of torch.int32"),
    ],
)
def test_a_tensor_that_does_not_fit_is_refused(data, begun, name, change, message):
    path = begun / "resume" / "state.safetensors"
    with safe_open(path, "pt") as file:
        about = file.metadata()
    tensors = load_file(path)
    first = next(key for key in sorted(tensors) if key.startswith(name) and tensors[key].ndim)
    save_file(tensors | {first: change(tensors[first]).contiguous()}, path, metadata=about)
    with pytest.raises(TrainingError, match=f"cannot resume from .*{message}"):
        Trainer(tiny_recipe(), data, begun)


@pytest.mark.parametrize(
    ("numbers", "message"),
    [
        ("null", "numbers is None"),
        ("[" * 500 + "]" * 500, "nested more than 100 deep"),
        ({"step": -1}, "step is -1"),
        ({"best": "low"}, "best is 'low'"),
        ({"recipe": {"model": 3}}, "recipe.model is 3"),
        ({"last": [1]}, r"last is \[1\]"),
    ],
)
def test_numbers_that_cannot_be_are_refused(data, begun, numbers, message):
    path = begun / "resume" / "state.safetensors"
    with safe_open(path, "pt") as file:
        about = file.metadata()
    if isinstance(numbers, dict):
        numbers = json.dumps(json.loads(about[resume.NUMBERS]) | numbers)
    save_file(load_file(path), path, metadata={resume.NUMBERS: numbers})
    with pytest.raises(TrainingError, match=f"cannot resume from .*{message}"):
        Trainer(tiny_recipe(), data, begun)
