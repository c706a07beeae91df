from __future__ import annotations

import json
import math
import os
import re
import signal
from pathlib import Path

import pytest
import torch
import transformers
from runs import SIMPLE_STORIES, prepare, tiny_recipe
from torch.nn import functional as F

from tinyinterp import checkpoint
from tinyinterp.errors import TrainingError
from train.data.batches import IGNORED
from train.training.loop import Outcome, Trainer, snapshot_steps

STEPS = 60


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("loop") / "data"
    prepare(folder)
    return folder


@pytest.fixture(scope="module")
def trained(data: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Outcome]:
    folder = tmp_path_factory.mktemp("loop") / "run"
    recipe = tiny_recipe(
        schedule={"steps": STEPS, "shape": "linear"},
        run={"evaluate_every": 20, "save_every": 25, "average": 0.8},
    )
    return folder, Trainer(recipe, data, folder).run()


def log_of(run: Path, key: str) -> dict[int, float]:
    lines = map(json.loads, (run / "log.jsonl").read_text().splitlines())
    return {line["step"]: line[key] for line in lines if key in line}


def test_the_loss_starts_at_chance_and_falls_far_on_both_sides(trained):
    run, outcome = trained
    losses = log_of(run, "loss")
    assert list(losses) == [10, 20, 30, 40, 50, 60]
    dev = log_of(run, "dev_nats_per_token")
    assert list(dev) == [20, 40, 60]
    assert losses[60] < losses[10] - 1
    assert dev[60] < dev[20] - 0.5
    assert dev[60] < 3.2  # who knows only how frequent each token is has 3.59
    assert outcome == Outcome(
        STEPS, finished=True, best_bits_per_byte=min(log_of(run, "dev_bits_per_byte").values())
    )


def test_the_first_loss_is_that_of_guessing(data, tmp_path):
    trainer = Trainer(tiny_recipe(), data, tmp_path / "run")
    assert trainer.train_step()["loss"] == pytest.approx(math.log(281), abs=0.1)


def test_the_checkpoint_opens_in_transformers_and_in_tinyinterp_with_the_same_numbers(trained):
    run, _ = trained
    transformers.utils.logging.disable_progress_bar()
    model = transformers.AutoModelForCausalLM.from_pretrained(run, dtype=torch.float32).eval()
    tokenizer = transformers.AutoTokenizer.from_pretrained(run)
    ours = checkpoint.load(run)
    tokens = torch.tensor([ours.tokenizer.encode(SIMPLE_STORIES[3]).ids])
    assert tokenizer(SIMPLE_STORIES[3])["input_ids"] == tokens[0].tolist()
    with torch.no_grad():
        torch.testing.assert_close(model(tokens).logits, ours.decoder(tokens), rtol=0, atol=1e-4)


def test_the_checkpoint_says_what_it_is(trained):
    run, outcome = trained
    training = checkpoint.load(run).training
    assert training["step"] == STEPS
    assert training["recipe"]["optimizer"]["name"] == "muon"
    assert training["data"]["source"] == "a test"
    assert training["epochs"] == pytest.approx(
        training["tokens"] / training["data"]["train"]["tokens"], abs=1e-3
    )
    assert training["dev_bits_per_byte"] == log_of(run, "dev_bits_per_byte")[60]
    best = checkpoint.load(run / "best").training
    assert best["dev_bits_per_byte"] == outcome.best_bits_per_byte


def test_snapshots_are_checkpoints_at_log_spaced_steps(trained):
    run, _ = trained
    steps = sorted(int(path.name.removeprefix("step-")) for path in (run / "snapshots").iterdir())
    assert steps == [1, 2, 3, 4, 6, 8, 11, 16, 23, 32, 45, 60]
    assert checkpoint.load(run / "snapshots" / "step-3").training["step"] == 3


def test_snapshot_steps_include_the_first_and_the_last():
    assert snapshot_steps(1) == {1}
    assert {1, 2, 4, 8, 1000} <= snapshot_steps(1000)
    assert len(snapshot_steps(1000)) == 20


def test_the_same_recipe_gives_the_same_model(data, tmp_path):
    for name in ("first", "second"):
        Trainer(tiny_recipe(), data, tmp_path / name).run()
    first, second = (tmp_path / name / "model.safetensors" for name in ("first", "second"))
    assert first.read_bytes() == second.read_bytes()
    Trainer(tiny_recipe(run={"seed": 1}), data, tmp_path / "other").run()
    assert (tmp_path / "other" / "model.safetensors").read_bytes() != first.read_bytes()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_ends_the_step_and_leaves_what_can_be_resumed(data, tmp_path, number):
    trainer = Trainer(tiny_recipe(), data, tmp_path / "run")
    handlers = [signal.getsignal(n) for n in (signal.SIGTERM, signal.SIGINT)]
    whole_step = trainer.train_step

    def interrupted() -> dict[str, float]:
        if trainer.step == 5:
            os.kill(os.getpid(), number)
        return whole_step()

    trainer.train_step = interrupted
    outcome = trainer.run()
    assert (outcome.step, outcome.finished) == (6, False)
    assert [signal.getsignal(n) for n in (signal.SIGTERM, signal.SIGINT)] == handlers
    assert checkpoint.load(tmp_path / "run").training["step"] == 6
    again = Trainer(tiny_recipe(), data, tmp_path / "run")
    assert again.step == 6
    assert again.run().finished


def test_accumulating_batches_is_one_large_batch(data, tmp_path):
    tables = {"model": {"dropout": 0.0}, "run": {"average": 0.0}}
    trainer = Trainer(tiny_recipe(**tables, data={"accumulation": 3}), data, tmp_path / "run")
    batches = [trainer.stepper.prefetcher.sampler.batch(step) for step in range(3)]
    total, count = 0.0, 0
    with torch.no_grad():
        for batch in batches:
            logits = trainer.model(batch.tokens).flatten(0, 1)
            total += F.cross_entropy(
                logits, batch.targets.flatten(), reduction="sum", ignore_index=IGNORED
            ).item()
            count += int((batch.targets != IGNORED).sum())
    assert trainer.train_step()["loss"] == pytest.approx(total / count, rel=1e-5)
    assert trainer.tokens == count


def test_a_loss_that_is_not_finite_stops_before_the_weights_change(data, tmp_path):
    trainer = Trainer(tiny_recipe(), data, tmp_path / "run")
    trainer.save()
    with torch.no_grad():
        trainer.model.block(1).mlp.down.bias[3] = torch.inf
    before = trainer.model.embed.weight.clone()
    with pytest.raises(TrainingError, match="lower learning rate"):
        trainer.run()
    assert torch.equal(trainer.model.embed.weight, before)
    assert checkpoint.load(tmp_path / "run").training["step"] == 0


@pytest.mark.parametrize("precision", ["bf16", "fp16"])
def test_sixteen_bits_train_too(data, tmp_path, precision):
    recipe = tiny_recipe(run={"precision": precision, "stored": "fp16"}, schedule={"steps": 25})
    assert Trainer(recipe, data, tmp_path / "run").run(20).finished
    assert Trainer(recipe, data, tmp_path / "run").run().finished  # the scaler's state is kept, too
    losses = log_of(tmp_path / "run", "loss")
    assert losses[25] < losses[10] - 0.3
    config = json.loads((tmp_path / "run" / "config.json").read_text())
    assert config["dtype"] == "float16"


def test_nothing_held_out_is_nothing_evaluated(tmp_path):
    prepare(tmp_path / "data", holdout=0)
    outcome = Trainer(tiny_recipe(), tmp_path / "data", tmp_path / "run").run()
    assert outcome.finished
    assert log_of(tmp_path / "run", "dev_nats_per_token") == {}
    assert not (tmp_path / "run" / "best").exists()


def test_a_vocabulary_other_than_the_datas_is_refused(data, tmp_path):
    with pytest.raises(TrainingError, match=r"prepared with 281 tokens, recipe tiny has .* 283"):
        Trainer(tiny_recipe(model={"n_vocab": 283}), data, tmp_path / "run")
    assert not (tmp_path / "run").exists()


def test_stories_without_instructions_are_refused_where_those_are_not_scored(data, tmp_path):
    with pytest.raises(TrainingError, match=r"without instructions.*prepare it again with --instr"):
        Trainer(tiny_recipe(data={"loss": "story"}), data, tmp_path / "run")


def test_data_that_were_never_prepared_are_refused(tmp_path):
    with pytest.raises(TrainingError, match="python -m train prepare"):
        Trainer(tiny_recipe(), tmp_path, tmp_path / "run")


@pytest.mark.parametrize("name", ["thesis.txt", "state.json", ".git", "model"])
def test_a_folder_of_somebody_else_is_left_as_it_is(data, tmp_path, name):
    run = tmp_path / "run"
    run.mkdir()
    (run / "log.jsonl").write_text("mine")
    (run / name).write_text("mine")
    with pytest.raises(TrainingError, match=rf"it holds {re.escape(name)}\); choose another --out"):
        Trainer(tiny_recipe(), data, run)
    assert {path.name: path.read_text() for path in run.iterdir()} == {
        "log.jsonl": "mine",
        name: "mine",
    }


def test_what_a_run_killed_before_its_first_save_leaves_is_begun_anew(data, tmp_path):
    run = tmp_path / "run"
    for name in ("best", "snapshots", ".resume.abc.tmp"):
        (run / name).mkdir(parents=True)
    (run / "log.jsonl").write_text('{"step": 10, "tok')
    (run / "loss.png").write_bytes(b"")
    assert Trainer(tiny_recipe(), data, run).step == 0
    assert not (run / "log.jsonl").exists()
