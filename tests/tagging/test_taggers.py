from __future__ import annotations

import importlib.util
from itertools import pairwise

import numpy as np
import pytest

from tests.models import tiny_tokenizer
from tinyinterp.errors import SelectionError
from tinyinterp.tagging import (
    NO_TAG,
    PENN,
    UNIVERSAL,
    UNSURE,
    AgreeingTaggers,
    PatternTagger,
    TagReader,
    installed_taggers,
    open_tagger,
    split_words,
)
from tinyinterp.text.corpus import corpus_of

STORY = "Tim saw a big dog. The dog ran to the park, and Tim didn't run."


class FixedTagger:
    """Tags by a rule that is known; ``odd`` words are what the other one calls them."""

    def __init__(self, name: str, odd: dict[str, str], tag_set=UNIVERSAL) -> None:
        self.name = name
        self.tag_set = tag_set
        self.odd = odd

    def tag(self, sentences):
        return [self.odd.get(word, "NOUN") for sentence in sentences for word in sentence]


def test_the_default_needs_nothing_and_gives_either_set():
    for tags, tag_set in (("universal", UNIVERSAL), ("penn", PENN)):
        tagger = open_tagger(tags=tags)
        assert isinstance(tagger, PatternTagger)
        assert tagger.tag_set is tag_set
        assert TagReader(tagger).tag_set is tag_set
    assert installed_taggers()[0] == "pattern"


@pytest.mark.parametrize(
    ("name", "tags", "said"),
    [
        ("nltk", "universal", "no tagger 'nltk'; choose one of pattern, spacy, hanta, agree"),
        ("pattern:x", "universal", "no tagger 'pattern:x'"),
        ("pattern", "claws", "no tags 'claws'; choose one of universal, penn"),
        ("hanta", "penn", "HanTa has no penn tags"),
    ],
)
def test_what_does_not_exist_is_refused(name: str, tags: str, said: str):
    with pytest.raises(SelectionError, match=said):
        open_tagger(name, tags)


def test_what_is_not_installed_is_said(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(importlib.util, "find_spec", lambda _: None)
    for module in ("taggers", "spacy_pipeline"):
        monkeypatch.setattr(f"tinyinterp.tagging.{module}.find_spec", lambda _: None)
    monkeypatch.setitem(__import__("sys").modules, "HanTa.HanoverTagger", None)
    assert installed_taggers() == ["pattern"]
    with pytest.raises(SelectionError, match=r"pip install 'tinyinterp\[spacy\]'"):
        open_tagger("spacy")
    with pytest.raises(SelectionError, match=r"pip install 'tinyinterp\[hanta\]'"):
        open_tagger("hanta")
    with pytest.raises(SelectionError, match="'agree' needs two taggers"):
        open_tagger("agree")


def test_where_two_taggers_differ_no_token_is_scored():
    taggers = AgreeingTaggers(
        FixedTagger("one", {"dog": "VERB", "ran": "VERB"}),
        FixedTagger("two", {"ran": "VERB", ".": "PUNCT"}),
    )
    assert taggers.name == "one and two, where they agree"
    assert taggers.tag([["the", "dog", "ran"], ["."]]) == ["NOUN", UNSURE, "VERB", UNSURE]
    reader, alone = TagReader(taggers), TagReader(FixedTagger("one", {}))
    sequence = next(corpus_of([STORY], tiny_tokenizer(), 97).sequences())
    words = [STORY[start:end] for start, end in split_words(STORY)]
    agreed, all_scored = reader.tokens(sequence), alone.tokens(sequence)
    for position in np.flatnonzero(all_scored.tags != NO_TAG):
        differ = words[all_scored.words[position]] in ("dog", ".")
        assert (agreed.tags[position] == NO_TAG) == differ
    after = {b for a, b in pairwise(range(len(words))) if words[b] not in ("dog", ".")}
    known = np.flatnonzero(agreed.next_tags != NO_TAG)
    assert {int(agreed.words[position]) + 1 for position in known} == after
    assert (agreed.words == all_scored.words).all()


def test_only_tags_of_one_set_can_agree():
    with pytest.raises(
        SelectionError, match="two gives penn tags; choose two taggers with the same tags"
    ):
        AgreeingTaggers(FixedTagger("one", {}), FixedTagger("two", {}, PENN))


def test_hanta_tags_a_story():
    pytest.importorskip("HanTa", reason="the second tagger is an extra")
    tagger = open_tagger("hanta")
    sentences = [["Tim", "did", "n’t", "see", "the", "big", "dog", "."], ["Someone", "ran", "!"]]
    assert tagger.tag(sentences) == [
        *("PROPN", "VERB", "PART", "VERB", "DET", "ADJ", "NOUN", "PUNCT", "PRON", "VERB", "PUNCT")
    ]
    assert tagger.tag([]) == []
    assert open_tagger("agree").name.endswith("where they agree")


@pytest.fixture
def pipeline():
    """A spaCy pipeline without a model: a component of ours calls capitals names."""
    spacy = pytest.importorskip("spacy", reason="spaCy is an extra")

    @spacy.Language.component("capitals")
    def capitals(doc):
        for word in doc:
            name = word.text[0].isupper() and word.i > 0
            word.pos_, word.tag_ = ("PROPN", "NNP") if name else ("AUX", "-LRB-")
        return doc

    made = spacy.blank("en")
    made.meta["name"], made.meta["version"] = "of_capitals", "7.1"
    made.add_pipe("capitals")
    return made


def test_spacy_tags_our_words_by_sentence(pipeline):
    from tinyinterp.tagging.spacy_pipeline import SpacyTagger

    sentences = [["Tim", "saw", "Tom", "n't"], [], ["Tom", "."]]
    universal, penn = SpacyTagger(UNIVERSAL, pipeline), SpacyTagger(PENN, pipeline)
    assert universal.tag(sentences) == ["VERB", "VERB", "PROPN", "VERB", "VERB", "VERB"]
    assert penn.tag(sentences) == ["(", "(", "NNP", "(", "(", "("]
    assert universal.name.endswith("en_of_capitals 7.1")
    assert universal.tag([]) == []


def test_spacy_by_folder_and_what_cannot_be_opened(pipeline, tmp_path):
    import spacy

    blank = tmp_path / "blank"
    spacy.blank("en").to_disk(blank)
    with pytest.raises(SelectionError, match="gives no universal tags"):
        open_tagger(f"spacy:{blank}")
    pipeline.to_disk(tmp_path / "capitals")
    assert open_tagger(f"spacy:{tmp_path / 'capitals'}").tag([["a", "B"]]) == ["VERB", "PROPN"]
    with pytest.raises(SelectionError, match="cannot open the pipeline 'no_such'"):
        open_tagger("spacy:no_such")


def test_spacy_takes_an_english_pipeline_that_is_installed(pipeline, monkeypatch):
    import spacy.util

    from tinyinterp.tagging import spacy_pipeline

    installed = ["de_core_news_sm", "en_a", "en_core_web_md"]
    monkeypatch.setattr(spacy.util, "get_installed_models", lambda: installed)
    monkeypatch.setattr(spacy_pipeline, "_load", lambda name: {"en_core_web_md": pipeline}[name])
    assert installed_taggers()[:2] == ["pattern", "spacy"]
    assert spacy_pipeline.english_pipelines() == ["en_core_web_md", "en_a"]
    assert "of_capitals" in open_tagger("spacy").name
    assert "of_capitals" in open_tagger("agree", "penn").name
    monkeypatch.setattr(spacy.util, "get_installed_models", lambda: installed[:1])
    with pytest.raises(SelectionError, match="no English pipeline;"):
        open_tagger("spacy")
    with pytest.raises(
        SelectionError, match="two taggers with penn tags, and only 'pattern' is installed"
    ):
        open_tagger("agree", "penn")
