from __future__ import annotations

import json
from pathlib import Path

import pytest
from models import N_CTX, tiny_decoder, tiny_tokenizer
from outcome import Run

from tinyinterp import checkpoint


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


def test_the_defaults_are_fluent_and_can_be_left(run: Run, ckpt: Path):
    words = ["generate", "Once", "--ckpt", ckpt, "--max-tokens", 17]
    shown = run(*words).out
    assert run(*words, "--temperature", 0.7, "--top-p", 0.6).out == shown
    own = run(*words, "--temperature", 1, "--top-p", 1).out
    assert own != shown
    settings = json.loads(run(*words, "--json").out)["settings"]
    assert (settings["temperature"], settings["top_p"], settings["top_k"]) == (0.7, 0.6, None)
    described = " ".join(run("generate", "--help").out.split())
    assert "temperature 0.7, top-p 0.6" in described
    assert "[default: 0.7]" in described
    assert "[default: 0.6]" in described


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


@pytest.fixture(scope="session")
def instructed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A tiny checkpoint that says it was trained on instructions."""
    folder = tmp_path_factory.mktemp("instructed") / "model"
    training = {"data": {"instruct": True}}
    checkpoint.save(folder, tiny_decoder(), tiny_tokenizer(), training)
    return folder


ASKED = (
    "--words",
    "dog, ball",
    "--features",
    "Twist",
    "--summary",
    "A\n dog",
    "--sentence",
    "Yes.",
)


def test_an_instruction_is_the_prompt_and_only_the_story_is_shown(run: Run, instructed: Path):
    settings = ("--ckpt", instructed, "--max-tokens", 11, "--seed", 3)
    content = json.loads(run("generate", *ASKED, *settings, "--json").out)
    (sample,) = content["samples"]
    assert sample["prompt"] == (
        "Words: dog, ball\nFeatures: Twist\nSummary: A dog\nRandom sentence: Yes.\nStory:\n"
    )
    assert run("generate", *ASKED, *settings).out == sample["text"] + "\n"
    same = run("generate", sample["prompt"], *settings)
    assert same.out == sample["prompt"] + sample["text"] + "\n"
    two = run("generate", *ASKED, *settings, "--samples", 2).out
    assert two.startswith(sample["text"] + "\n<|endoftext|>\n")
    single = json.loads(run("generate", "--words", "dog", *settings, "--json").out)
    assert single["samples"][0]["prompt"] == "Words: dog\nStory:\n"


def test_a_model_of_plain_stories_is_asked_nothing(run: Run, tmp_path: Path, ckpt: Path):
    for data in ({"instruct": False}, {"source": "prepared by an earlier version"}):
        checkpoint.save(tmp_path / "plain", tiny_decoder(), tiny_tokenizer(), {"data": data})
        refused = run("generate", "--words", "dog", "--ckpt", tmp_path / "plain")
        refused.refused("plain was trained on plain stories and knows no instructions")
    assert run("generate", "--words", "dog", "--ckpt", ckpt, "--max-tokens", 1).code == 0


def test_an_instruction_and_a_prompt_are_wrong_usage(run: Run, ckpt: Path):
    for words in (("Once", "--words", "dog"), ("--examples", "--summary", "A dog."), ()):
        outcome = run("generate", *words, "--ckpt", ckpt)
        assert outcome.code == 2
        assert "give a prompt, or --examples" in " ".join(outcome.err.split())
