from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
from models import STORIES, tiny_checkpoint
from outcome import Run

PARTS = ("--only", "loss,prompts,heads,neurons", "--tokens", 900)


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
    words = ("compare", ckpt, copy, other, "--text", stories, *PARTS)
    outcome = run(*words, "--out", tmp_path / "out")
    assert outcome.code == 0, outcome.err
    assert max(map(len, outcome.out.splitlines())) <= 100
    names = {path.name for path in (tmp_path / "out").iterdir()}
    assert {"compare.csv", "compare_prompts.csv", "compare.png", "compare.html"} <= names
    assert "<b>" not in (tmp_path / "out" / "compare.html").read_text("utf-8")
    again = run(*words, "--out", tmp_path / "again")
    assert again.out == outcome.out
    for name in ("compare.json", "compare.png", "compare.svg", "compare.html"):
        first = (tmp_path / "out" / name).read_bytes()
        assert first == (tmp_path / "again" / name).read_bytes(), name
    rows = json.loads((tmp_path / "out" / "compare.json").read_text())["rows"]
    assert [row["model"] for row in rows] == ["model", "a <b>copy", "other"]
    ends = ("", "_low", "_high")
    assert [rows[1][f"bits_above_first{end}"] for end in ends] == [0, 0, 0]
    assert rows[2]["bits_above_first"] != 0
    loss = json.loads(run("evaluate", "loss", "--ckpt", other, "--text", stories, "--json").out)
    for name in ("bits_per_byte", "nats_per_token", "tokens", "bytes", "stories"):
        assert rows[2][name] == pytest.approx(loss[name], rel=1e-5), name
    census = run("heads", "--ckpt", other, "--text", stories, "--quick", "--tokens", 900,
                 "--no-pictures", "--json", "--out", tmp_path / "heads")  # fmt: skip
    kinds = [row["kind"] for row in json.loads(census.out)["rows"]]
    for kind in ("positional", "semantic", "diffuse", "undetermined"):
        assert rows[2][f"heads_{kind}"] == kinds.count(kind)


def test_what_is_no_comparison_is_refused(run: Run, ckpt: Path, tmp_path: Path):
    out = ("--out", tmp_path / "out")
    for words, message in (
        (("compare", ckpt, *out), "give two checkpoints or more"),
        (("compare", ckpt, f"{ckpt}/", *out), "is given twice"),
        (("compare", ckpt, "bundled", "--only", "hats", *out), "no part 'hats'"),
    ):
        outcome = run(*words)
        assert outcome.code == 2
        assert message in " ".join(outcome.err.split())
    run("compare", ckpt, tmp_path / "absent", *out).refused("there is no folder")
    assert not (tmp_path / "out").exists()
