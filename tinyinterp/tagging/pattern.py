"""The default tagger, from a package that is always installed, and corrections to it."""

from __future__ import annotations

from collections.abc import Sequence as Row
from importlib.metadata import version

from tinyinterp.tagging.backend import penn_tags
from tinyinterp.tagging.conventions import APOSTROPHES, from_penn, mark_tag
from tinyinterp.tagging.function_words import mend_function_words
from tinyinterp.tagging.sentence import AUXILIARIES, NOMINATIVE, NOUNS, OBJECTS, sentence_of
from tinyinterp.tagging.tag_sets import PENN, UNIVERSAL, TagSet, from_treebank
from tinyinterp.tagging.word_forms import mend_word_forms
from tinyinterp.tagging.words import STRAIGHT

MARKS = {
    ".": ".!?",
    ",": ",",
    '"': "\"'’‘“”„«»`",
    "(": "([{<",
    ")": ")]}>",
    "$": "$£€#",
}
DETERMINERS = (  # not "her" and "this", which also occur without a noun
    *("the", "a", "an", "every"),
    *("my", "your", "his", "its", "our", "their"),
)
VERBS = ("VB", "VBP", "VBZ")
PRONOUNS = ("you", "it", "who")


class PatternTagger:
    """The ``PatternTagger`` of ``textblob``, a lexicon: no download, no model."""

    def __init__(self, tag_set: TagSet = UNIVERSAL) -> None:
        self.name = f"textblob {version('textblob')} PatternTagger"
        self.tag_set = tag_set

    def tag(self, sentences: Row[Row[str]]) -> list[str]:
        """See :class:`tinyinterp.tagging.taggers.Tagger`. A word holds no space."""
        tags: list[str] = []
        for sentence in sentences:
            own = mend(sentence, penn_tags([word.translate(STRAIGHT) for word in sentence]))
            if self.tag_set is PENN:
                tags += [_penn(word, tag) for word, tag in zip(sentence, own, strict=True)]
            else:
                tags += from_penn(sentence, own)
        return tags


def mend(words: Row[str], penn: Row[str]) -> list[str]:
    """Correct the Penn tags of a sentence: verbs where no noun can be, nouns where no verb can be.

    The tagger calls *need* a noun and *leaves* a verb in every context. Then the words follow whose
    tag depends on their neighbours most: see :mod:`tinyinterp.tagging.function_words` and
    :mod:`tinyinterp.tagging.word_forms`.

    >>> mend(["I", "need", "to", "help", "Tom"], ["PRP", "NN", "TO", "NN", "NNP"])
    ['PRP', 'VBP', 'TO', 'VB', 'NNP']
    >>> mend(["the", "leaves", "fell"], ["DT", "VBZ", "VBD"])
    ['DT', 'NNS', 'VBD']
    """
    sentence = sentence_of(words, penn)
    for i in range(1, len(words)):
        if penn[i] in NOUNS:
            after = penn[i + 1] if i + 1 < len(penn) else ""
            sentence.tags[i] = _verb(sentence.lower[:i], after, penn[i]) or penn[i]
        elif penn[i] in VERBS:
            described = penn[i - 1] == "JJ" and i > 1
            if sentence.lower[i - 2 if described else i - 1] in DETERMINERS:
                sentence.tags[i] = "NNS" if penn[i] == "VBZ" else "NN"
    mend_function_words(sentence)
    mend_word_forms(sentence)
    return sentence.tags


def _verb(so_far: Row[str], after: str, noun: str) -> str | None:
    """The verb tag of a word that is tagged as a noun; None if it can be a noun."""
    before = so_far[-1]
    if before in ("not", "n't") and len(so_far) > 1 and so_far[-2] in AUXILIARIES:
        before = so_far[-2]
    if before in AUXILIARIES or (before == "to" and after in OBJECTS):
        return "VB"
    if before in NOMINATIVE or (before in PRONOUNS and after in (*OBJECTS, "TO")):
        return "VBZ" if noun == "NNS" else "VBD" if before in ("he", "she") else "VBP"
    return None


def _penn(word: str, tag: str) -> str:
    """A tag of ``PENN``; the tagger calls marks that it does not know nouns or numbers."""
    mark = mark_tag(word)
    if mark in (None, "CCONJ") or (tag == "POS" and word in APOSTROPHES):
        return from_treebank(tag, PENN)
    for penn, characters in MARKS.items():
        if word[0] in characters:
            return penn
    return "SYM" if mark == "SYM" else ":"
