from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
from models import STORIES, tiny_checkpoint, tiny_compressor_checkpoint
from outcome import Run


@pytest.fixture
def stories(tmp_path: Path) -> Path:
    random = np.random.default_rng(0)
    words = " ".join(STORIES).split()
    texts = [" ".join(random.choice(words, size=int(n))) for n in random.integers(8, 21, 67)]
    path = tmp_path / "many.txt"
    path.write_text("\n<|endoftext|>\n".join(texts), "utf-8")
    return path


def test_checkpoints_stand_side_by_side(run: Run, ckpt: Path, stories: Path, tmp_path: Path):
    copy = tmp_path / "a <b>copy"
    shutil.copytree(ckpt, copy)
    other = tiny_checkpoint(tmp_path / "other", seed=1).folder
    words = ("compare", ckpt, copy, other, "--text", stories, "--tokens", 900)
    outcome = run(*words, "--only", "loss,neurons", "--out", tmp_path / "out")
    assert outcome.code == 0, outcome.err
    assert max(map(len, outcome.out.splitlines())) <= 100
    names = {path.name for path in (tmp_path / "out").iterdir()}
    assert {"compare.csv", "compare_neurons.csv", "compare.png", "compare.html"} <= names
    assert "<b>" not in (tmp_path / "out" / "compare.html").read_text("utf-8")
    again = run(*words, "--only", "loss,neurons", "--out", tmp_path / "again")
    assert again.out == outcome.out
    for name in ("compare.json", "compare.png", "compare.svg", "compare.html"):
        first = (tmp_path / "out" / name).read_bytes()
        assert first == (tmp_path / "again" / name).read_bytes(), name
    rows = json.loads((tmp_path / "out" / "compare.json").read_text())["rows"]
    assert [row["model"] for row in rows] == ["model", "a <b>copy", "other"]
    ends = ("", "_low", "_high")
    assert [rows[1][f"bits_above_first{end}"] for end in ends] == [0, 0, 0]
    assert rows[2]["bits_above_first_low"] <= rows[2]["bits_above_first"] != 0
    loss = json.loads(run("evaluate", "loss", "--ckpt", other, "--text", stories, "--json").out)
    for name in ("bits_per_byte", "nats_per_token", "tokens", "bytes", "stories"):
        assert rows[2][name] == pytest.approx(loss[name], rel=1e-5), name
    words = ("neurons", "--layer", "all", "--no-nulls", "--ckpt", other, "--text", stories)
    census = run(*words, "--tokens", 900, "--json", "--out", tmp_path / "neurons")
    kinds = [row["kind"] for row in json.loads(census.out)["rows"]]
    assert rows[2]["neurons"] == len(kinds)
    for kind in set(kinds):
        assert rows[2][f"neurons_{kind.replace('-', '_')}"] == kinds.count(kind)


def test_a_compressor_has_a_loss_and_no_heads(run: Run, ckpt: Path, stories: Path, tmp_path: Path):
    other = tiny_compressor_checkpoint(tmp_path / "small").folder
    words = ("compare", ckpt, other, "--text", stories, "--only", "loss,neurons", "--tokens", 900)
    outcome = run(*words, "--out", tmp_path / "out", "--json")
    assert "small is a compressor: its heads and neurons are not measured" in outcome.err
    first, second = json.loads(outcome.out)["rows"]
    assert first["neurons"] > 0
    assert second["neurons"] is None
    assert second["bits_per_byte"] > 0


def test_nats_are_not_compared_between_tokenizers(run: Run, ckpt: Path, text: Path, tmp_path: Path):
    words = ("compare", ckpt, "bundled", "--text", text, "--only", "loss", "--no-pictures")
    outcome = run(*words, "--out", tmp_path / "out", "--json")
    assert "the tokenizers differ: compare bits per byte" in outcome.err
    first, second = json.loads(outcome.out)["rows"]
    assert first["nats_above_first"] == 0
    assert second["nats_above_first"] is None
    assert second["bits_above_first"] < 0
    assert second["model"] == "bundled"


def test_what_is_no_comparison_is_refused(run: Run, ckpt: Path, tmp_path: Path):
    out = ("--out", tmp_path / "out")
    for words, message in (
        (("compare", ckpt, *out), "give two checkpoints or more"),
        (("compare", ckpt, f"{ckpt}/", *out), "is given twice"),
        (("compare", ckpt, ckpt / ".." / ckpt.name, *out), "is given twice"),
        (("compare", ckpt, "bundled", "--only", "hats", *out), "no part 'hats'"),
    ):
        outcome = run(*words)
        assert outcome.code == 2
        assert message in " ".join(outcome.err.split())
    for absent in (tmp_path / "absent", "~nobody of this name/x", "./no file name\udc00"):
        run("compare", ckpt, absent, *out).refused("there is no folder")
    assert not (tmp_path / "out").exists()
