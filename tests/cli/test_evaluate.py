from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
from models import STORIES
from outcome import Run


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


def test_evaluate_says_what_the_bundled_stories_are(
    run: Run, ckpt: Path, text: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr("tinyinterp.text.corpus.bundled_stories", lambda: text)
    outcome = run("evaluate", "loss", "--ckpt", ckpt, "--json")
    assert json.loads(outcome.out)["text"] == "bundled stories (drawn from the bundled model)"
    assert outcome.err.startswith("note: these stories are the bundled model's own samples")
    assert outcome.err.count("\n") == 1
