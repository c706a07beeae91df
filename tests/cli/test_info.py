from __future__ import annotations

import json
import re
from dataclasses import replace
from pathlib import Path

import pytest
from models import tiny_checkpoint, tiny_compressor_checkpoint
from outcome import Run

from tinyinterp import checkpoint


def test_info_of_a_preset_is_the_published_table(run: Run):
    parts = json.loads(run("info", "--preset", "gptneo-41m", "--json").out)
    assert parts["parameters"] == {
        "embeddings": 6_537_984,
        "blocks": 28_342_272,
        "output": 6_146_304,
        "total": 41_026_560,
    }
    assert parts["percent"] == {"embeddings": 15.9, "blocks": 69.1, "output": 15.0, "total": 100.0}
    lines = run("info", "--preset", "gptneo-41m").out.splitlines()
    assert "embeddings   6,537,984   15.9 %" in lines
    assert "total       41,026,560  100.0 %" in lines


def test_info_of_a_preset_that_does_not_exist_names_those_that_do(run: Run):
    run("info", "--preset", "gptneo-1t").refused("no preset 'gptneo-1t'; use one of .*gptneo-41m")


def test_info_says_what_a_checkpoint_is(run: Run, ckpt: Path):
    opened = checkpoint.load(ckpt)
    content = json.loads(run("info", "--ckpt", ckpt, "--no-certificate", "--json").out)
    assert content["model"] == "model"
    assert content["fingerprint"] == opened.fingerprint
    assert content["training"] == {"step": 3}
    assert content["certificate"] is None
    assert content["config"]["attention"] == ["global", "local", "global"]
    assert content["parameters"]["total"] == sum(p.numel() for p in opened.decoder.parameters())
    shown = run("info", "--ckpt", ckpt, "--no-certificate").out
    assert f"fingerprint {opened.fingerprint}" in shown
    assert "global, local, global" in shown
    assert re.search(r"^step +3$", shown, re.MULTILINE)
    assert "conversion" not in shown


def test_info_shows_the_certificate_of_the_conversion(run: Run, ckpt: Path):
    certificate = json.loads(run("info", "--ckpt", ckpt, "--json").out)["certificate"]
    assert certificate["passed"] is True
    assert certificate["fp64"]["logits"] < 1e-9
    assert "conversion passed on" in run("info", "--ckpt", ckpt).out


@pytest.mark.parametrize("training", [{}, {"recipe": "mine", "data": [1], "step": None}])
def test_info_takes_whatever_training_json_says(
    run: Run, tmp_path: Path, training: dict[str, object]
):
    folder = tiny_checkpoint(tmp_path / "model").folder
    (folder / "training.json").write_text(json.dumps(training))
    assert run("info", "--ckpt", folder, "--no-certificate").code == 0


def test_info_compares_with_transformers_where_asked(run: Run, ckpt: Path, tmp_path: Path):
    found = json.loads(run("info", "--ckpt", ckpt, "--no-certificate", "--check", "--json").out)[
        "check"
    ]
    assert found["passed"] is True
    assert found["logits"] < 1e-4
    shown = run("info", "--ckpt", ckpt, "--no-certificate", "--check").out
    assert "check passed" in shown
    assert "transformers in fp32: logits" in shown
    assert (
        json.loads(run("info", "--ckpt", ckpt, "--no-certificate", "--json").out)["check"] is None
    )
    folder = tiny_compressor_checkpoint(tmp_path / "compressor").folder
    run("info", "--ckpt", folder, "--check").refused("is a compressor.*leave out --check")


def test_info_refuses_a_model_that_is_read_wrong(run: Run, tmp_path: Path, monkeypatch):
    folder = tiny_checkpoint(tmp_path / "model").folder
    opened = tiny_checkpoint(tmp_path / "other", seed=1)
    monkeypatch.setattr(checkpoint, "load_any", lambda *_, **__: replace(opened, folder=folder))
    run("info", "--ckpt", folder, "--check").refused("logits .*NOT all below 1e-04")
