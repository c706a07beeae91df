from __future__ import annotations

import numpy as np
import pytest
from planted.neurons import plant

from tinyinterp.neuron_census import NeuronSettings
from tinyinterp.neuron_census.corpus_stats import corpus_stats
from tinyinterp.neuron_census.measure import measure
from tinyinterp.tagging import TagReader

PASS = {"Pearson's r", "F1 of hits", "average precision"}
NOUN, VERB = 0, 2


@pytest.fixture(scope="module")
def found(script):
    return {share: script.mean_falls(share, [0]) for share in (0.25, 0.001)}


def test_what_passes_both_checks_and_what_fails(script, found):
    assert {name for name, passed in script.outcome(found).items() if passed} == PASS
    for of in found.values():
        assert of["precision of hits"].missing == pytest.approx(0.5, abs=0.06)
        assert of["precision of hits"].extra <= 0  # what fires it is called by its name, and more
        assert of["recall of hits"].missing == pytest.approx(0, abs=0.01)
        assert of["recall of hits"].extra > 0.3


def test_auroc_notices_a_missing_half_by_as_much_as_the_class_is_common(found):
    common, rare = found[0.25]["AUROC"], found[0.001]["AUROC"]
    assert common.missing > 0.05
    assert 0 < rare.missing < 0.001
    assert min(common.extra, rare.extra) > 0.1


@pytest.mark.parametrize(("neuron", "tag"), [(0, NOUN), (1, VERB)])
def test_so_it_is_for_the_neurons_of_a_planted_model(script, neuron: int, tag: int):
    model = plant(12)
    settings, stats = NeuronSettings(layers=(0,)), corpus_stats(model.corpus)
    measured = measure(model.model.decoder, model.corpus, settings, stats, TagReader())
    scored = measured.sample.scored
    values = np.ascontiguousarray(measured.layers[0].sampled.read()[scored, neuron])
    labels = measured.sample.positive(tag)[scored]
    whole = script.scores(values, labels)
    assert whole["Pearson's r"] > 0.8
    falls = script.falls(values, labels, seed=0)
    assert all(falls[name].passes for name in PASS)
    assert not falls["precision of hits"].passes
    assert falls["precision of hits"].extra <= 0
    assert falls["recall of hits"].missing == pytest.approx(0, abs=0.05)


def test_the_page_says_the_outcome(script, found):
    page = script.page(found)
    for name in script.RANGES:
        assert f"| {name} | {'yes' if name in PASS else 'no'} |" in page
    assert "| measure | 25% | 0.1% |" in page
