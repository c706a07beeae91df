from __future__ import annotations

import json
import re
from pathlib import Path

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
