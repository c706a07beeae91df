from __future__ import annotations

import re
from collections import Counter

import pytest
from models import tiny_checkpoint, tiny_tokenizer
from planted.neurons import stories

from tinyinterp.model import Model
from tinyinterp.neuron_census import NeuronCensus, NeuronSettings, census_neurons
from tinyinterp.text.corpus import corpus_of


@pytest.fixture(scope="module")
def census(tmp_path_factory) -> NeuronCensus:
    model = Model(tiny_checkpoint(tmp_path_factory.mktemp("tiny")), "tiny")
    corpus = corpus_of(stories(1, 60), tiny_tokenizer(), 83)
    return census_neurons(model, corpus, NeuronSettings(layers=(0, 1), top=3))


def test_the_page_counts_what_the_tables_hold(script, census: NeuronCensus):
    page = script.page(census)
    (total,) = re.findall(r"^\| all \|(.*)\|$", page, re.MULTILINE)
    numbers = [int(cell) for cell in total.split("|")]
    counts = Counter(census.table["kind"])
    assert sorted(n for n in numbers[:-2] if n) == sorted(counts.values())
    found = counts["part-of-speech"]
    words = " ".join(page.split())
    assert f"Of 62 neurons {found} ({found / 62:.1%}) are part-of-speech neurons" in words
    assert "nan" not in words.lower().split()


def test_shares_of_every_model_and_layer_sum_to_one(script, census: NeuronCensus):
    found = script.shares(census)
    assert list(found) == ["trained", "random", "shuffled"]
    for by_layer in found.values():
        assert list(by_layer) == [0, 1]
        for kinds in by_layer.values():
            assert sum(kinds.values()) == pytest.approx(1, abs=1e-4)
    rows = script.count_kinds(census)
    assert [sum(v for k, v in row.items() if k not in ("model", "layer")) for row in rows] == [
        31
    ] * 6


def test_the_sample_is_the_same_every_time_and_of_known_neurons(script, census: NeuronCensus):
    lines = script.sample(census)
    assert lines == script.sample(census)
    assert lines != script.sample(census, seed=1)
    named = [line for line in lines if re.match(r"Neuron \d+ of layer [01]: ", line)]
    assert len(named) == len(set(named)) == 50
    assert max(map(len, lines)) <= 100
