from __future__ import annotations

import pytest
from planted.rule_neurons import PlantedRules, plant_rules

from tinyinterp.model_account.rules import NeuronRules, find_rules, summarize_rules
from tinyinterp.tagging import TagReader
from tinyinterp.text.sequences import Side

# Nothing was tried on these; the generator was settled on seed 0.
HELD_OUT = [(5003, 353, 106), (5009, 357, 86), (5011, 359, 134), (5021, 361, 202)]


def rules_of(planted: PlantedRules) -> list[NeuronRules]:
    corpus = planted.corpus
    found = find_rules(
        planted.decoder,
        corpus.tokenizer,
        lambda: corpus.micro_batches(Side.FIT),
        lambda: corpus.micro_batches(Side.TEST),
        TagReader(),
    )
    return found[0]


def alternatives(rules: tuple[str, ...]) -> set[str]:
    """The tokens of rules that are one set of single tokens; other rules as they are."""
    return {
        part
        for rule in rules
        for part in (rule[1:-1].split("|") if rule[0] == "[" and " " not in rule else [rule])
    }


@pytest.mark.parametrize(("seed", "n_vocab", "n_code"), [(0, 353, 106), *HELD_OUT])
def test_the_rules_found_are_those_planted(seed: int, n_vocab: int, n_code: int):
    planted = plant_rules(seed, n_vocab, n_code)
    for row, expected in zip(rules_of(planted), planted.rules, strict=True):
        assert alternatives(row.rules) == expected
        if expected:
            assert row.f1 == row.precision == row.recall == 1.0
            assert row.n_hits > 10


@pytest.fixture(scope="module")
def planted() -> PlantedRules:
    return plant_rules(1)


@pytest.fixture(scope="module")
def found(planted: PlantedRules) -> list[NeuronRules]:
    return rules_of(planted)


def test_single_tokens_explain_tokens_and_nothing_more(found: list[NeuronRules]):
    token, two_tokens, pair, verb_the, det_noun, six_tokens, never = found
    assert token.token_f1 == two_tokens.token_f1 == six_tokens.token_f1 == 1.0
    for row in (pair, verb_the, det_noun):
        assert row.n_patterns == 1
        assert row.token_f1 < row.f1 - 0.2
        assert row.f1_low == row.f1_high == 1.0
    assert six_tokens.n_patterns == 6
    assert len(six_tokens.rules) == 1
    assert never.n_hits == 0


def test_a_neuron_that_never_fires_has_no_rules_and_no_numbers(found: list[NeuronRules]):
    columns = found[-1].columns()
    assert columns.pop("rules") == []
    assert set(columns.values()) == {None}


def test_a_layer_in_a_few_numbers(found: list[NeuronRules]):
    layer = summarize_rules(0, found)
    assert (layer.n_scored, layer.median_f1, layer.better_share) == (6, 1.0, 0.5)
    assert summarize_rules(0, found[-1:]).median_f1 is None
