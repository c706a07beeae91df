from __future__ import annotations

from collections import Counter
from dataclasses import replace

import numpy as np
import pytest
from models import tiny_checkpoint, tiny_decoder, tiny_tokenizer
from planted.neurons import stories

from tinyinterp.model import Model
from tinyinterp.neuron_census import NeuronSettings, census_neurons, nulls
from tinyinterp.neuron_census.corpus_stats import corpus_stats
from tinyinterp.neuron_census.evidence import judge
from tinyinterp.neuron_census.measure import measure
from tinyinterp.neuron_census.notes import null_notes
from tinyinterp.neuron_census.nulls import null_kinds, random_model, shuffled_model
from tinyinterp.tagging import PatternTagger, TagReader
from tinyinterp.text.corpus import Corpus, corpus_of
from tinyinterp.text.sequences import Side

SETTINGS = NeuronSettings(layers=(0, 2), top=5)


@pytest.fixture(scope="module")
def corpus() -> Corpus:
    return corpus_of(stories(5, 90), tiny_tokenizer(), 83)


def test_only_the_layers_up_to_the_last_are_computed(corpus: Corpus):
    decoder = tiny_decoder()
    calls: list[int] = []
    for layer in range(3):
        decoder.block(layer).mlp.up.register_forward_hook(lambda *_, n=layer: calls.append(n))
    chosen = replace(SETTINGS, layers=(1,))
    measure(decoder, corpus, chosen, corpus_stats(corpus), TagReader())
    assert set(calls) == {0, 1}
    n_batches = sum(1 for side in Side for _ in corpus.micro_batches(side))
    assert calls.count(0) == n_batches  # the text is read once


def test_a_census_with_null_models_tags_each_story_once(corpus: Corpus, tmp_path):
    tagger, tagged = PatternTagger(), Counter()

    class Counting:
        name, tag_set = tagger.name, tagger.tag_set

        def tag(self, sentences):
            tagged[str(sentences)] += 1
            return tagger.tag(sentences)

    model = Model(tiny_checkpoint(tmp_path), "tiny")
    settings = replace(SETTINGS, null_tokens=2_000)
    census_neurons(model, corpus, settings, tag_reader=TagReader(Counting()))
    assert set(tagged.values()) == {1}
    n_test = corpus_stats(corpus).test_stories
    assert n_test <= len(tagged) <= len(list(corpus.stories()))


def test_shuffled_neurons_keep_their_weights_and_nothing_else():
    decoder = tiny_decoder()
    shuffled = shuffled_model(decoder, 7)
    for layer in range(3):
        before, after = decoder.block(layer).mlp, shuffled.block(layer).mlp
        assert (before.up.weight.sort(dim=1).values == after.up.weight.sort(dim=1).values).all()
        assert (before.up.weight != after.up.weight).double().mean() > 0.9
        assert (before.up.bias == after.up.bias).all()
        assert (before.down.weight == after.down.weight).all()
    again = shuffled_model(decoder, 7).block(1).mlp.up.weight
    assert (again == shuffled.block(1).mlp.up.weight).all()
    assert (again != shuffled_model(decoder, 8).block(1).mlp.up.weight).any()


def test_shuffled_gates_and_inputs_are_in_orders_of_their_own():
    decoder = tiny_decoder("llama")
    shuffled = shuffled_model(decoder, 7)
    before, after = decoder.block(1).mlp, shuffled.block(1).mlp
    orders = []
    for name in ("gate", "up"):
        old, new = before.get_submodule(name).weight, after.get_submodule(name).weight
        assert (old.sort(dim=1).values == new.sort(dim=1).values).all()
        orders.append((new[:, :, None] == old[:, None]).double().argmax(dim=2))
    assert (orders[0] != orders[1]).double().mean() > 0.8


def test_the_random_model_has_the_same_shape_and_none_of_the_weights():
    decoder = tiny_decoder()
    random = random_model(decoder, 3)
    assert random.config == decoder.config
    weights = [m.block(1).mlp.up.weight.detach().flatten().numpy() for m in (decoder, random)]
    assert abs(np.corrcoef(*weights)[0, 1]) < 0.1


@pytest.mark.parametrize("reading", ["post", "report"])
def test_some_neurons_are_measured_as_among_all(corpus: Corpus, reading: str):
    """Every fifth of 31, which is how null models of wide layers are read."""
    settings, stats = replace(SETTINGS, reading=reading), corpus_stats(corpus)
    whole, some = (
        measure(tiny_decoder(), corpus, settings, stats, TagReader(), sampled=0, every=every)
        for every in (1, 5)
    )
    for layer in settings.layers or ():
        expected, found = whole.layers[layer], some.layers[layer]
        expected_labels, labels = (
            judge(each.layers[layer], each.counts, stats.counted_stories, 0).labels
            for each in (whole, some)
        )
        assert labels == expected_labels[::5]
        assert len(labels) == 7
        np.testing.assert_array_equal(found.extremes.high, expected.extremes.high[::5])
        np.testing.assert_array_equal(
            found.held_out.hits_by_type(), expected.held_out.hits_by_type()[::5]
        )


def test_null_models_of_wide_layers_are_read_in_part(
    corpus: Corpus, monkeypatch: pytest.MonkeyPatch
):
    whole = null_kinds(tiny_decoder(), corpus, SETTINGS, TagReader())
    monkeypatch.setattr(nulls, "NEURONS", 6)
    some = null_kinds(tiny_decoder(), corpus, SETTINGS, TagReader())
    for layer, found in some.items():
        assert (whole[layer].neurons, found.neurons) == (31, 7)
        assert whole[layer].tokens == found.tokens
        for name, kinds in found.kinds.items():
            assert sum(kinds.values()) == 7
            assert Counter(kinds) <= Counter(whole[layer].kinds[name])
            assert null_notes(found)[name] == {k: round(n / 7, 6) for k, n in kinds.items()}
    assert null_notes(some[2])["neurons"] == 7
