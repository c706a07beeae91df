from __future__ import annotations

import json
from collections import Counter
from pathlib import Path

import pytest
import torch
from models import tiny_checkpoint, tiny_compressor_checkpoint

from tinyinterp.errors import ConfigError, CorpusError
from tinyinterp.evaluation.prompt_sets import Prompt, read_prompts
from tinyinterp.evaluation.prompts import answer_prompts, first_sentence, side_by_side
from tinyinterp.evaluation.scoring import continuation_nats
from tinyinterp.model import CompressorModel, Model, load_any
from tinyinterp.network.sampling import Sampling
from tinyinterp.tagging.words import split_words

SHORT = Sampling(max_tokens=3)
SOME = [
    Prompt("a", "context", "Tim liked to", ("run",), ("play", "say")),
    Prompt("b", "context", "Lily saw a", ("big red ball", "park"), ("dog",)),
    Prompt("c", "factual", "The sun was", ("warm",), ("old",)),
]
GOOD = {"id": "a", "category": "c", "prompt": "One", "right": ["two"], "wrong": ["three"]}


@pytest.fixture(scope="module", params=["decoder", "compressor"])
def model(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory):
    folder: Path = tmp_path_factory.mktemp("tiny") / "model"
    (tiny_checkpoint if request.param == "decoder" else tiny_compressor_checkpoint)(folder)
    return load_any(folder)


def said(text: str, word: str) -> int:
    return [text[a:b].lower() for a, b in split_words(text)].count(word.lower())


def test_a_model_that_ignores_the_prompt_answers_half_of_ours():
    right, groups = Counter[tuple[frozenset[str], str]](), Counter[frozenset[str]]()
    for prompt in read_prompts():
        assert len(prompt.right) == len(prompt.wrong) == 1
        groups[frozenset(prompt.candidates)] += 1
        right[frozenset(prompt.candidates), prompt.right[0]] += 1
    for group, number in groups.items():
        assert {right[group, candidate] for candidate in group} == {number / 2}


def test_our_prompts_say_right_and_wrong_equally_often():
    prompts = read_prompts()
    assert min(Counter(prompt.category for prompt in prompts).values()) >= 20
    first = Counter[bool]()
    for prompt in prompts:
        right, wrong = prompt.candidates
        assert said(prompt.prompt, right) == said(prompt.prompt, wrong)
        if said(prompt.prompt, right):
            first[
                prompt.prompt.lower().find(right.lower())
                < prompt.prompt.lower().find(wrong.lower())
            ] += 1
    assert first[True] == first[False]  # so neither the first nor the last that is named wins


def test_a_continuation_is_scored_as_a_whole(model: Model | CompressorModel):
    tokenizer = model.tokenizer
    pairs = [("Lily saw a", " big red ball"), ("The sun", " was"), ("One", " day, Lily")]
    expected = []
    for prompt, after in pairs:
        given = len(tokenizer.encode_prompt(prompt))
        tokens = torch.tensor([tokenizer.encode_prompt(prompt + after)])
        log_p = model.network(tokens)[0, :-1].log_softmax(-1)
        expected.append(
            -sum(log_p[i - 1, tokens[0, i]].item() for i in range(given, tokens.shape[1]))
        )
    assert continuation_nats(model, pairs) == pytest.approx(expected, rel=1e-5)
    with pytest.raises(ConfigError, match="the context holds 97"):
        continuation_nats(model, [("One day " * 97, " a")])


def test_rank_share_and_accuracy_follow_from_the_scores(model: Model | CompressorModel):
    found = answer_prompts(model, SOME, SHORT)
    for prompt in SOME:
        pairs = [(prompt.prompt, f" {candidate}") for candidate in prompt.candidates]
        p = torch.tensor(continuation_nats(model, pairs)).neg().exp()
        n_right = len(prompt.right)
        row = found.prompts.row(id=prompt.id)
        assert row["p_right"] == pytest.approx(float(p[:n_right].sum() / p.sum()), rel=1e-4)
        assert row["rank"] == 1 + int((p[n_right:] > p[:n_right].max()).sum())
        assert row["answered"] == bool(p[:n_right].max() > p[n_right:].max())
    assert found.accuracy["category"] == ["context", "factual", "all"]
    whole = found.accuracy.row(category="all")
    assert whole["accuracy"] == pytest.approx(sum(found.prompts["answered"]) / 3, rel=1e-5)
    assert whole["low"] <= whole["accuracy"] <= whole["high"]
    assert whole["chance"] == pytest.approx((1 / 3 + 2 / 3 + 1 / 2) / 3, rel=1e-5)
    both = side_by_side([found, answer_prompts(model, SOME, SHORT, name="other")])
    assert list(dict.fromkeys(both.prompts["model"])) == [model.name, "other"]
    assert list(both.prompts)[:3] == list(found.prompts)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"right": None}, "has no field 'right'"),
        ({"answer": "two"}, "has a field 'answer'"),
        ({"id": 3}, ": id is 3; expected a string"),
        ({"wrong": "three"}, ": wrong is 'three'; expected a list"),
        ({"wrong": []}, ": 'wrong' is empty"),
        ({"prompt": "One "}, ": 'prompt' holds 'One '; expected text without white space"),
        ({"right": ["three"]}, ": a continuation is given twice"),
    ],
)
def test_a_bad_field_is_named_with_its_line(tmp_path: Path, change: dict, message: str):
    bad = {key: value for key, value in (GOOD | change).items() if value is not None}
    path = tmp_path / "prompts.jsonl"
    path.write_text(
        f"{json.dumps(GOOD)}\n\n{json.dumps(bad | {'id': bad['id'] if 'id' in change else 'b'})}\n"
    )
    with pytest.raises(CorpusError, match=f"prompts.jsonl, line 3 ?{message}"):
        read_prompts(path)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("", "holds no prompts"),
        ("[1]", "expected an object"),
        ("{", "not JSON"),
        (f"{json.dumps(GOOD)}\n{json.dumps(GOOD)}", "the id 'a' occurs twice"),
    ],
)
def test_a_bad_file_is_refused(tmp_path: Path, content: str, message: str):
    path = tmp_path / "prompts.jsonl"
    path.write_text(content)
    with pytest.raises(CorpusError, match=message):
        read_prompts(path)
    with pytest.raises(CorpusError, match="cannot read the prompts"):
        read_prompts(tmp_path / "none.jsonl")


def test_a_completion_is_shown_up_to_its_first_sentence():
    assert first_sentence(' the\nball. Then "he') == "the ball."
    assert first_sentence(' said, "No!" Then') == 'said, "No!"'
    assert first_sentence(" 3.5 apples and") == "3.5 apples and"
