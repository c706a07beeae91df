from __future__ import annotations

import json
from pathlib import Path

import pytest
from models import tiny_checkpoint, tiny_compressor_checkpoint
from outcome import Run

from train.data.examples import write_examples

LINES = [
    {"id": "a", "category": "one", "prompt": "Tim liked to", "right": ["run"], "wrong": ["play"]},
    {"id": "b", "category": "two", "prompt": "Lily | saw a", "right": ["ball"], "wrong": ["dog"]},
]


def test_prompts_of_two_models_stand_side_by_side(run: Run, ckpt: Path, tmp_path: Path):
    file, out = tmp_path / "own.jsonl", tmp_path / "out"
    file.write_text("\n".join(map(json.dumps, LINES)))
    other = tiny_compressor_checkpoint(tmp_path / "model").folder
    words = ["evaluate", "prompts", "--ckpt", ckpt, "--ckpt", other, "--prompts", file]
    words += ["--max-tokens", 4]
    outcome = run(*words, "--out", out)
    assert outcome.code == 0
    assert max(map(len, outcome.out.splitlines())) <= 100
    assert len(outcome.out.splitlines()) == 1 + 2 * 3  # two categories and all, for each
    names = {path.name for path in out.iterdir()}
    assert {f"prompts.{suffix}" for suffix in ("csv", "parquet", "json", "md", "png")} <= names
    page = (out / "prompts.md").read_text()
    assert "| prompt | right | model | model (2) |" in page
    assert "Lily \\| saw a" in page
    first = run(*words, "--json")
    content = json.loads(first.out)
    assert len(content["prompts"]) == 4
    assert list(content["notes"]["models"]) == ["model", "model (2)"]
    assert run(*words, "--json") == first


def test_a_prompts_file_that_is_none_is_refused(run: Run, ckpt: Path, text: Path):
    outcome = run("evaluate", "prompts", "--ckpt", ckpt, "--prompts", text)
    outcome.refused("stories.txt, line 1 is not JSON")


def test_instructions_are_checked(run: Run, tmp_path: Path):
    ckpt = tiny_checkpoint(tmp_path / "model", n_ctx=499).folder
    file, out = tmp_path / "examples.txt", tmp_path / "out"
    write_examples(7, 0, file)
    words = ["evaluate", "instruct", "--ckpt", ckpt, "--examples", file, "--max-tokens", 2]
    outcome = run(*words, "--most", 5, "--out", out, "--seed", 3)
    assert outcome.code == 0, outcome.err
    assert "cannot be checked: " in outcome.err
    assert max(map(len, outcome.out.splitlines())) <= 100
    assert {"instruct.csv", "instruct_examples.parquet"} <= {path.name for path in out.iterdir()}
    content = json.loads(run(*words, "--json").out)
    assert [row["measure"] for row in content["instruct"]] == [
        "words", "dialogue", "sentence", "summary_overlap",
    ]  # fmt: skip
    assert content["notes"]["text"] == "examples.txt"


def test_an_interval_that_nothing_is_known_of_is_null_and_unknown(run: Run, tmp_path: Path):
    ckpt = tiny_checkpoint(tmp_path / "model", n_ctx=499).folder
    file = tmp_path / "examples.txt"
    asked = ("Words: dog\nFeatures: Dialogue", "Words: cat")  # one asks for dialogue, alone
    file.write_text("".join(f"{each}\nStory:\n\nThe end.\n<|endoftext|>\n" for each in asked))
    words = ["evaluate", "instruct", "--ckpt", ckpt, "--examples", file, "--max-tokens", 2]
    assert "(unknown)" in run(*words).out
    found = json.loads(run(*words, "--json").out, parse_constant=pytest.fail)
    assert found["instruct"][1]["measure"] == "dialogue"
    assert found["instruct"][1]["low"] is None
    prompts = tmp_path / "own.jsonl"
    prompts.write_text(json.dumps(LINES[0]))
    words = ["evaluate", "prompts", "--ckpt", ckpt, "--prompts", prompts, "--max-tokens", 2]
    assert run(*words).out.rstrip().endswith("unknown")
    json.loads(run(*words, "--json").out, parse_constant=pytest.fail)
