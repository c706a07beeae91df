from __future__ import annotations

import math

import pytest

from tests.planted.neurons import NOUNS, Planted, plant
from tinyinterp.neuron_census import NeuronSettings, census_neurons
from tinyinterp.tagging import TAGS, TagReader
from tinyinterp.text.corpus import corpus_of


def test_the_grammar_is_tagged_as_meant():
    words = TagReader().words("There he saw the dog and her cat then found red cake.")
    tags = [TAGS[tag] for tag in words.tags]
    assert tags[1:5] == ["PRON", "VERB", "DET", "NOUN"]
    assert tags[-3:] == ["ADJ", "NOUN", "PUNCT"]


# What a neuron that reads noise may be called: not that it has found a pattern.
NOISE = {"mixed", "word", "undetermined"}

# Nothing was tried on these; the thresholds and the generator were settled on seeds 0 to 2, widths
# 43, 61 and 101 and a vocabulary of 353.
HELD_OUT = [(3001, 37, 357), (3011, 71, 361), (3019, 97, 359), (3023, 53, 355), (3037, 83, 361)]


def check(planted: Planted) -> None:
    census = census_neurons(
        planted.model, planted.corpus, NeuronSettings(layers=(0,), null_tokens=0)
    )
    for row, kind, tag in zip(census.table, planted.kinds, planted.tags, strict=True):
        expected = NOISE if kind == "noise" else {kind}
        assert row["kind"] in expected, (row["neuron"], row["kind"], kind)
        assert tag in (None, row["best_tag"])
        numbers = [value for value in row.values() if isinstance(value, float)]
        assert all(map(math.isfinite, numbers))


@pytest.mark.parametrize("seed", range(2))
@pytest.mark.parametrize(
    ("n_code", "noise", "context"), [(43, 0.05, 0.0), (101, 0.03, 1.0), (61, 0.0, 0.0)]
)
def test_every_planted_neuron_gets_its_kind(seed: int, n_code: int, noise: float, context: float):
    check(plant(seed, n_code=n_code, noise=noise, context=context))


@pytest.mark.parametrize(("seed", "n_code", "n_vocab"), HELD_OUT)
def test_so_does_every_one_that_nothing_was_tried_on(seed: int, n_code: int, n_vocab: int):
    check(plant(seed, n_code=n_code, n_vocab=n_vocab, noise=0.05, context=1.0))


def test_numbers_of_a_planted_noun_neuron():
    planted = plant(5)
    row = census_neurons(
        planted.model, planted.corpus, NeuronSettings(layers=(0,), null_tokens=0)
    ).table.row(neuron=0)
    assert row["auroc"] > 0.97
    assert row["auroc_low"] <= row["auroc"] <= row["auroc_high"]
    assert row["token_auroc"] == pytest.approx(row["auroc"], abs=0.02)
    assert row["q_value"] < 1e-6
    assert row["purity"] > 0.95
    assert row["lift"] == pytest.approx(row["purity"] / 0.24, rel=0.2)
    assert row["types"] >= len(NOUNS)


def test_a_neuron_without_noise_fires_exactly_on_its_class():
    planted = plant(6, noise=0.0)
    census = census_neurons(
        planted.model, planted.corpus, NeuronSettings(layers=(0,), null_tokens=0, top=3)
    )
    noun, two = census.table.row(neuron=0), census.table.row(neuron=4)
    assert (noun["auroc"], noun["purity"], noun["types"]) == (1.0, 1.0, len(NOUNS))
    assert (noun["tag_precision"], noun["tag_recall"]) == (1.0, 1.0)
    assert noun["tag_correlation"] > 0.95
    one_noun = census.table.row(neuron=3)
    assert (one_noun["best_tag"], one_noun["tag_precision"]) == ("NOUN", 1.0)
    assert one_noun["tag_recall"] == pytest.approx(1 / len(NOUNS), rel=0.3)
    assert two["word_share"] == 1.0
    assert two["types"] == 2
    assert {hit["token"].strip() for hit in census.top if hit["neuron"] == 0} <= set(NOUNS)
    assert all(hit["tag"] == "NOUN" for hit in census.top if hit["neuron"] == 0)


def test_a_handful_of_stories_decides_nothing():
    planted = plant(7)
    few = list(planted.corpus.stories())[:5]
    corpus = corpus_of(few, planted.model.tokenizer, planted.corpus.n_ctx)
    census = census_neurons(planted.model, corpus, NeuronSettings(layers=(0,), null_tokens=0))
    assert set(census.table["kind"]) == {"dead", "undetermined"}
    assert any("stories were counted" in warning for warning in census.table.notes["warnings"])


def test_a_single_story_is_its_own_test():
    planted = plant(8)
    corpus = corpus_of(list(planted.corpus.stories())[:1], planted.model.tokenizer, 128)
    census = census_neurons(
        planted.model, corpus, NeuronSettings(layers=(0,), null_tokens=0, top=2)
    )
    hits = [(hit["story"], hit["position"]) for hit in census.top if hit["neuron"] == 0]
    assert len(hits) == len(set(hits)) == 2
    assert any("nothing was held out" in warning for warning in census.table.notes["warnings"])
