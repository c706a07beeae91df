from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from models import N_CTX, tiny_checkpoint, tiny_tokenizer
from planted.patterns import random_words

from tinyinterp.errors import SelectionError
from tinyinterp.head_census import HeadSettings, census, census_heads, labels, nulls
from tinyinterp.head_census.measure import measure
from tinyinterp.head_census.notes import census_notes, check_same_census
from tinyinterp.model import Model
from tinyinterp.text.corpus import corpus_of

SETTINGS = HeadSettings(seed=3, causal=False, null_tokens=150)


def stories(seed=0, n=32):
    random, known = np.random.default_rng(seed), np.array(random_words(40))
    return [" ".join(random.choice(known, size=6 + number % 3)) for number in range(n)]


def corpus(texts, n_ctx=N_CTX):
    return corpus_of(texts, tiny_tokenizer(), n_ctx)


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    return Model(tiny_checkpoint(tmp_path_factory.mktemp("tiny")), "tiny")


def notes(model, text, settings=SETTINGS):
    return census_notes(model, text, text.survey(), settings)


def test_a_census_is_known_again_whatever_its_settings(model):
    text = corpus(stories())
    for settings in (SETTINGS, HeadSettings(rule="report"), HeadSettings(null_tokens=1)):
        given = notes(model, text, settings)
        check_same_census(given, model, corpus(stories()))
        assert (given["census"] == notes(model, text)["census"]) == (settings == SETTINGS)


def test_another_text_of_the_same_name_and_size_is_another_census(model):
    text, other = corpus(stories()), corpus(stories()[::-1])
    same = ("text", "tokens", "sequences", "test_sequences")
    assert [notes(model, text)[name] for name in same] == [notes(model, other)[n] for n in same]
    with pytest.raises(SelectionError, match="content of the text"):
        check_same_census(notes(model, text), model, other)


def test_what_differs_is_said(model, tmp_path, monkeypatch):
    text = corpus(stories())
    given = notes(model, text)
    for other, said in (
        (replace(text, name="other"), "has the text 'text', here it is 'other'"),
        (replace(text, max_tokens=100), "number of tokens"),
        (corpus(stories(), n_ctx=N_CTX - 1), f"context {N_CTX}, here it is {N_CTX - 1}"),
    ):
        with pytest.raises(SelectionError, match=said):
            check_same_census(given, model, other)
    another = Model(tiny_checkpoint(tmp_path, seed=1), "tiny")
    with pytest.raises(SelectionError, match="fingerprint"):
        check_same_census(given, another, text)
    with pytest.raises(SelectionError, match="no note 'null_tokens'"):
        check_same_census({k: v for k, v in given.items() if k != "null_tokens"}, model, text)
    with pytest.raises(SelectionError, match="changed by hand"):
        check_same_census(given | {"seed": 4}, model, text)
    monkeypatch.setattr(labels, "THRESHOLDS", replace(labels.THRESHOLDS, contrast=0.1))
    with pytest.raises(SelectionError, match="thresholds"):
        check_same_census(given, model, text)


@pytest.mark.parametrize("asked", [1, 150, 20_000])
def test_heads_and_null_models_are_compared_on_the_same_tokens(model, asked, monkeypatch):
    """And the notes say how many these were, not how many were asked for."""
    text = corpus(stories())
    read, compared = [], []
    measure_models, q_values = nulls.measure, census.q_values

    def reading(engine, config, short, **others):
        read.append(short.survey().tokens)
        return measure_models(engine, config, short, **others)

    def comparing(estimates, tests, random_models):
        compared.append(estimates)
        return q_values(estimates, tests, random_models)

    monkeypatch.setattr(nulls, "measure", reading)
    monkeypatch.setattr(census, "q_values", comparing)
    found = census_heads(model, text, replace(SETTINGS, null_tokens=asked))
    beginning = replace(text, max_tokens=asked)
    n_tokens = beginning.survey().tokens
    assert set(read) == {n_tokens}
    assert (n_tokens < text.survey().tokens) == (asked < 20_000)
    assert found.table.notes["tokens_of_random_models"] == n_tokens
    assert found.table.notes["tokens_of_shuffled_models"] in (0, n_tokens)
    (estimates,) = compared
    again = measure(model.decoder, model.config, beginning, seed=3).estimates
    np.testing.assert_array_equal(estimates.explained_nats, again.explained_nats)
    np.testing.assert_array_equal(estimates.unexplained_nats, again.unexplained_nats)


@pytest.mark.parametrize("decided", [labels.Decision.INDUCTION, labels.Decision.SEMANTIC])
def test_random_models_read_repeated_tokens_where_a_head_is_decided_there(
    model, decided, monkeypatch
):
    asked = []
    measure_models, decide = nulls.measure_random_models, labels.decide

    def one_decided(quantities):
        tests = decide(quantities)
        tests[..., 0, 1] = decided
        return tests

    def measuring(*given, with_repeated, **others):
        asked.append(with_repeated)
        return measure_models(*given, with_repeated=with_repeated, **others)

    monkeypatch.setattr(labels, "decide", one_decided)
    monkeypatch.setattr(census, "measure_random_models", measuring)
    found = census_heads(model, corpus(stories()), SETTINGS)
    assert asked == [decided is labels.Decision.INDUCTION]
    row = found.table.row(layer=0, head=1)
    assert row["decided_by"] == labels.QUANTITY[decided]
    assert 0 < row["q_value"] <= 1
