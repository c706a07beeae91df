from __future__ import annotations

import json
import sys
from types import ModuleType

import pytest
import torch
from models import N_VOCAB, tiny_compressor, tiny_decoder

from tinyinterp.errors import TrainingError
from train.training.speed import Speedometer, flops_per_token, matmul_rate
from train.training.tracking import JsonLines, open_trackers, take_back


def test_the_log_is_a_line_a_call_and_can_be_taken_back(tmp_path):
    log = JsonLines(tmp_path / "log.jsonl")
    for step in (10, 20, 30):
        log.log({"step": step, "loss": step / 7})
    with (tmp_path / "log.jsonl").open("a") as file:
        file.write('{"step": 4')  # a crash
    take_back(tmp_path / "log.jsonl", 20)
    lines = (tmp_path / "log.jsonl").read_text().splitlines()
    assert [json.loads(line) for line in lines] == [
        {"step": 10, "loss": 10 / 7},
        {"step": 20, "loss": 20 / 7},
    ]
    take_back(tmp_path / "log.jsonl", 0)
    assert not (tmp_path / "log.jsonl").exists()


@pytest.mark.parametrize(
    ("name", "module"), [("tensorboard", "torch.utils.tensorboard"), ("wandb", "wandb")]
)
def test_a_tracker_that_is_not_installed_is_named(tmp_path, monkeypatch, name, module):
    monkeypatch.setitem(sys.modules, module, None)
    with pytest.raises(TrainingError, match=rf"{name} is not installed; .*tracking"):
        open_trackers(tmp_path, [name], {}, 0)


def test_weights_and_biases_is_told_every_number_and_the_recipe(tmp_path, monkeypatch):
    said: list[object] = []

    class Run:
        def log(self, values: dict[str, float], step: int) -> None:
            said.append((step, values))

        def finish(self) -> None:
            said.append("finished")

    fake = ModuleType("wandb")
    fake.init = lambda **settings: said.append(settings) or Run()
    monkeypatch.setitem(sys.modules, "wandb", fake)
    trackers = open_trackers(tmp_path / "run", ["wandb"], {"name": "tiny"}, 3)
    trackers[1].log({"step": 3, "loss": 2.5})
    trackers[1].close()
    assert said[0]["config"] == {"name": "tiny"}
    assert (said[0]["name"], said[0]["resume"]) == ("run", "allow")
    assert said[1:] == [(3, {"step": 3, "loss": 2.5}), "finished"]


def test_operations_a_token_by_hand():
    matrices = 3 * (4 * 26 * 26 + 2 * 26 * 31) + N_VOCAB * 26
    assert flops_per_token(tiny_decoder("gpt2"), 61) == 6 * matrices + 12 * 3 * 26 * 61
    trunk = 2 * (4 * 26 * 26 + 2 * 26 * 31)
    by_pairs = trunk + 2 * 26 * 26 + 2 * 26 * 31 + 26 * 26  # and the encoder, and what is told
    by_tokens = 2 * 26 * 31 + N_VOCAB * 26
    expected = 6 * (by_pairs / 2 + by_tokens) + 12 * 2 * 26 * 61 / 4
    assert flops_per_token(tiny_compressor(), 61) == expected


def test_the_note_has_loss_speed_and_utilisation():
    speed = Speedometer(tiny_decoder(), torch.float32, 1)
    assert speed.note(1230, 0.5, 2.3456).startswith("loss 2.346, 2,460 tokens/s, ")
    assert speed.note(1230, 0.25, 2.0).startswith("loss 2.000, 2,706 tokens/s, ")
    assert matmul_rate(torch.device("cpu"), torch.float32) > 0
