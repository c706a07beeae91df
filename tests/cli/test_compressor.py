"""What the commands do with a compressor's folder."""

from __future__ import annotations

import json
import math
import re
from pathlib import Path

import pytest
import torch
from models import STORIES, tiny_compressor, tiny_compressor_checkpoint, tiny_tokenizer
from outcome import Run


@pytest.fixture(scope="module")
def compressor(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tiny_compressor_checkpoint(tmp_path_factory.mktemp("tiny") / "compressor").folder


def test_evaluate_measures_it(run: Run, compressor: Path, text: Path):
    outcome = run("evaluate", "loss", "--ckpt", compressor, "--text", text, "--json")
    assert outcome.code == 0
    nats, tokenizer = 0.0, tiny_tokenizer()
    for story in STORIES:
        tokens = torch.tensor([[tokenizer.end_of_text, *tokenizer.encode(story).ids]])
        logits = tiny_compressor()(tokens[:, :-1])
        log_probability = logits.log_softmax(-1).gather(2, tokens[:, 1:, None])
        nats -= log_probability.sum().item()
    n_bytes = sum(len(story.encode()) for story in STORIES)
    figures = json.loads(outcome.out)
    assert figures["bits_per_byte"] == pytest.approx(nats / math.log(2) / n_bytes, rel=1e-5)


def test_generate_goes_on_with_the_prompt(run: Run, compressor: Path):
    words = ["generate", "Once upon a", "--ckpt", compressor, "--max-tokens", 9]
    first = run(*words, "--seed", 3)
    assert first.code == 0
    assert first.out.startswith("Once upon a")
    assert len(first.out) > len("Once upon a\n")
    assert run(*words, "--seed", 3) == first
    assert run(*words, "--seed", 4) != first
    assert run(*words, "--greedy").out == run(*words, "--top-k", 1).out


def test_info_shows_its_parameters_and_no_certificate(run: Run, compressor: Path):
    content = json.loads(run("info", "--ckpt", compressor, "--json").out)
    parts = content["parameters"]
    assert list(parts) == ["embeddings", "encoder", "blocks", "decoder", "output", "total"]
    assert parts["total"] == sum(p.numel() for p in tiny_compressor().parameters())
    assert content["certificate"] is None
    assert content["training"] == {"step": 5}
    shown = run("info", "--ckpt", compressor).out
    assert "compressor: no hooked form" in shown
    assert "97 tokens, read as 49 pairs" in shown
    assert re.search(r"^step +5$", shown, re.MULTILINE)


@pytest.mark.parametrize("command", [["heads"], ["neurons", "--layer", "1"]])
def test_what_needs_a_decoder_refuses_it(
    run: Run, compressor: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, command: list[str]
):
    monkeypatch.chdir(tmp_path)
    run(*command, "--ckpt", compressor).refused("holds a compressor; this command needs a decoder")
    assert list(tmp_path.iterdir()) == []
