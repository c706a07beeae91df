"""Universal tags from a tagger's own, by the conventions of Universal Dependencies."""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence as Row

from tinyinterp.tagging.words import STRAIGHT

PENN_TO_UNIVERSAL = {
    **dict.fromkeys(("NN", "NNS"), "NOUN"),
    **dict.fromkeys(("NNP", "NNPS"), "PROPN"),
    **dict.fromkeys(("VB", "VBD", "VBG", "VBN", "VBP", "VBZ", "MD"), "VERB"),
    **dict.fromkeys(("JJ", "JJR", "JJS"), "ADJ"),
    **dict.fromkeys(("RB", "RBR", "RBS", "WRB"), "ADV"),
    **dict.fromkeys(("PRP", "PRP$", "WP", "WP$", "EX"), "PRON"),
    **dict.fromkeys(("DT", "PDT", "WDT"), "DET"),
    **dict.fromkeys(("IN", "RP"), "ADP"),
    **dict.fromkeys(("TO", "POS"), "PART"),
    "CC": "CCONJ",
    "CD": "NUM",
    "UH": "INTJ",
}
APOSTROPHES = ("'", "’", "\x92")  # of the dogs' bowls: no mark, but a word
NEGATIONS = ("not", "n't")
INDEFINITE = frozenset(  # nouns in Penn, pronouns in Universal Dependencies
    first + last for first in ("any", "every", "no", "some") for last in ("body", "one", "thing")
)
DEMONSTRATIVES = ("this", "that", "these", "those")
WHICH = ("which", "what")
NOMINAL = ("NOUN", "PROPN", "PRON")
AFTER_THIS = ("NOUN", "PROPN", "ADJ", "NUM")  # this (old) dog


def from_penn(words: Row[str], penn: Row[str]) -> list[str]:
    """Universal tags of the words of a sentence, by their Penn tags.

    >>> from_penn(["Someone", "went", "to", "this", "."], ["NN", "VBD", "IN", "DT", "."])
    ['PRON', 'VERB', 'ADP', 'PRON', 'PUNCT']
    """
    return by_convention(words, [PENN_TO_UNIVERSAL.get(tag, "X") for tag in penn])


def by_convention(words: Row[str], tags: Row[str]) -> list[str]:
    """The universal tags of a sentence, corrected where a word and its neighbours decide the tag.

    Taggers follow other conventions than Universal Dependencies for some words: they call
    *something* a noun, and *this* a determiner even without a noun. Punctuation and symbols are
    distinguished by their characters.
    """
    before, after = ["", *tags[:-1]], [*tags[1:], ""]
    return [
        (None if word in APOSTROPHES and neighbours[0] == "PART" else mark_tag(word))
        or _by_convention(word.lower().translate(STRAIGHT), *neighbours)
        for word, *neighbours in zip(words, tags, before, after, strict=True)
    ]


def _by_convention(word: str, tag: str, before: str, after: str) -> str:
    if word in NEGATIONS:
        return "PART"
    if word == "please":
        return "INTJ"
    if word in INDEFINITE:
        return "PRON"
    if word == "there" and tag == "PRON" and after != "VERB":
        return "ADV"  # over there
    if word in DEMONSTRATIVES + WHICH and tag in ("DET", "PRON"):
        follows = AFTER_THIS if word in DEMONSTRATIVES else ("NOUN",)
        return "DET" if after in follows else "PRON"
    if word == "that" and tag == "ADP" and before in NOMINAL and after == "VERB":
        return "PRON"  # the dog that ran
    return tag


def mark_tag(word: str) -> str | None:
    """PUNCT or SYM for a word without letters or digits, CCONJ for ``&``; None for others.

    >>> mark_tag("!"), mark_tag("$"), mark_tag("&"), mark_tag("dog")
    ('PUNCT', 'SYM', 'CCONJ', None)
    """
    if any(char.isalnum() for char in word):
        return None
    if word == "&":
        return "CCONJ"
    symbol = all(unicodedata.category(char).startswith("S") for char in word)
    return "SYM" if symbol else "PUNCT"
