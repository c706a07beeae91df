from __future__ import annotations

from collections.abc import Sequence
from dataclasses import fields, make_dataclass, replace

import pytest

from tests.models import tiny_checkpoint
from tests.planted.neurons import NAMES, NOUNS, plant, stories
from tinyinterp.errors import SelectionError
from tinyinterp.model import Model
from tinyinterp.neuron_census import (
    NeuronCensus,
    NeuronRow,
    NeuronSettings,
    census_neurons,
    notes,
)
from tinyinterp.neuron_census.corpus_stats import corpus_stats
from tinyinterp.neuron_census.finished import Finished, find_finished
from tinyinterp.neuron_census.notes import census_fingerprint
from tinyinterp.tagging import PENN, UNIVERSAL, UNSURE, TagReader, TagSet, open_tagger
from tinyinterp.text.corpus import Corpus, corpus_of
from tinyinterp.views.neuron_text import header_lines

SETTINGS = NeuronSettings(layers=(0, 1), top=5, null_tokens=0)
PENN_SETTINGS = replace(SETTINGS, tags="penn")
TWO = TagSet("two", ("REST", "THING"))


class TwoTags:
    """THING for the nouns of the grammar, REST for other words; no tag for some."""

    name = "two tags"
    tag_set = TWO

    def __init__(self, unsure: tuple[str, ...] = ()) -> None:
        self.unsure = unsure

    def tag(self, sentences: Sequence[Sequence[str]]) -> list[str]:
        return [self._tag(word) for sentence in sentences for word in sentence]

    def _tag(self, word: str) -> str:
        if word in self.unsure:
            return UNSURE
        return "THING" if word in NOUNS else "REST"


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Model:
    return Model(tiny_checkpoint(tmp_path_factory.mktemp("tiny")), "tiny")


@pytest.fixture(scope="module")
def corpus(model: Model) -> Corpus:
    return corpus_of(stories(11, 59), model.tokenizer, 89)


@pytest.fixture(scope="module")
def census(model: Model, corpus: Corpus) -> NeuronCensus:
    return census_neurons(model, corpus, PENN_SETTINGS)


def test_every_table_speaks_of_penn_tags(census: NeuronCensus, model: Model):
    known = {*PENN.names, ""}
    assert set(census.table["best_tag"]) <= known
    assert set(census.table["best_tag"]) - set(UNIVERSAL.names) - {""}
    assert set(census.top["tag"]) <= known
    assert {"NN", "VBD", "PRP$"} <= set(census.top["tag"])
    for layer in census.layers.values():
        associations = layer.associations
        assert associations.num_rows == model.config.d_mlp * 3 * len(PENN)
        first = associations.slice(0, 3 * len(PENN)).to_pydict()
        assert first["tag"] == 3 * list(PENN.names)
        sides = [side for side in ("current", "next", "previous") for _ in PENN.names]
        assert first["target"] == sides
        tested = {tag for tag, tested in zip(first["tag"], first["tested"], strict=True) if tested}
        assert {"NN", "VBD", "PRP$"} <= tested
        assert not tested & {"NNS", "VBG", "FW"}


def test_the_notes_name_tagger_and_tags(census: NeuronCensus):
    notes = census.table.notes
    assert (notes["tagger"], notes["tags"]) == (open_tagger().name, "penn")


def test_neurons_are_ranked_by_a_penn_tag(census: NeuronCensus, tmp_path):
    census.write(tmp_path)
    ranking = Finished(tmp_path, (0, 1)).ranking("PRP$", "next")
    assert len(ranking) == len(census.table)
    assert {(row["tag"], row["target"]) for row in ranking} == {("PRP$", "next")}
    lows = [row["tag_correlation_low"] for row in ranking]
    assert lows == sorted(lows, reverse=True)
    assert lows[0] > lows[-1]


def test_a_census_of_other_tags_or_of_another_tagger_is_not_used(
    census: NeuronCensus, model: Model, corpus: Corpus, tmp_path
):
    census.write(tmp_path)
    stats, pattern = corpus_stats(corpus), open_tagger("pattern", "penn")

    def found(settings: NeuronSettings, tagger) -> Finished | None:
        fingerprint = census_fingerprint(model, corpus, settings, stats, tagger)
        return find_finished(tmp_path, (0, 1), fingerprint)

    class Newer:
        name, tag_set = "textblob 99", PENN
        tag = pattern.tag

    assert found(PENN_SETTINGS, pattern) is not None
    assert found(SETTINGS, open_tagger("pattern")) is None
    assert found(PENN_SETTINGS, Newer()) is None
    assert found(replace(PENN_SETTINGS, tagger="agree"), pattern) is None


def test_a_census_with_other_columns_is_not_used(
    census: NeuronCensus, model: Model, corpus: Corpus, tmp_path, monkeypatch
):
    census.write(tmp_path)
    stats, pattern = corpus_stats(corpus), open_tagger("pattern", "penn")

    def found() -> Finished | None:
        fingerprint = census_fingerprint(model, corpus, PENN_SETTINGS, stats, pattern)
        return find_finished(tmp_path, (0, 1), fingerprint)

    assert found() is not None
    with monkeypatch.context() as patch:
        patch.setattr(notes, "ASSOCIATION_COLUMNS", notes.ASSOCIATION_COLUMNS[:-1])
        assert found() is None
    fewer = make_dataclass("NeuronRow", [f.name for f in fields(NeuronRow)][:-1])
    monkeypatch.setattr(notes, "NeuronRow", fewer)
    assert found() is None


def test_a_neuron_that_fires_on_names_is_one_of_proper_nouns():
    planted = plant(9, n_vocab=389, names=True)
    settings = NeuronSettings(layers=(0,), top=3, null_tokens=0)
    for tags, name, verb in (("universal", "PROPN", "VERB"), ("penn", "NNP", "VBD")):
        census = census_neurons(planted.model, planted.corpus, replace(settings, tags=tags))
        row = census.table.row(neuron=0)
        assert (row["kind"], row["best_tag"]) == ("part-of-speech", name)
        assert row["best_target"] == "current"
        assert row["purity"] > 0.95
        assert row["types"] >= len(NAMES) - 1  # one of them is too rare to be a single token
        assert {hit["tag"] for hit in census.top if hit["neuron"] == 0} == {name}
        assert census.table.row(neuron=1)["best_tag"] == verb


def test_any_tag_set_will_do():
    planted = plant(5, noise=0.0)
    settings = NeuronSettings(layers=(0,), top=3, null_tokens=300)
    census = census_neurons(
        planted.model, planted.corpus, settings, tag_reader=TagReader(TwoTags())
    )
    noun, verb, before_noun = (census.table.row(neuron=neuron) for neuron in range(3))
    assert (noun["kind"], noun["best_tag"]) == ("part-of-speech", "THING")
    assert (noun["auroc"], noun["purity"]) == (1.0, 1.0)
    assert (before_noun["kind"], before_noun["best_tag"]) == ("next-word", "THING")
    assert before_noun["best_target"] == "next"
    assert (verb["kind"], verb["best_tag"]) == ("mixed", "REST")  # as most words have: no lift
    assert verb["purity"] == 1.0
    assert verb["lift"] < 2
    associations = census.layers[0].associations
    assert associations.num_rows == len(census.table) * 6
    assert census.table.notes["tags"] == "two"
    assert "; two tags by two tags, " in " ".join(header_lines(census.table.notes))


def test_words_that_a_tagger_leaves_open_count_against_every_tag():
    planted = plant(5, noise=0.0)
    settings = NeuronSettings(layers=(0,), top=3, null_tokens=0)
    reader = TagReader(TwoTags(unsure=NOUNS[:6]))
    row = census_neurons(planted.model, planted.corpus, settings, tag_reader=reader).table.row(
        neuron=0
    )
    assert row["purity"] == pytest.approx(0.5, abs=0.05)
    assert row["auroc"] == 1.0
    assert row["kind"] == "mixed"


def test_a_tagger_that_cannot_be_had_is_refused_before_anything_is_read(
    model: Model, corpus: Corpus, monkeypatch: pytest.MonkeyPatch
):
    def read(*_: object) -> None:
        raise AssertionError("the text was read")

    monkeypatch.setattr("tinyinterp.neuron_census.census.corpus_stats", read)
    with pytest.raises(SelectionError, match="no tagger 'brill'; choose one of pattern, spacy"):
        census_neurons(model, corpus, replace(SETTINGS, tagger="brill"))
    with pytest.raises(SelectionError, match="no tags 'claws'; choose one of universal, penn"):
        census_neurons(model, corpus, replace(SETTINGS, tags="claws"))
