"""What the page is answered equals what ``model.run`` and its readers give."""

from __future__ import annotations

import base64
import json
import math
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch

from tests.explore.conftest import TEXT, Server
from tests.views.examples import HOSTILE
from tinyinterp.explore.explorer import Explorer
from tinyinterp.explore.tables import Tables
from tinyinterp.explore.writing import pieces
from tinyinterp.model import Model
from tinyinterp.network.generation import generate
from tinyinterp.network.sampling import Sampling
from tinyinterp.run import Read, Run, attribute, attribute_neurons, logit_lens
from tinyinterp.text.tokenizer import Tokenizer

OFF = ["L1H0", "L0N4", "L2N30"]


def close(found: Any, wanted: torch.Tensor) -> None:
    known = [[math.nan if one is None else one for one in row] for row in found]
    torch.testing.assert_close(
        torch.tensor(known), wanted.float(), rtol=1e-4, atol=1e-5, equal_nan=True
    )


def check(half: dict[str, Any], run: Run, model: Model) -> None:
    close([half["losses"]], run.losses[None])
    assert half["mean_loss"] == pytest.approx(run.losses.mean().item(), abs=1e-4)
    close(half["next"]["probabilities"], run.logits.softmax(-1).topk(10).values)
    lens = logit_lens(model.decoder, run, 3)
    assert half["lens"]["tokens"] == lens.tokens.tolist()
    assert half["lens"]["next_rank"] == lens.next_rank.tolist()
    close(half["lens"]["next_probability"], lens.next_probability)
    assert half["next"]["tokens"] == run.logits.topk(10).indices.tolist()


def test_a_text_is_answered_as_model_run_has_it(server: Server, model: Model):
    answer, run = server.ask("/api/run", text=TEXT), model.run(TEXT)
    assert answer["tokens"] == run.tokens
    assert answer["ids"] == run.ids.tolist()
    assert answer["intact"] is None
    assert answer["off"] == []
    check(answer["changed"], run, model)
    assert answer["texts"][str(answer["ids"][1])] == run.tokens[1]


@pytest.mark.parametrize("instead", ["mean", "zero"])
def test_what_is_switched_off_is_answered_beside_the_intact_model(
    server: Server, model: Model, instead: Any
):
    answer = server.ask("/api/run", text=TEXT, off=OFF, instead=instead)
    assert answer["off"] == ["L1H0", "L0N4", "L2N30"]
    check(answer["changed"], model.run(TEXT, off=OFF, instead=instead), model)
    check(answer["intact"], model.run(TEXT), model)
    assert answer["changed"]["losses"] != answer["intact"]["losses"]


def test_the_patterns_are_those_under_the_switches(server: Server, model: Model):
    answer = server.ask("/api/run", text=TEXT, off=["L0H1"], instead="zero")
    run = model.run(TEXT, off=["L0H1"], instead="zero")
    described = json.loads(server.request("GET", "/api/model")[1])
    for layer, packed in enumerate(answer["patterns"]):
        for head, each in enumerate(packed):
            codes = np.frombuffer(base64.b64decode(each), np.uint8)
            weights = (codes / described["steps"]) ** 2
            wanted = run.patterns[layer, head].numpy()[np.tril_indices(len(run.tokens))]
            assert np.abs(weights - wanted).max() < 0.005


def test_the_effects_on_a_logit_are_those_of_attribute(server: Server, model: Model):
    run = model.run(TEXT, off=["L1H1"], instead="zero")
    asked = {"text": TEXT, "off": ["L1H1"], "instead": "zero", "position": 6}
    answer = server.ask("/api/attribution", **asked, token=17, against=20)
    wanted = attribute(model.decoder, run, 6, 17, 20)
    close(answer["heads"], wanted.heads)
    close([answer["mlps"], answer["attention_biases"]],
          torch.stack([wanted.mlps, wanted.attention_biases]))  # fmt: skip
    assert answer["logit"] == pytest.approx(wanted.logit, abs=1e-4)
    assert (run.logits[6, 17] - run.logits[6, 20]).item() == pytest.approx(wanted.logit, abs=1e-4)
    neurons = attribute_neurons(model.decoder, run, 6, 17, 20)
    for one in answer["neurons"]:
        assert one["effect"] == pytest.approx(neurons[one["layer"], one["neuron"]].item(), abs=1e-4)
    assert abs(answer["neurons"][0]["effect"]) == pytest.approx(
        neurons.abs().max().item(), abs=1e-4
    )


def test_a_token_is_named_by_its_text_with_or_without_a_space(server: Server, model: Model):
    spaced = next(
        text
        for text in map(model.tokenizer.token_text, range(model.config.n_vocab))
        if text.startswith(" ") and text.strip().isalpha()
    )
    for text in (spaced, spaced[1:]):
        answer = server.ask("/api/attribution", text=TEXT, position=2, token=text)
        assert answer["text"] in (text, f" {text}")
    said = server.refused("/api/attribution", text=TEXT, position=2, token="no such token")
    assert said.startswith("'no such token' is not one token of this model")


def test_the_neurons_shown_are_those_whose_value_is_least_usual(
    server: Server, explorer: Explorer, model: Model
):
    found = server.ask("/api/run", text=TEXT)["neurons"]
    run = model.run(TEXT)
    quantiles = {}
    for layer in range(model.config.n_layers):
        values = run.activations[layer, 1:].max(0).values
        quantile, share = explorer.quantiles(layer, values)
        for neuron in range(model.config.d_mlp):
            if values[neuron] > 0:
                quantiles[layer, neuron] = quantile[neuron].item(), share[neuron].item()
    order = sorted(quantiles, key=lambda key: (-quantiles[key][0], -quantiles[key][1], key))
    assert [(one["layer"], one["neuron"]) for one in found] == order[: len(found)]
    for one in found:
        at = run.activations[one["layer"], :, one["neuron"]]
        assert one["value"] == pytest.approx(at[1:].max().item(), abs=1e-5)
        assert at[one["position"]].item() == pytest.approx(one["value"], abs=1e-5)


def test_a_neuron_has_its_activations_and_its_examples(server: Server, model: Model):
    answer = server.ask("/api/neuron", text=TEXT, layer=2, neuron=5)
    close([answer["activations"]], model.run(TEXT).activations[2, :, 5][None])
    assert [one[0] for one in answer["examples"]] == [3.0, 1.5]
    assert answer["row"]["best_tag"] == "NOUN"
    assert answer["row"]["rules"] == [f"a [{HOSTILE}]"]
    assert server.ask("/api/neuron", text=TEXT, layer=1, neuron=5)["examples"] == []


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("L1H0", ["L1H0"]),
        ("1.0", ["L1H0", "L1N0"]),
        ("#L2N30", ["L2N30"]),
        ("dog", ["L0H0", "L0H1", "L1H0", "L1H1", "L2H0", "L2H1", "L0N5", "L2N5"]),
        ("word dog", ["L0N5", "L2N5"]),
        ("neuron part-of-speech VERB position", ["L0N6", "L2N6"]),
        ("nothing like this", []),
        ("L7H0", []),
    ],
)
def test_search_finds_by_name_kind_tag_token_and_needs(
    server: Server, query: str, found: list[str]
):
    answer = server.ask("/api/search", query=query)
    assert [one["name"] for one in answer["found"]] == found
    assert answer["count"] == len(found)


def test_the_model_continues_under_the_switches(server: Server, model: Model):
    question = {"text": TEXT, "off": ["L0H0", "L1N3"], "instead": "zero", "temperature": 0,
                "top_p": 1, "max_tokens": 9}  # fmt: skip
    lines = server.request("POST", "/api/generate", json.dumps(question).encode())[1].splitlines()
    pieces = [json.loads(line) for line in lines]
    written = "".join(piece["text"] for piece in pieces)
    ids = model.read(TEXT).ids.tolist()
    for _ in range(9):  # the same without a cache: the likeliest token of a whole run each time
        read = Read(torch.tensor(ids), [model.tokenizer.token_text(one) for one in ids])
        run = model.run(read, off=["L0H0", "L1N3"], instead="zero")
        ids.append(int(run.logits[-1].argmax()))
        if ids[-1] == model.tokenizer.end_of_text:
            break
    n_read = len(model.read(TEXT).ids)
    assert model.tokenizer.decode(ids[n_read:]) == written
    assert pieces[-1]["ended"] is (ids[-1] == model.tokenizer.end_of_text)
    intact = generate(model.decoder, model.read(TEXT).ids.tolist(),
                      settings=Sampling(0, max_tokens=9))[0]  # fmt: skip
    assert model.tokenizer.decode(intact) != written


def test_two_tabs_do_not_disturb_each_other(server: Server, model: Model):
    questions = [
        {"text": text, "off": off, "instead": "zero"}
        for text in (TEXT, "The sun was warm.", "Tim liked to run")
        for off in ([], ["L0H0"], ["L2H1", "L1N7"])
    ]
    with ThreadPoolExecutor(6) as pool:
        writing = pool.submit(
            server.ask_lines, "/api/generate", text=TEXT, max_tokens=30, temperature=0
        )
        answers = list(pool.map(lambda asked: server.ask("/api/run", **asked), questions * 2))
    for asked, answer in zip(questions * 2, answers, strict=True):
        run = model.run(asked["text"], off=asked["off"], instead="zero")
        close([answer["changed"]["losses"]], run.losses[None])
    alone = server.ask_lines("/api/generate", text=TEXT, max_tokens=30, temperature=0)
    assert writing.result() == alone


@pytest.mark.parametrize(
    ("question", "said"),
    [
        ({}, "text is None; expected a string"),
        ({"text": 5}, "text is 5; expected a string"),
        ({"text": " \n"}, "the text is empty; give at least one word"),
        ({"text": "a " * 500}, "the context holds 97"),
        ({"text": "a", "off": "L1H0"}, "expected a list of names such as 'L6H7'"),
        ({"text": "a", "off": ["L9H0"]}, "there is no layer 9"),
        ({"text": "a", "off": ["nonsense"]}, "'nonsense' names no head or neuron"),
        ({"text": "a", "off": ["L0H0"] * 5000}, "5,000 parts are switched off"),
        ({"text": "a", "instead": "median"}, "instead is 'median'; expected 'mean' or 'zero'"),
    ],
)
def test_what_cannot_be_answered_is_refused_in_a_sentence(
    server: Server, question: dict[str, Any], said: str
):
    for path in ("/api/run", "/api/generate"):
        assert said in server.refused(path, **question)


@pytest.mark.parametrize(
    ("path", "question", "said"),
    [
        ("/api/attribution", {"position": 5000, "token": 1}, "there is no position 5000"),
        ("/api/attribution", {"position": True, "token": 1}, "expected a whole number"),
        ("/api/attribution", {"position": 1, "token": -1}, "there is no token -1"),
        ("/api/neuron", {"layer": 0, "neuron": 99}, "there is no neuron 99"),
        ("/api/search", {"query": " "}, "the search has 0 words"),
        ("/api/generate", {"temperature": -1}, "temperature is -1.0; expected 0"),
        ("/api/generate", {"temperature": "hot"}, "temperature is 'hot'; expected a number"),
        ("/api/generate", {"max_tokens": 0}, "max_tokens is 0; expected at least 1"),
    ],
)
def test_numbers_are_checked(server: Server, path: str, question: dict[str, Any], said: str):
    assert said in server.refused(path, text=TEXT, **question)


@pytest.mark.parametrize("body", [b"", b"{", b"[1]", b"\xff", b"[" * 100_000])
def test_a_request_that_is_no_object_is_refused(server: Server, body: bytes):
    status, said, _ = server.request("POST", "/api/run", body)
    assert status == 400
    assert json.loads(said)["error"].startswith("the request is")


def test_half_a_surrogate_pair_is_read_as_a_character_that_is_not_known(server: Server):
    answer = server.ask("/api/run", text="a \ud83d b")
    assert answer["tokens"] == server.ask("/api/run", text="a \ufffd b")["tokens"]


def test_markup_comes_back_as_the_text_that_it_is(server: Server):
    answer = server.ask("/api/run", text=HOSTILE)
    assert "".join(answer["tokens"][1:]) == HOSTILE
    body = server.request("POST", "/api/run", json.dumps({"text": HOSTILE}).encode())
    assert body[2]["content-type"] == "application/json"


def test_a_text_of_one_token_has_no_loss_before_it(server: Server):
    answer = server.ask("/api/run", text="a")
    assert len(answer["changed"]["losses"]) == len(answer["tokens"]) - 1


def test_a_model_without_an_end_of_text_writes_all_that_is_asked_for(model: Model):
    tokenizer = Tokenizer(model.tokenizer.backend, None, start="none")
    endless = Model(replace(model.checkpoint, tokenizer=tokenizer), "endless")
    asked = {"text": TEXT, "max_tokens": 3, "temperature": 0}
    *written, last = pieces(Explorer(endless, Tables()), asked)
    assert len(written) == 3
    assert last["ended"] is False
