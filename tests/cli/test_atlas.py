from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from models import STORIES, tiny_checkpoint
from outcome import Run

from tinyinterp.io.lock import NAME as LOCK


@pytest.fixture
def heads(run: Run, ckpt: Path, text: Path, tmp_path: Path) -> Path:
    folder = tmp_path / "heads"
    words = ("heads", "--ckpt", ckpt, "--text", text, "--no-pictures", "--out", folder)
    assert run(*words).code == 0
    return folder


def test_an_atlas_of_finished_heads_is_the_atlas_that_measures_them(
    run: Run, ckpt: Path, text: Path, heads: Path, tmp_path: Path
):
    common = ("atlas", "--ckpt", ckpt, "--text", text)
    measured, read = tmp_path / "measured", tmp_path / "read"
    outcome = run(*common, "--out", measured)
    assert outcome.code == 0
    assert "index.html" in outcome.err
    assert run(*common, "--heads", heads, "--out", read).code == 0
    files = [path for path in read.rglob("*") if path.is_file()]
    names = sorted(path.relative_to(read).as_posix() for path in files if path.name != LOCK)
    assert {"index.html", "data/head-2.1.js", "data/neurons-2-0.js"} <= set(names)
    for name in names:
        assert (measured / name).read_bytes() == (read / name).read_bytes(), name


def test_a_quick_atlas_reads_less_and_says_so(run: Run, ckpt: Path, text: Path, tmp_path: Path):
    outcome = run("atlas", "--quick", "--ckpt", ckpt, "--text", text, "--out", tmp_path / "out")
    assert outcome.code == 0
    assert "leave out --quick for the full one" in outcome.err
    index = (tmp_path / "out" / "data" / "index.js").read_text("utf-8")
    assert "A quick atlas: little text, wide intervals" in index
    head = (tmp_path / "out" / "data" / "head-2.1.js").read_text("utf-8")
    assert '"ablation_loss_increase":null' in head  # no causal check


def test_a_census_of_something_else_is_refused(
    run: Run, ckpt: Path, text: Path, heads: Path, tmp_path: Path
):
    other = tmp_path / "other.txt"
    other.write_text(text.read_text("utf-8"), "utf-8")
    words = ("atlas", "--ckpt", ckpt, "--text", other, "--heads", heads, "--neurons", tmp_path)
    run(*words, "--out", tmp_path / "out").refused("census of heads has the text 'stories.txt'")
    stories = text.read_text("utf-8")
    parts = stories.split("\n<|endoftext|>\n")
    text.write_text("\n<|endoftext|>\n".join(parts[::-1]), "utf-8")  # as many tokens, same name
    words = ("atlas", "--ckpt", ckpt, "--text", text, "--heads", heads, "--neurons", tmp_path)
    run(*words, "--out", tmp_path / "out").refused("census of heads has the content of the text")
    text.write_text(stories, "utf-8")
    run(*words, "--tokens", 1, "--out", tmp_path / "out").refused("has the number of tokens")
    table = json.loads((heads / "heads.json").read_text("utf-8"))
    table["rows"].pop()
    (heads / "heads.json").write_text(json.dumps(table), "utf-8")
    words = ("atlas", "--ckpt", ckpt, "--text", text, "--heads", heads, "--neurons", tmp_path)
    run(*words, "--out", tmp_path / "out").refused(
        "has 5 rows, not one for each of the model's 6 heads"
    )
    (heads / "heads.json").write_text("[]", "utf-8")
    run(*words, "--out", tmp_path / "out").refused("is not a table of heads")


def test_an_account_is_shown_and_one_of_another_model_is_refused(
    run: Run, ckpt: Path, text: Path, heads: Path, tmp_path: Path
):
    random = np.random.default_rng(0)
    words = " ".join(STORIES).split()
    long_text = tmp_path / "long.txt"
    stories = (" ".join(random.choice(words, size=11)) for _ in range(47))
    long_text.write_text("\n<|endoftext|>\n".join(stories), "utf-8")
    account = tmp_path / "account"
    taken = run("account", "--ckpt", ckpt, "--text", long_text, "--quick", "--out", account)
    assert taken.code == 0, taken.err
    words = ("atlas", "--ckpt", ckpt, "--text", text, "--heads", heads, "--account", account)
    assert run(*words, "--out", tmp_path / "out").code == 0
    for name in ("index", "head-2.1", "neurons-2-0"):
        assert '"account":' in (tmp_path / "out" / "data" / f"{name}.js").read_text("utf-8")
    other = tiny_checkpoint(tmp_path / "other", seed=1).folder
    words = ("atlas", "--ckpt", other, "--text", text, "--account", account)
    run(*words, "--out", tmp_path / "none").refused("is of the model '.*', not of '.*'; make one")
    words = ("atlas", "--ckpt", ckpt, "--text", text, "--account", tmp_path)
    run(*words, "--out", tmp_path / "none").refused("is not a table of an account; make one with")
