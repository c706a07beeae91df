"""The command line on a random GPT-2 with a tokenizer that is not byte-level."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import pytest
from foreign_tokenizers import write_model, write_tokenizer
from models import STORIES
from outcome import Run

from tinyinterp import checkpoint

KINDS = ["metaspace", "wordpiece"]


@pytest.fixture(scope="module")
def folders(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """A random GPT-2 with each kind of tokenizer."""
    root = tmp_path_factory.mktemp("foreign")
    return {kind: write_model(root / kind, kind) for kind in KINDS}


@pytest.fixture
def stories(tmp_path: Path) -> Path:
    """Enough stories for both sides."""
    path = tmp_path / "stories.txt"
    told = [f"{story} {name} ran home." for story in STORIES for name in ("Tim", "Lily", "Tom")]
    path.write_text("\n<|endoftext|>\n".join(told), "utf-8")
    return path


@pytest.mark.parametrize("kind", KINDS)
def test_generate_writes_words(run: Run, folders: dict[str, Path], kind: str):
    words = ["generate", "Tim saw", "--ckpt", folders[kind], "--max-tokens", 23, "--seed", 1]
    streamed = run(*words)
    sample = json.loads(run(*words, "--json").out)["samples"][0]
    assert streamed.code == 0
    assert streamed.out == f"Tim saw{sample['text']}\n"
    assert not {"▁", "##", "Ġ"} & {mark for mark in ("▁", "##", "Ġ") if mark in streamed.out}
    assert " " in sample["text"]


@pytest.mark.parametrize("kind", KINDS)
def test_heads_and_neurons_show_the_words(
    run: Run, folders: dict[str, Path], kind: str, stories: Path, tmp_path: Path
):
    words = ["--ckpt", folders[kind], "--text", stories]
    assert run("heads", *words, "--quick", "--out", tmp_path / "heads").code == 0
    done = run("neurons", *words, "--layer", 0, "--out", tmp_path / "neurons")
    assert done.code == 0, done.err
    table = (tmp_path / "neurons" / "neurons_layer0.csv").read_text("utf-8")
    raised = [row["raises"] for row in csv.DictReader(table.splitlines())]
    assert any("' " in tokens or '" ' in tokens for tokens in raised)
    shown = (tmp_path / "neurons" / "top_activations_layer0.txt").read_text("utf-8")
    assert "▁" not in shown + table
    assert "##" not in shown + table
    context = next(line for line in shown.splitlines() if line.startswith("Context: "))
    assert " " in context.removeprefix("Context: ").strip()


def test_the_start_and_the_tokenizer_are_options(
    run: Run, folders: dict[str, Path], stories: Path, tmp_path: Path
):
    words = ["evaluate", "loss", "--ckpt", folders["metaspace"], "--text", stories, "--json"]
    losses = {
        start: json.loads(run(*words, "--start", start).out)["tokens"]
        for start in ("none", "bos", "eos")
    }
    assert losses["bos"] == losses["eos"] == losses["none"] + 9  # stories
    other = write_tokenizer(tmp_path / "tokenizer", "metaspace")
    named = run(*words, "--tokenizer", other)
    assert json.loads(named.out)["tokens"] == losses["bos"]
    run(*words, "--tokenizer", tmp_path).refused(r"holds no tokenizer.*--tokenizer DIR")
    wrong = run("heads", "--ckpt", folders["wordpiece"], "--start", "first")
    assert wrong.code == 2
    assert "'first'" in wrong.err


def test_what_has_no_token_is_said_once(run: Run, folders: dict[str, Path], tmp_path: Path):
    text = tmp_path / "lost.txt"
    text.write_text("\n<|endoftext|>\n".join(f"{story} 中中" for story in STORIES), "utf-8")
    done = run("neurons", "--ckpt", folders["wordpiece"], "--text", text, "--layer", 0,
               "--out", tmp_path / "out")  # fmt: skip
    assert done.err.count("no token for 6 characters") == 1
    done = run("generate", "Tim 中", "--ckpt", folders["wordpiece"], "--max-tokens", 2)
    assert done.err.count("no token for 1 character;") == 1


def test_llama_and_neox_begin_and_end_their_texts(tmp_path: Path):
    opened = checkpoint.load(write_model(tmp_path / "llama", "llama"))
    assert (opened.tokenizer.start_name, opened.tokenizer.eos) == ("<s>", "</s>")
    opened = checkpoint.load(write_model(tmp_path / "neox", "byte-level"))
    assert (opened.tokenizer.front, opened.tokenizer.end) == ([0], 0)
