from __future__ import annotations

import json
import re
from dataclasses import replace
from pathlib import Path

import pytest
from models import STORIES, tiny_decoder, tiny_tokenizer
from outcome import Run

from tinyinterp import checkpoint


def test_evaluate_loss_has_the_keys_of_the_contract(run: Run, ckpt: Path, text: Path):
    outcome = run("evaluate", "loss", "--ckpt", ckpt, "--text", text, "--json")
    figures = json.loads(outcome.out)
    assert outcome.err == ""
    assert {"nats_per_token", "bits_per_byte", "perplexity", "tokens", "bytes"} < figures.keys()
    assert figures["bytes"] == sum(len(story.encode()) for story in STORIES)
    assert figures["stories"] == len(STORIES)
    assert figures["text"] == "stories.txt"
    shown = run("evaluate", "loss", "--ckpt", ckpt, "--text", text).out
    assert re.search(rf"^bits per byte +{figures['bits_per_byte']:.4f}$", shown, re.MULTILINE)


def test_blank_lines_are_folded_unless_they_are_to_be_kept(run: Run, tmp_path: Path):
    folder, text = tmp_path / "model", tmp_path / "spaced.txt"
    checkpoint.save(folder, tiny_decoder(), tiny_tokenizer(), {"data": {"blank_lines": False}})
    text.write_text("\n<|endoftext|>\n".join(story.replace(". ", ".\n\n") for story in STORIES))
    words = ["evaluate", "loss", "--ckpt", folder, "--text", text, "--json"]
    folded, kept = run(*words), run(*words, "--keep-blank-lines")
    assert folded.err.startswith("note: spaced.txt: blank lines are read as single line breaks")
    assert folded.err.count("\n") == 1
    assert kept.err == ""
    figures = [json.loads(outcome.out) for outcome in (folded, kept)]
    assert [each["blank_lines"] for each in figures] == ["folded", "kept"]
    n_blank = sum(story.count(". ") for story in STORIES)
    assert figures[0]["bytes"] + n_blank == figures[1]["bytes"]
    text.write_text(text.read_text().replace("\n\n", "\n"))
    assert run(*words) == replace(folded, err="")


def test_evaluate_says_what_the_bundled_stories_are(
    run: Run, ckpt: Path, text: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr("tinyinterp.text.source.bundled_stories", lambda: text)
    outcome = run("evaluate", "loss", "--ckpt", ckpt, "--json")
    assert json.loads(outcome.out)["text"] == "bundled stories (drawn from the bundled model)"
    assert outcome.err.startswith("note: these stories are the bundled model's own samples")
    assert outcome.err.count("\n") == 1


@pytest.mark.parametrize("by", ["position", "tag"])
def test_evaluate_loss_is_divided_on_request(run: Run, ckpt: Path, text: Path, by: str):
    words = ["evaluate", "loss", "--ckpt", ckpt, "--text", text, "--by", by]
    figures = json.loads(run(*words, "--json").out)
    rows = figures[f"loss_by_{by}"]
    assert sum(row["tokens"] for row in rows) == figures["tokens"]
    shown = run(*words).out
    for row in rows:
        line = rf"^{re.escape(row[by])} +{row['tokens']:,} +{row['share']:.1%} "
        assert re.search(line, shown, re.MULTILINE)
    assert max(map(len, shown.splitlines())) <= 100
