from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from models import tiny_decoder, tiny_tokenizer
from planted.neurons import stories

from tinyinterp.neuron_census import NeuronSettings
from tinyinterp.neuron_census.measure import FitPass, TestPass, measure
from tinyinterp.neuron_census.nulls import random_twin, shuffle_inputs
from tinyinterp.neuron_census.survey import survey
from tinyinterp.scan import scan
from tinyinterp.tagging import SpeechReader
from tinyinterp.text.corpus import Corpus, MicroBatch, Side, corpus_of

SETTINGS = NeuronSettings((0, 2), top=5)


@pytest.fixture(scope="module")
def corpus() -> Corpus:
    return corpus_of(stories(5, 90), tiny_tokenizer(), 83)


def test_parts_of_a_text_merge_to_the_whole(corpus: Corpus):
    decoder, text, speech = tiny_decoder(), survey(corpus), SpeechReader()
    whole = measure(decoder, corpus, SETTINGS, text, speech)
    batches = {side: list(corpus.micro_batches(side)) for side in Side}

    def fitted(part: list[MicroBatch]) -> FitPass:
        taken = FitPass(decoder, SETTINGS, text)
        scan(decoder, part, [taken])
        return taken

    first, second = (fitted(batches[Side.FIT][i::2]) for i in (0, 1))
    for layer in SETTINGS.layers:
        first.fitted[layer].merge(second.fitted[layer])
        first.extremes[layer].merge(second.extremes[layer])

    def counted(part: list[MicroBatch]) -> TestPass:
        again = FitPass(decoder, SETTINGS, text)
        again.restore(first.arrays())
        taken = TestPass(again, SETTINGS, text, speech, sampled=0)
        scan(decoder, part, [taken])
        return taken

    halves = [counted(batches[Side.TEST][i::2]) for i in (0, 1)]
    for layer in SETTINGS.layers:
        of_layer = whole.layers[layer]
        merged = halves[0].held_out[layer]
        merged.merge(halves[1].held_out[layer])
        for name, array in of_layer.held_out.arrays().items():
            assert merged.arrays()[name] == pytest.approx(array, rel=1e-6), name
        for name, array in of_layer.fitted.arrays().items():
            assert first.fitted[layer].arrays()[name] == pytest.approx(array, rel=1e-9)


def test_only_the_layers_up_to_the_last_are_computed(corpus: Corpus):
    decoder = tiny_decoder()
    calls: list[int] = []
    for layer in range(3):
        decoder.block(layer).mlp.up.register_forward_hook(lambda *_, n=layer: calls.append(n))
    chosen = replace(SETTINGS, layers=(1,))
    measure(decoder, corpus, chosen, survey(corpus), SpeechReader())
    assert set(calls) == {0, 1}
    n_batches = sum(1 for side in Side for _ in corpus.micro_batches(side))
    assert calls.count(0) == n_batches  # the text is read once


def test_shuffled_neurons_keep_their_weights_and_nothing_else():
    decoder = tiny_decoder()
    twin = shuffle_inputs(decoder, 7)
    for layer in range(3):
        before, after = decoder.block(layer).mlp, twin.block(layer).mlp
        assert (before.up.weight.sort(dim=1).values == after.up.weight.sort(dim=1).values).all()
        assert (before.up.weight != after.up.weight).double().mean() > 0.9
        assert (before.up.bias == after.up.bias).all()
        assert (before.down.weight == after.down.weight).all()
    again = shuffle_inputs(decoder, 7).block(1).mlp.up.weight
    assert (again == twin.block(1).mlp.up.weight).all()
    assert (again != shuffle_inputs(decoder, 8).block(1).mlp.up.weight).any()


def test_the_random_twin_has_the_same_shape_and_none_of_the_weights():
    decoder = tiny_decoder()
    twin = random_twin(decoder, 3)
    assert twin.config == decoder.config
    weights = [model.block(1).mlp.up.weight.detach().flatten().numpy() for model in (decoder, twin)]
    assert abs(np.corrcoef(*weights)[0, 1]) < 0.1
