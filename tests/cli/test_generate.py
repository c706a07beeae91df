from __future__ import annotations

import json
from pathlib import Path

from models import N_CTX
from outcome import Run


def test_generate_goes_on_with_the_prompt(run: Run, ckpt: Path):
    first = run("generate", "Once upon a", "--ckpt", ckpt, "--seed", 3)
    assert first.code == 0
    assert first.err == ""
    assert first.out.startswith("Once upon a")
    assert len(first.out) > len("Once upon a\n")
    assert run("generate", "Once upon a", "--ckpt", ckpt, "--seed", 3) == first
    assert run("generate", "Once upon a", "--ckpt", ckpt, "--seed", 4) != first


def test_greedy_is_temperature_0_and_top_k_1(run: Run, ckpt: Path):
    words = ["generate", "Once", "--ckpt", ckpt, "--max-tokens", 11]
    greedy = run(*words, "--greedy").out
    assert run(*words, "--temperature", 0).out == greedy
    assert run(*words, "--top-k", 1).out == greedy
    assert run(*words, "--top-p", 1e-6).out == greedy


def test_samples_are_separated_as_stories_are(run: Run, ckpt: Path):
    words = ["generate", "Once", "--ckpt", ckpt, "--max-tokens", 7, "--samples", 3]
    content = json.loads(run(*words, "--json").out)
    assert content["settings"]["max_tokens"] == 7
    expected = [sample["prompt"] + sample["text"] for sample in content["samples"]]
    assert len(set(expected)) == 3
    assert run(*words).out == "\n<|endoftext|>\n".join(expected) + "\n"
    assert run("generate", "Once", "--ckpt", ckpt, "--max-tokens", 7).out == expected[0] + "\n"


def test_the_examples_are_those_of_the_published_model(run: Run, ckpt: Path):
    content = json.loads(
        run("generate", "--examples", "--ckpt", ckpt, "--max-tokens", 1, "--json").out
    )
    assert [sample["prompt"] for sample in content["samples"]] == [
        "Once upon a time in a land far, far away, there lived a",
        "There was once a beautiful princess",
        "There once was a boy who lived in a small house.",
    ]


def test_generate_refuses_what_it_cannot_do(run: Run, ckpt: Path):
    long = "dog " * N_CTX
    run("generate", long, "--ckpt", ckpt).refused(f"the context holds {N_CTX}")
    run("generate", "Once", "--ckpt", ckpt, "--temperature", -1).refused("temperature is -1")
    run("generate", "Once", "--ckpt", ckpt, "--top-k", 0).refused("top_k is 0")
    run("generate", "Once", "--ckpt", ckpt, "--top-p", 2).refused("top_p is 2")
