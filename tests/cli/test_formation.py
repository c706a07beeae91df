from __future__ import annotations

import csv
import json
import re
import shutil
from pathlib import Path
from types import SimpleNamespace

import huggingface_hub
import numpy as np
import pytest
from models import tiny_checkpoint
from outcome import Run
from planted.patterns import random_words

STEPS = (1, 2, 3)


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What a run leaves: its checkpoint, of step 3, and other weights before."""
    run = tiny_checkpoint(tmp_path_factory.mktemp("run") / "mine").folder
    for step in STEPS[:2]:
        tiny_checkpoint(run / "snapshots" / f"step-{step}", seed=step)
    return run


@pytest.fixture(scope="module")
def stories(tmp_path_factory: pytest.TempPathFactory) -> Path:
    random, known = np.random.default_rng(0), np.array(random_words(40))
    texts = [" ".join(random.choice(known, size=7 - n % 3)) for n in range(48)]
    path = tmp_path_factory.mktemp("text") / "short.txt"
    path.write_text("\n<|endoftext|>\n".join(texts), "utf-8")
    return path


def test_formation_is_written_and_summed_up(run: Run, trained: Path, stories: Path, tmp_path: Path):
    words = ["heads", "--ckpt", trained, "--over-training", "--text", stories]
    out = tmp_path / "out"
    shown = run(*words, "--out", out, "--format", "pdf")
    assert shown.code == 0, shown.err
    tables = {f"formation.{suffix}" for suffix in ("csv", "json", "parquet")}
    pictures = {f"formation.{suffix}" for suffix in ("png", "svg", "pdf")}
    assert {path.name for path in out.iterdir()} == tables | pictures | {"tinyinterp.json"}
    with (out / "formation.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert [int(row["step"]) for row in rows] == [step for step in STEPS for _ in range(3 * 2)]
    last = [row for row in rows if row["step"] == "3"]
    head, *counted = shown.out.split("\n\n")[0].splitlines()
    for line, step in zip(counted, STEPS, strict=True):
        counts = dict(zip(head.split(), line.split(), strict=True))
        assert counts.pop("step") == str(step)
        here = [row["kind"] for row in rows if row["step"] == str(step)]
        assert {kind: int(n) for kind, n in counts.items()} == {k: here.count(k) for k in counts}
    named = re.findall(r"(\d\.\d) at (\d)", shown.out)
    decided = [f"{row['layer']}.{row['head']}" for row in last if row["kind"] != "undetermined"]
    assert sorted(name for name, _ in named) == decided
    undecided = len(last) - len(decided)
    assert (f"undetermined at the end: {undecided}" in shown.out) == (undecided > 0)

    before = (out / "formation.csv").read_bytes()
    again = run(*words, "--out", out, "--no-pictures", "--json")
    assert json.loads(again.out)["notes"]["steps"] == list(STEPS)
    assert (out / "formation.csv").read_bytes() == before
    assert {path.name for path in out.iterdir()} == tables | {"tinyinterp.json"}


def test_what_has_no_snapshots_is_refused(run: Run, ckpt: Path, tmp_path: Path):
    words = ["heads", "--over-training", "--out", tmp_path / "out"]
    run(*words).refused("the bundled model has no snapshots of its training")
    run(*words, "--ckpt", "./gpt2").refused("'./gpt2' is not a folder with snapshots")
    run(*words, "--ckpt", ckpt).refused("model has no snapshots of its training")
    assert not (tmp_path / "out").exists()


class FakeHub:
    """A hub that has a run under one name, its snapshots as revisions such as ``step2``."""

    def __init__(self, trained: Path, branches: list[str]) -> None:
        self.trained, self.branches = trained, branches

    def list_repo_refs(self, name: str) -> SimpleNamespace:
        assert name == "somebody/small"
        return SimpleNamespace(branches=[SimpleNamespace(name=each) for each in self.branches])

    def snapshot_download(self, name: str, *, revision: str | None, **_: object) -> str:
        assert name == "somebody/small"
        if revision is None:
            return str(self.trained)
        return str(self.trained / "snapshots" / revision.replace("step", "step-"))


def test_revisions_on_the_hub_are_followed(
    run: Run, trained: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.chdir(tmp_path)
    words = ["heads", "--over-training", "--ckpt", "somebody/small", "--tokens", 100]
    words += ["--no-pictures", "--json", "--out", tmp_path / "out"]
    fake = FakeHub(trained, ["main", "step2", "step1", "step10-old"])
    monkeypatch.setattr(huggingface_hub, "HfApi", lambda: fake)
    monkeypatch.setattr(huggingface_hub, "snapshot_download", fake.snapshot_download)
    shown = run(*words)
    assert shown.code == 0, shown.err
    assert json.loads(shown.out)["notes"]["steps"] == [1, 2]
    fake.branches = ["main"]
    run(*words).refused("somebody/small has no snapshots of its training on the hub")


def test_a_snapshot_that_is_not_whole_is_refused(run: Run, trained: Path, tmp_path: Path):
    copied = shutil.copytree(trained, tmp_path / "run")
    (copied / "snapshots" / "step-2" / "model.safetensors").unlink()
    words = ["heads", "--over-training", "--ckpt", copied, "--tokens", 100]
    run(*words, "--out", tmp_path / "out").refused("step-2 holds no model.safetensors")


@pytest.mark.parametrize("words", [["--quick"], ["--explain", "0.1"], ["--rule", "report"]])
def test_options_that_say_nothing_of_snapshots_are_wrong_usage(
    run: Run, trained: Path, words: list[str]
):
    outcome = run("heads", "--over-training", "--ckpt", trained, *words)
    assert outcome.code == 2
    assert f"--over-training / {words[0]}" in outcome.err
