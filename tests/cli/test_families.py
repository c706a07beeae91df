"""Random models of every family, of odd sizes, as ``transformers`` writes them."""

from __future__ import annotations

import csv
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
import transformers
from models import N_VOCAB, STORIES, tiny_tokenizer
from outcome import Run

N_STORIES = 60
MODELS: dict[str, dict[str, Any]] = {
    "gpt2": {"n_embd": 21, "n_layer": 2, "n_head": 3, "n_inner": 13, "n_positions": 37},
    "gpt_neo": {
        "hidden_size": 21,
        "num_layers": 2,
        "num_heads": 3,
        "intermediate_size": 13,
        "max_position_embeddings": 37,
        "window_size": 5,
        "attention_types": [[["global", "local"], 1]],
    },
    "gpt_neox": {
        "hidden_size": 21,
        "num_hidden_layers": 2,
        "num_attention_heads": 3,
        "intermediate_size": 13,
        "max_position_embeddings": 37,
    },
    "llama": {
        "hidden_size": 21,
        "num_hidden_layers": 2,
        "num_attention_heads": 3,
        "num_key_value_heads": 1,
        "head_dim": 6,
        "intermediate_size": 13,
        "max_position_embeddings": 37,
    },
}


@pytest.fixture(scope="module", params=MODELS)
def foreign(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("foreign") / request.param
    config = transformers.AutoConfig.for_model(
        request.param, vocab_size=N_VOCAB, bos_token_id=0, eos_token_id=0, **MODELS[request.param]
    )
    torch.manual_seed(3)
    transformers.AutoModelForCausalLM.from_config(config).save_pretrained(folder)
    tiny_tokenizer().save(folder)
    return folder


@pytest.fixture(scope="module")
def stories(tmp_path_factory: pytest.TempPathFactory) -> Path:
    random, words = np.random.default_rng(0), np.array(" ".join(STORIES).split())
    texts = [" ".join(random.choice(words, size=7 - n % 3)) for n in range(N_STORIES)]
    path = tmp_path_factory.mktemp("text") / "short.txt"
    path.write_text("\n<|endoftext|>\n".join(texts), "utf-8")
    return path


def read(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def test_heads_and_neurons_are_measured(run: Run, foreign: Path, stories: Path, tmp_path: Path):
    words = ("--ckpt", foreign, "--text", stories, "--out", tmp_path)
    heads = run("heads", "--quick", "--no-pictures", *words)
    assert heads.code == 0, heads.err
    rows = read(tmp_path / "heads.csv")
    assert [(row["layer"], row["head"]) for row in rows] == [(a, b) for a in "01" for b in "012"]
    assert {row["attention"] for row in rows} <= {"global", "local"}
    neurons = run("neurons", "--layer", 0, *words)
    assert neurons.code == 0, neurons.err
    assert len(read(tmp_path / "neurons_layer0.csv")) == 13
    assert len(read(tmp_path / "heads.csv")) == 6


def test_a_text_is_written_and_the_shape_is_told(run: Run, foreign: Path):
    words = ("generate", "Once upon", "--ckpt", foreign, "--temperature", 0, "--json")
    written = run(*words)
    assert written.code == 0, written.err
    model = transformers.AutoModelForCausalLM.from_pretrained(foreign)
    ours = tiny_tokenizer()
    read = [ours.end_of_text, *ours.encode("Once upon").ids]
    prompt = len(read)
    while len(read) < 37 and (len(read) == prompt or read[-1] != ours.end_of_text):
        read.append(int(model(torch.tensor([read])).logits[0, -1].argmax()))
    expected = [token for token in read[prompt:] if token != ours.end_of_text]
    (sample,) = json.loads(written.out)["samples"]
    assert sample["text"] == ours.decode(expected)
    info = run("info", "--ckpt", foreign)
    assert info.code == 0, info.err
    assert foreign.name in info.out
