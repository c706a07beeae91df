from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
from models import STORIES, tiny_checkpoint
from outcome import Run


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tiny_checkpoint(tmp_path_factory.mktemp("account") / "model").folder


@pytest.fixture(scope="module")
def text(tmp_path_factory: pytest.TempPathFactory) -> Path:
    random = np.random.default_rng(0)
    words = " ".join(STORIES).split()
    stories = (" ".join(random.choice(words, size=int(n))) for n in random.integers(8, 21, 67))
    path = tmp_path_factory.mktemp("text") / "stories.txt"
    path.write_text("\n<|endoftext|>\n".join(stories), "utf-8")
    return path


def test_the_account_of_a_model(run: Run, folder: Path, text: Path, tmp_path: Path):
    out = tmp_path / "out"
    outcome = run("account", "--ckpt", folder, "--text", text, "--out", out, "--quick")
    assert outcome.code == 0, outcome.err
    assert "What neurons need, by layer:" in outcome.out
    assert all(len(line) <= 100 for line in outcome.out.splitlines())
    for name in ("account", "account_heads", "account_neurons", "account_layers"):
        for suffix in ("csv", "parquet", "json"):
            assert (out / f"{name}.{suffix}").is_file(), name
    assert (out / "account.png").is_file()
    assert (out / "account.svg").is_file()
    page = (out / "account.html").read_text("utf-8")
    assert "<title>Account of model</title>" in page


def test_a_text_that_the_model_was_trained_on_is_noticed(
    run: Run, folder: Path, text: Path, tmp_path: Path
):
    trained = tmp_path / "trained"
    shutil.copytree(folder, trained)
    record = json.dumps({"data": {"source": text.name}})
    (trained / "training.json").write_text(record, "utf-8")
    quick = ("account", "--quick", "--no-pictures", "--out", tmp_path / "out")
    for words in (quick, ("evaluate", "loss")):
        said = run(*words, "--ckpt", trained, "--text", text).err
        assert f"note: trained was trained on a text of this name, {text.name}; " in said
        assert "by heart" not in run(*words, "--ckpt", folder, "--text", text).err


def test_json_has_the_bounds(run: Run, folder: Path, text: Path, tmp_path: Path):
    words = ("account", "--ckpt", folder, "--text", text, "--out", tmp_path / "out", "--quick")
    outcome = run(*words, "--no-pictures", "--json")
    content = json.loads(outcome.out)
    notes = content["notes"]
    assert notes["nats_intact"] > 0
    assert notes["nats_at_means"] > 0
    assert {row["part"] for row in content["rows"]} == {"heads", "neurons", "both", "language"}
    assert not list((tmp_path / "out").glob("account.[psh][nvt]*"))


def test_weights_need_no_text(run: Run, folder: Path, tmp_path: Path):
    outcome = run("account", "--ckpt", folder, "--weights", "--out", tmp_path / "out")
    assert outcome.code == 0, outcome.err
    assert "Families of neurons:" in outcome.out
    assert (tmp_path / "out" / "weights_heads.csv").is_file()


def test_too_little_text_is_one_line(run: Run, folder: Path, tmp_path: Path):
    path = tmp_path / "few.txt"
    path.write_text(STORIES[0], "utf-8")
    outcome = run("account", "--ckpt", folder, "--text", path, "--out", tmp_path / "out")
    assert outcome.code == 1
    assert "give more stories" in outcome.err
