from __future__ import annotations

import pytest

from tinyinterp.tagging import PENN, TAGS, UNIVERSAL, UNSURE, PatternTagger
from tinyinterp.tagging.conventions import PENN_TO_UNIVERSAL, by_convention
from tinyinterp.tagging.hanta import CLAWS_TO_UNIVERSAL
from tinyinterp.tagging.pattern import mend
from tinyinterp.tagging.tag_sets import from_treebank


def test_every_tag_has_one_number_and_every_conversion_ends_in_a_tag():
    for tag_set in (UNIVERSAL, PENN):
        assert [tag_set.index(tag) for tag in tag_set.names] == list(range(len(tag_set)))
        assert tag_set.index(UNSURE) == -1
    assert UNIVERSAL.names == TAGS
    assert set(PENN_TO_UNIVERSAL) <= set(PENN.names)
    assert set(PENN_TO_UNIVERSAL.values()) | set(CLAWS_TO_UNIVERSAL.values()) <= set(TAGS)


@pytest.mark.parametrize(
    ("sentence", "tags", "mended"),
    [
        ("Nobody saw something", "NOUN VERB NOUN", "PRON VERB PRON"),
        ("this is this old dog", "DET VERB DET ADJ NOUN", "PRON VERB DET ADJ NOUN"),
        ("which dog is that", "DET NOUN VERB DET", "DET NOUN VERB PRON"),
        ("the dog that ran", "DET NOUN ADP VERB", "DET NOUN PRON VERB"),
        ("said that Tim ran", "VERB ADP PROPN VERB", "VERB ADP PROPN VERB"),
        ("there is a bird there", "PRON VERB DET NOUN PRON", "PRON VERB DET NOUN ADV"),
        ("please do not go", "VERB VERB ADV VERB", "INTJ VERB PART VERB"),
        ("Tim & Sam !", "PROPN X PROPN X", "PROPN CCONJ PROPN PUNCT"),
    ],
)
def test_words_that_decide_their_tag(sentence: str, tags: str, mended: str):
    assert by_convention(sentence.split(), tags.split()) == mended.split()


def test_tags_of_treebanks():
    assert [from_treebank(tag, UNIVERSAL) for tag in ("AUX", "SCONJ", "ADP", "_", "")] == [
        *("VERB", "ADP", "ADP", "X", "X")
    ]
    assert [from_treebank(tag, PENN) for tag in ("VBD", "``", "-RRB-", "HYPH", "GW")] == [
        *("VBD", '"', ")", ":", "X")
    ]


@pytest.mark.parametrize(
    ("sentence", "tags"),
    [
        ("She saw Tom 's 3 red balls", "PRP VBD NNP POS CD JJ NNS"),
        ("( “ here ” ) - 5 $ & more !", '( " RB " ) : CD $ CC JJR .'),
        ("", ""),
    ],
)
def test_penn_tags_of_the_default_tagger(sentence: str, tags: str):
    tagger = PatternTagger(PENN)
    assert tagger.tag_set is PENN
    assert tagger.tag([sentence.split()] if sentence else []) == tags.split()


@pytest.mark.parametrize(
    ("sentence", "penn", "mended"),
    [
        ("We need you", "PRP NN PRP", "PRP VBP PRP"),
        ("he hit it", "PRP NN PRP", "PRP VBD PRP"),
        ("she walks", "PRP NNS", "PRP VBZ"),
        ("you help Tom", "PRP NN NNP", "PRP VBP NNP"),
        ("gave you help .", "VBD PRP NN .", "VBD PRP NN ."),  # after "you" it may be a noun
        ("did n’t share", "VBD RB NN", "VBD RB VB"),
        ("not help", "RB NN", "RB NN"),
        ("to share the toy", "TO NN DT NN", "TO VB DT NN"),
        ("to bed .", "TO NN .", "IN NN ."),
        ("help", "NN", "NN"),
        ("the leaves fell", "DT VBZ VBD", "DT NNS VBD"),
        ("his big bear", "PRP$ JJ VB", "PRP$ JJ NN"),
        ("her leave", "PRP VBP", "PRP VBP"),  # saw her leave
        ("big bear", "JJ VB", "JJ VB"),
        ("they ran", "PRP VBD", "PRP VBD"),
    ],
)
def test_where_only_a_verb_or_only_a_noun_can_stand(sentence: str, penn: str, mended: str):
    assert mend(sentence.split(), penn.split()) == mended.split()


@pytest.mark.parametrize(
    ("sentence", "word", "tag"),
    [
        ("Let 's play", "'s", "PRP"),
        ("That 's a ball", "'s", "VBZ"),
        ("Here ’s the dog", "’s", "VBZ"),
        ("She 's happy", "'s", "VBZ"),
        ("Everything 's good", "'s", "VBZ"),
        ("The food 's not good", "'s", "VBZ"),
        ("Tom 's ball fell", "'s", "POS"),
        ("The dogs ' bowls fell", "'", "POS"),
        ("She went to the park", "to", "IN"),
        ("She went to bed", "to", "IN"),
        ("She wanted to open the box", "to", "TO"),
        ("She wanted to jump .", "to", "TO"),
        ("They look forward to seeing you", "to", "IN"),
        ("I saw that dog .", "that", "DT"),
        ("From that day on", "that", "DT"),
        ("the ball that she loved", "that", "WDT"),
        ("the dog that ran", "that", "WDT"),
        ("He said that she ran", "that", "IN"),
        ("her ball fell", "her", "PRP$"),
        ("Tim saw her .", "her", "PRP"),
        ("there was a dog", "there", "EX"),
        ("We went there .", "there", "RB"),
        ("They like to play", "like", "VBP"),
        ("It looked like a dog", "like", "IN"),
        ("She was excited to go", "excited", "JJ"),
        ("Tim scared the cat", "scared", "VBD"),
        ("No , I want it", "No", "UH"),
        ("Great food !", "Great", "JJ"),
        ("It was as big as a dog", "as", "RB"),
    ],
)
def test_words_whose_tag_their_neighbours_decide(sentence: str, word: str, tag: str):
    words = sentence.split()
    assert PatternTagger(PENN).tag([words])[words.index(word)] == tag
