from __future__ import annotations

import csv
import json
import math
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from pyarrow import parquet
from scipy.stats import pearsonr

from tests.models import STORIES, tiny_checkpoint
from tinyinterp.errors import SelectionError
from tinyinterp.model import Model
from tinyinterp.neuron_census import NeuronCensus, NeuronSettings, census_neurons
from tinyinterp.neuron_census.targets import read_targets
from tinyinterp.results import Neurons
from tinyinterp.tagging import UNIVERSAL, TagReader
from tinyinterp.text.corpus import Corpus, corpus_of

COLUMNS = {
    *("layer", "neuron", "kind", "best_tag", "auroc", "auroc_low", "auroc_high", "q_value"),
    *("tag_correlation", "tag_correlation_low", "tag_correlation_high"),
    *("tag_precision", "tag_recall"),
    *("token_auroc", "purity", "lift", "hits", "types", "max_activation", "density"),
    *("raises", "lowers"),
}
HOSTILE = "He said </script> \x1b[31m to 🎉👩‍👧\u202e and\tשלום. Then\n\nshe ran."


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Model:
    return Model(tiny_checkpoint(tmp_path_factory.mktemp("tiny")), "tiny")


@pytest.fixture(scope="module")
def corpus(model: Model) -> Corpus:
    """Sixty stories of different lengths, some of several sequences."""
    stories = [
        f"{STORIES[i % 3]} {STORIES[i // 3 % 3]} It was day {i}. " * (i % 4 + 1) for i in range(60)
    ]
    return corpus_of([*stories, HOSTILE, HOSTILE + "!"], model.tokenizer, 89)


@pytest.fixture(scope="module")
def census(model: Model, corpus: Corpus) -> Neurons:
    found = census_neurons(model, corpus, NeuronSettings(layers=(1,), top=7, null_tokens=500))
    return Neurons.of(found)


def activations(model: Model, corpus: Corpus, layer: int) -> list[tuple[Any, list[list[float]]]]:
    """Every sequence forwarded alone, without the machinery under test."""
    captured: list[torch.Tensor] = []
    handle = model.decoder.block(layer).mlp.hook_post.register_forward_hook(
        lambda _module, _inputs, output: captured.append(output)
    )
    found = []
    with torch.inference_mode():
        for sequence in corpus.sequences():
            model.decoder(torch.from_numpy(sequence.tokens)[None])
            found.append((sequence, captured.pop()[0, 1:].tolist()))
    handle.remove()
    return found


def finite(values: Iterable[Any]) -> bool:
    return all(math.isfinite(value) for value in values if isinstance(value, float))


def test_a_row_for_every_neuron_with_the_columns_of_the_contract(
    census: NeuronCensus, model: Model
):
    table = census.table
    assert table.name == "neurons_layer1"
    assert table["neuron"] == list(range(model.config.d_mlp))
    assert set(table.columns) >= COLUMNS
    assert all(finite(row.values()) for row in table)
    assert all(len(row["raises"]) == len(row["lowers"]) == 5 for row in table)


def test_top_activations_are_the_largest_of_all(census: NeuronCensus, model: Model, corpus: Corpus):
    everything = [
        (value, sequence.number, sequence.start + position, int(sequence.tokens[position]))
        for sequence, rows in activations(model, corpus, 1)
        for position, row in enumerate(rows, start=1)
        for value in [row[13]]
    ]
    expected = sorted(everything, key=lambda hit: (-hit[0], hit[1:3]))[:7]
    hits = [hit for hit in census.top if hit["neuron"] == 13]
    assert [hit["rank"] for hit in hits] == list(range(1, 8))
    values = [hit["activation"] for hit in hits]
    assert values == pytest.approx([value for value, *_ in expected], abs=1e-5)
    assert census.table.row(neuron=13)["max_activation"] == values[0]
    for hit, (value, story, position, token) in zip(hits, expected, strict=True):
        if value not in [other for other, *rest in everything if rest[:2] != [story, position]]:
            assert (hit["story"], hit["position"]) == (story, position)
            assert hit["token"] == model.tokenizer.token_text(token)


def test_counts_are_those_of_the_test_stories(census: NeuronCensus, model: Model, corpus: Corpus):
    sides: dict[str, list[float]] = {"FIT": [], "TEST": []}
    types: list[int] = []
    for sequence, rows in activations(model, corpus, 1):
        sides[sequence.side.name] += [row[5] for row in rows]
        if sequence.side.name == "TEST":
            types += sequence.tokens[1:].tolist()
    level = max(sides["FIT"]) / 2
    hit_types = [t for t, value in zip(types, sides["TEST"], strict=True) if value >= level]
    row = census.table.row(neuron=5)
    assert row["hits"] == len(hit_types)
    assert row["types"] == len(set(hit_types))
    expected = sum(value > 0 for value in sides["TEST"]) / len(types)
    assert row["density"] == pytest.approx(expected, rel=1e-4)
    assert census.table.notes["test_tokens"] == len(types)


def test_the_numbers_of_the_best_tag_are_those_of_all_scored_test_tokens(
    census: NeuronCensus, model: Model, corpus: Corpus
):
    values: dict[str, list[list[float]]] = {"FIT": [], "TEST": []}
    tags = []
    for sequence, rows in activations(model, corpus, 1):
        values[sequence.side.name] += rows
        if sequence.side.name == "TEST":
            tags.append(read_targets(TagReader(), sequence)[:, 0])
    fit, test, tag = np.array(values["FIT"]), np.array(values["TEST"]), np.concatenate(tags)
    compared = 0
    for neuron, row in enumerate(census.table):
        if not row["best_tag"] or row["best_target"] != "current" or row["tag_correlation"] == 0:
            continue
        has, scored = tag == UNIVERSAL.index(row["best_tag"]), tag >= 0
        expected = pearsonr(test[scored, neuron], has[scored]).statistic
        assert row["tag_correlation"] == pytest.approx(expected, abs=1e-5)
        hit = test[:, neuron] >= fit[:, neuron].max() / 2
        assert row["tag_precision"] == row["purity"]
        assert row["tag_precision"] == pytest.approx(
            (hit & has).sum() / max(hit.sum(), 1), rel=1e-4
        )
        assert row["tag_recall"] == pytest.approx((hit & has).sum() / has.sum(), rel=1e-4)
        compared += 1
    assert compared > 20


def test_context_is_five_tokens_of_the_story_on_each_side(
    census: NeuronCensus, model: Model, corpus: Corpus
):
    stories = list(corpus.stories())
    for hit in census.top:
        ids = model.tokenizer.encode(stories[hit["story"]]).ids
        at = hit["position"] - 1
        assert hit["token"] == model.tokenizer.token_text(ids[at])
        first = at // 88 * 88  # of the sequence; its end-of-text takes one of 89 positions
        assert hit["before"] == model.tokenizer.decode(ids[max(first, at - 5) : at])
        assert hit["after"] == model.tokenizer.decode(ids[at + 1 : min(first + 88, at + 6)])


def test_the_same_files_on_a_second_run(
    census: NeuronCensus, model: Model, corpus: Corpus, tmp_path: Path
):
    first = census.write(tmp_path / "one")
    settings = NeuronSettings(layers=(1,), top=7, null_tokens=500)
    again = Neurons.of(census_neurons(model, corpus, settings)).write(tmp_path / "two")
    for one, other in zip(first, again, strict=True):
        assert one.name == other.name
        assert one.read_bytes() == other.read_bytes()


def test_files(census: NeuronCensus, tmp_path: Path):
    names = [path.name for path in census.write(tmp_path)]
    assert names == [
        *(f"neurons_layer1.{suffix}" for suffix in ("csv", "parquet", "json")),
        *(f"{side}_activations_layer1.parquet" for side in ("top", "bottom", "range")),
        *(f"{name}_layer1.parquet" for name in ("associations", "histograms")),
        "top_activations_layer1.txt",
    ]
    with (tmp_path / names[0]).open(encoding="utf-8", newline="") as file:
        assert len(list(csv.DictReader(file))) == len(census.table)
    assert len(json.loads((tmp_path / names[2]).read_text("utf-8"))["rows"]) == len(census.table)
    top = parquet.read_table(tmp_path / names[3])
    assert top.column_names == [
        *("layer", "neuron", "rank", "activation", "token", "before", "after", "tag"),
        *("story", "position"),
    ]
    assert top.num_rows == 7 * len(census.table)
    notes = json.loads(top.schema.metadata[b"tinyinterp"])
    assert notes["model"] == "tiny"
    assert 0 < notes["coverage"] < 1
    assert notes["tagger"].startswith("textblob ")


def test_the_text_reads_like_the_report_and_is_safe_to_print(census: Neurons, tmp_path: Path):
    text = census.write(tmp_path)[-1].read_text("utf-8")
    lines = text.splitlines()
    assert text.replace("\n", "").isprintable()
    assert max(map(len, lines)) <= 100
    assert sum(line.startswith("Activation: ") for line in lines) == 7 * len(census.table)
    assert "nan" not in text
    start = lines.index("Neuron 3 top activations:")
    best = next(hit for hit in census.top if hit["neuron"] == 3)
    assert lines[start + 1].startswith("Token: ")
    assert "«" in lines[start + 2]
    assert lines[start + 3] == f"Activation: {best['activation']:.4f}"


def test_lines_of_one_neuron_are_those_of_the_text(census: Neurons, tmp_path: Path):
    lines = census.neuron_lines(30)
    assert lines[0].startswith("Neuron 30 of layer 1: ")
    *of_census, empty, hint = lines
    assert (empty, "tinyinterp account" in hint) == ("", True)
    assert "\n".join(of_census) in census.write(tmp_path)[-1].read_text("utf-8")


def test_constant_neurons_are_dead_and_have_no_tag(corpus: Corpus, tmp_path: Path):
    quiet = Model(tiny_checkpoint(tmp_path), "quiet")
    mlp = quiet.decoder.block(2).mlp
    with torch.no_grad():
        mlp.up.weight[:2] = 0
        mlp.up.bias[:2] = torch.tensor([1.5, -99.0])
    census = Neurons.of(
        census_neurons(quiet, corpus, NeuronSettings(layers=(2,), top=2, null_tokens=0))
    )
    for neuron in (0, 1):
        row = census.table.row(neuron=neuron)
        assert (row["kind"], row["best_tag"], row["auroc"]) == ("dead", "", 0.5)
        assert finite(row.values())
        hits = [hit for hit in census.top if hit["neuron"] == neuron]
        assert [(hit["story"], hit["position"]) for hit in hits] == [(0, 1), (0, 2)]
    assert "-0.0000" not in "\n".join(census.neuron_lines(1))


@pytest.mark.parametrize(
    "wrong",
    [
        {"layers": (3,)},
        {"layers": (0, -1)},
        {"top": 0},
        {"null_tokens": -1},
        {"reading": "mid"},
        {"tagger": "brill"},
        {"tags": "claws"},
    ],
)
def test_what_does_not_exist_is_refused(model: Model, corpus: Corpus, wrong: dict[str, Any]):
    with pytest.raises(SelectionError):
        census_neurons(model, corpus, NeuronSettings(**wrong))


def test_a_neuron_that_does_not_exist_is_refused(census: Neurons):
    with pytest.raises(SelectionError, match="no neuron 31; this layer has 31"):
        census.neuron_lines(31)
    with pytest.raises(SelectionError, match="layer 2 is not in this census; choose one of 1"):
        census.neuron_lines(3, layer=2)


def test_more_entries_than_tokens(model: Model):
    corpus = corpus_of(["Hi.", "Yes!", "No, no."], model.tokenizer, 89)
    census = census_neurons(model, corpus, NeuronSettings(layers=(0,), top=50, null_tokens=0))
    assert len([hit for hit in census.top if hit["neuron"] == 0]) < 50
    assert set(census.table["kind"]) <= {"dead", "undetermined"}
    assert all(finite(row.values()) for row in census.table)
