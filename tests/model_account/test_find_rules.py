from __future__ import annotations

import pytest
import torch
from models import tiny_decoder, tiny_tokenizer
from planted.neurons import stories

from tinyinterp.errors import CorpusError, SelectionError
from tinyinterp.model_account.rules import NeuronRules, RuleSettings, find_rules
from tinyinterp.tagging import TagReader
from tinyinterp.text.corpus import Corpus, corpus_of
from tinyinterp.text.sequences import Side


@pytest.fixture(scope="module")
def corpus() -> Corpus:
    return corpus_of(stories(5, 60), tiny_tokenizer(), 97)


@pytest.fixture(scope="module")
def tag_reader() -> TagReader:
    return TagReader()


def rules_of(
    corpus: Corpus, tag_reader: TagReader, test: Side = Side.TEST, **settings: int
) -> dict[int, list[NeuronRules]]:
    return find_rules(
        tiny_decoder(),
        corpus.tokenizer,
        lambda: corpus.micro_batches(Side.FIT),
        lambda: corpus.micro_batches(test),
        tag_reader,
        layers=(0, 2),
        settings=RuleSettings(**settings),
    )


def test_any_number_of_threads_gives_the_same(corpus: Corpus, tag_reader: TagReader):
    before = torch.get_num_threads()
    try:
        torch.set_num_threads(1)
        one = rules_of(corpus, tag_reader)
        torch.set_num_threads(3)
        three = rules_of(corpus, tag_reader)
    finally:
        torch.set_num_threads(before)
    assert one == three
    assert any(row.rules for row in one[0])


def test_rules_do_not_depend_on_the_text_that_they_are_scored_on(
    corpus: Corpus, tag_reader: TagReader
):
    held_out = rules_of(corpus, tag_reader)
    itself = rules_of(corpus, tag_reader, Side.FIT)
    for layer, rows in held_out.items():
        assert [row.rules for row in rows] == [row.rules for row in itself[layer]]
        assert [row.f1 for row in rows] != [row.f1 for row in itself[layer]]


def test_patterns_may_be_chosen_on_the_first_part_of_the_text(
    corpus: Corpus, tag_reader: TagReader
):
    part = rules_of(corpus, tag_reader, fit_tokens=1)
    whole = rules_of(corpus, tag_reader)
    assert [row.rules for row in part[0]] != [row.rules for row in whole[0]]
    assert [row.n_hits for row in part[0]] == [row.n_hits for row in whole[0]]  # the same level


def test_without_a_story_to_choose_on_there_are_no_rules(corpus: Corpus, tag_reader: TagReader):
    with pytest.raises(CorpusError, match="no story to choose patterns on"):
        find_rules(tiny_decoder(), corpus.tokenizer, list, list, tag_reader)


@pytest.mark.parametrize("name", ["most", "support", "spread", "fit_tokens"])
def test_settings_that_make_no_sense(name: str):
    with pytest.raises(SelectionError, match=f"{name} is 0; it must be at least 1"):
        RuleSettings(**{name: 0})
