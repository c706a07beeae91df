"""The studies that open models, on tiny ones."""

from __future__ import annotations

import json

import pytest
from models import STORIES, tiny_checkpoint

from analyses import instruct, prompts, proxies, random_twin, rouge
from analyses.completed import SHARES, completions
from analyses.inputs import Inputs
from tinyinterp.evaluation.prompt_sets import read_prompts
from tinyinterp.io.table import Table

WRITTEN = 3


def read_json(path):
    return Table(path.stem, json.loads(path.read_text())["rows"])


@pytest.fixture(scope="module")
def runs(tmp_path_factory):
    folder = tmp_path_factory.mktemp("runs")
    names = ("256-8-4", "512-8-4", "128-8-4-instruct")
    for seed, name in enumerate(names):
        tiny_checkpoint(folder / name, seed=seed, n_layers=5, n_ctx=331)
    (folder / "models.json").write_text(json.dumps({name: {"seed": 0} for name in names}))
    text = "".join(f"{story}\n<|endoftext|>\n" for story in STORIES * 3)
    (folder / "valid.txt").write_text(text)
    return folder


@pytest.fixture
def inputs(runs, tmp_path):
    valid = runs / "valid.txt"
    return Inputs(runs, text=valid, valid=valid, figures=tmp_path, limit=WRITTEN)


def test_every_model_answers_every_prompt(inputs):
    study = prompts.STUDY
    study.run(inputs)
    assert all(path.exists() for path in study.written(inputs.figures))
    rows = read_json(inputs.figures / "prompts.json")
    counts = [row["prompts"] for row in rows if row["category"] == "all"]
    assert counts == [len(read_prompts())] * 2
    page = (inputs.figures / "prompts.md").read_text()
    assert "256-8-4" in page
    assert "512-8-4" in page


def test_rouge_has_the_published_mean_beside_what_was_measured_as_it_was(inputs):
    rouge.STUDY.run(inputs)
    rows = read_json(inputs.figures / "rouge.json")
    beside = [row for row in rows if row["published"] is not None]
    assert {(row["share"], row["measure"]) for row in beside} == {
        ("third", "original_precision"),
        ("third", "self_f"),
    }
    row = rows.row(model="256-8-4", share="third", measure="original_precision")
    assert row["published"] == 0.414
    assert row["stories"] == WRITTEN


def test_proxies_stand_beside_the_original_stories_and_agreement_needs_four_sizes(inputs):
    study = proxies.STUDY
    study.run(inputs)
    assert all(path.exists() for path in study.written(inputs.figures))
    rows = read_json(inputs.figures / "proxies.json")
    assert {row["model"] for row in rows} == {"256-8-4", "512-8-4", "original stories"}
    agreement = read_json(inputs.figures / "proxies_agreement.json")
    assert {row["measure"] for row in agreement} == {"published loss"}  # two sizes rank nothing
    grammar = agreement.row(measure="published loss", score="grammar")
    assert grammar["rho"] < -0.8
    assert grammar["models"] == 8


def test_completions_are_kept_without_the_stories(inputs):
    first = completions(inputs, "256-8-4")
    (kept,) = inputs.measured.glob("completions-256-8-4-*.json")
    assert first[0].prompt not in kept.read_text()
    assert completions(inputs, "256-8-4") == first
    model = inputs.open("256-8-4")
    whole = list(model.stories(inputs.valid).read())
    assert all(each.prompt + each.rest == whole[each.story] for each in first)
    assert len(first) == WRITTEN * len(SHARES)


def test_instructions_have_intervals_and_the_published_score(inputs):
    instruct.STUDY.run(inputs)
    rows = list(read_json(inputs.figures / "instruct.json"))
    assert {row["published_score"] for row in rows} == {0.5}
    assert {"words"} <= {row["measure"] for row in rows}
    assert all(row["low"] <= row["value"] <= row["high"] for row in rows)


def test_the_randomly_initialised_model_stands_beside_the_trained_one(inputs):
    made = random_twin.measure(
        Inputs(
            inputs.runs, valid=inputs.valid, figures=inputs.figures, models=("256-8-4",), limit=200
        )
    )
    measures = {
        name: [(row["of"], row["measure"]) for row in made.rows if row["model"] == name]
        for name in ("trained", "random")
    }
    assert measures["trained"] == measures["random"]
    assert ("heads", "mean contrast") in measures["random"]
