"""Words, their parts of speech, and the tag of each token.

Each story is split into words and tagged once; tokens are then matched to words by the characters
they cover. A token is a whole word, the start of one, a continuation, part of several words, or
part of none. Whole words and starts are *scored*: they get the tag of their word. The space in
front of a word belongs to the word's first token.

    story ──► words ──► tagger (one, or two that must agree) ──► tags ──► tokens, by characters
"""

from __future__ import annotations

from tinyinterp.tagging.alignment import Part, align
from tinyinterp.tagging.pattern import PatternTagger
from tinyinterp.tagging.reader import TagReader, TokenTags, Words
from tinyinterp.tagging.tag_sets import NO_TAG, PENN, TAG_SETS, TAGS, UNIVERSAL, UNSURE, TagSet
from tinyinterp.tagging.taggers import (
    DEFAULT_TAGGER,
    OPENERS,
    AgreeingTaggers,
    Tagger,
    installed_taggers,
    open_tagger,
)
from tinyinterp.tagging.words import QUOTATION_MARK, SENTENCE_END, split_words

__all__ = [
    "DEFAULT_TAGGER",
    "NO_TAG",
    "OPENERS",
    "PENN",
    "QUOTATION_MARK",
    "SENTENCE_END",
    "TAGS",
    "TAG_SETS",
    "UNIVERSAL",
    "UNSURE",
    "AgreeingTaggers",
    "Part",
    "PatternTagger",
    "TagReader",
    "TagSet",
    "Tagger",
    "TokenTags",
    "Words",
    "align",
    "installed_taggers",
    "open_tagger",
    "split_words",
]
