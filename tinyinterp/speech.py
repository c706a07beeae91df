"""Words, their part of speech, and which token belongs to which word.

The original text is split into words and tagged, once a story; tokens are then matched to words by
the characters they cover. A token is a whole word, the start or the continuation of one, reaches
over several words, or belongs to none. Whole words and starts are *scored*: they take the tag of
their word; the space in front of a word belongs to the word's first token.

Tags are the universal ones, with two differences that come from the Penn tags the default tagger
speaks: AUX is counted with VERB, and SCONJ with ADP (Penn's ``IN`` is both).
"""

from __future__ import annotations

import re
import unicodedata
import warnings
from collections.abc import Sequence as Row
from dataclasses import dataclass
from enum import IntEnum
from functools import lru_cache
from importlib.metadata import version
from typing import Protocol, runtime_checkable

import numpy as np
from jaxtyping import Int

from tinyinterp.corpus import Sequence

TAGS = (
    *("NOUN", "PROPN", "VERB", "ADJ", "ADV", "PRON", "DET", "ADP"),
    *("CCONJ", "PART", "NUM", "INTJ", "PUNCT", "SYM", "X"),
)
NO_TAG = -1  # of a token that is not scored
STORIES_REMEMBERED = 1024  # twice what a corpus reads at a time, so that no piece is tagged twice

# Words as the Penn treebank cuts them: "did|n't", "Tom|'s", "3.50", "Mr.", "...".
WORD = re.compile(
    r"""
    (?:Mr|Mrs|Ms|Dr|St|Jr)\.(?=\s)                    # an abbreviation keeps its full stop
    | \d+(?:[.,:]\d+)*(?:st|nd|rd|th|s)?(?![^\W_])    # 3, 3.50, 10:30, 2nd
    | [^\W_]+?(?=n['’]t(?![^\W_]))                    # did, before n't
    | n['’]t(?![^\W_])
    | ['’](?:s|m|d|re|ve|ll)(?![^\W_])                # 's
    | [^\W_](?:[^\W_]|[\u0300-\u036f])*               # a run of letters and digits,
      (?:['’](?!(?:s|m|d|re|ve|ll|t)(?![^\W_]))[^\W_]+)*  # with its apostrophe: o'clock
    | ([.!?*_=~-])\1+                                 # a run of one mark
    | \S
    """,
    re.VERBOSE | re.IGNORECASE,
)
SENTENCE_END = re.compile(r"[.!?]+")
QUOTATION_MARK = re.compile(r"[\"“”„«»]")
STRAIGHT = str.maketrans("’‘“”„", '\'\'"""')  # the tagger knows straight marks only

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
NEGATIONS = ("not", "n't", "n’t")
PRONOUNS_BEFORE_IS = ("PRP", "EX", "WP", "WRB")  # it's, there's, who's, where's


@runtime_checkable
class Tagger(Protocol):
    """Gives every word of a text a part of speech."""

    name: str  # with its version, for the notes of a table

    def tag(self, sentences: Row[Row[str]]) -> list[str]:
        """One of :data:`TAGS` for each word, sentence after sentence in one list."""
        ...


class PatternTagger:
    """The Brill tagger of ``pattern``, as ``textblob`` carries it: no download, no model."""

    def __init__(self) -> None:
        from textblob.en.taggers import PatternTagger as Backend  # a second: only when needed

        self.name = f"textblob {version('textblob')} PatternTagger"
        self._backend = Backend()
        with warnings.catch_warnings():  # its word lists are read now, and their files left open
            warnings.simplefilter("ignore", ResourceWarning)
            self._backend.tag("a", tokenize=False)

    def tag(self, sentences: Row[Row[str]]) -> list[str]:
        """See :class:`Tagger`."""
        if not sentences:
            return []
        text = "\n".join(" ".join(sentence) for sentence in sentences)
        penn = [tag for _, tag in self._backend.tag(text.translate(STRAIGHT), tokenize=False)]
        words = [word for sentence in sentences for word in sentence]
        return [
            _universal(word, tag, before, after)
            for word, tag, before, after in zip(
                words, penn, ["", *penn[:-1]], [*penn[1:], ""], strict=True
            )
        ]


def _universal(word: str, penn: str, before: str, after: str) -> str:
    """The universal tag, by the Penn tags of the word and of its neighbours."""
    if not any(char.isalnum() for char in word):
        symbol = all(unicodedata.category(char).startswith("S") for char in word)
        return "SYM" if symbol else "PUNCT"
    if word.lower() in NEGATIONS:
        return "PART"
    if penn == "POS" and before in PRONOUNS_BEFORE_IS:
        return "VERB"
    if penn == "TO" and not after.startswith(("VB", "RB")):
        return "ADP"  # to the park
    return PENN_TO_UNIVERSAL.get(penn, "X")


class Part(IntEnum):
    """What a token is to the words."""

    NONE = 0
    WHOLE = 1
    START = 2
    CONTINUATION = 3
    SEVERAL = 4


@dataclass(frozen=True)
class Words:
    """The words of a story: their characters ``[start, end)`` and their tags."""

    starts: Int[np.ndarray, " word"]
    ends: Int[np.ndarray, " word"]
    tags: Int[np.ndarray, " word"]  # indices into TAGS


@dataclass(frozen=True)
class TokenTags:
    """The tokens of a sequence as words see them, the end-of-text in front included."""

    words: Int[np.ndarray, " position"]  # index of the word in its story; -1: none or several
    parts: Int[np.ndarray, " position"]  # values of Part
    tags: Int[np.ndarray, " position"]  # indices into TAGS; NO_TAG where the token is not scored
    next_tags: Int[np.ndarray, " position"]  # of the word after; NO_TAG also at a story's end


class SpeechReader:
    """Tags the stories of a corpus and tells each token its tag.

    A story is tagged once, however many sequences it was cut into.

    Args:
        tagger: default: the one that comes with the package's dependencies.
    """

    def __init__(self, tagger: Tagger | None = None) -> None:
        self.tagger = tagger or PatternTagger()
        self._words = lru_cache(STORIES_REMEMBERED)(self._tag_words)

    def words(self, story: str) -> Words:
        """The words of a story with their tags."""
        return self._words(story)

    def tokens(self, sequence: Sequence) -> TokenTags:
        """What every token of the sequence is, and the tags of those that are scored."""
        story = self.words(sequence.story)
        words, parts = align(sequence.offsets, story.starts, story.ends)
        scored = (parts == Part.WHOLE) | (parts == Part.START)
        padded = np.append(story.tags, [NO_TAG, NO_TAG])  # after the last word comes none
        own = np.where(scored, padded[words], NO_TAG)
        following = np.where(scored, padded[np.minimum(words + 1, len(story.tags))], NO_TAG)
        return TokenTags(words, parts, own, following)

    def _tag_words(self, story: str) -> Words:
        spans = split_words(story)
        texts = [story[start:end] for start, end in spans]
        tags = self.tagger.tag(_sentences(story, spans))
        if len(tags) != len(texts):
            raise AssertionError(f"{self.tagger.name}: {len(tags)} tags for {len(texts)} words")
        bounds = np.array(spans, dtype=np.int64).reshape(-1, 2)
        numbers = np.array([TAGS.index(tag) for tag in tags], dtype=np.int64)
        return Words(bounds[:, 0], bounds[:, 1], numbers)


def split_words(text: str) -> list[tuple[int, int]]:
    """Characters ``[start, end)`` of every word, number and mark, in order; spaces are left out.

    >>> [text[a:b] for text in ["Tom didn't go."] for a, b in split_words(text)]
    ['Tom', 'did', "n't", 'go', '.']
    """
    return [match.span() for match in WORD.finditer(text)]


def align(
    offsets: Int[np.ndarray, "position two"],
    starts: Int[np.ndarray, " word"],
    ends: Int[np.ndarray, " word"],
) -> tuple[Int[np.ndarray, " position"], Int[np.ndarray, " position"]]:
    """For every token the word it belongs to (-1: none or several) and its :class:`Part`.

    Args:
        offsets: the characters ``[start, end)`` of every token; empty for end-of-text. They do not
            go back, but tokens that are parts of one character share theirs.
        starts: first character of every word, ascending.
        ends: one past the last character of every word.
    """
    first = np.searchsorted(ends, offsets[:, 0], side="right")
    last = np.searchsorted(starts, offsets[:, 1], side="left") - 1
    n_words = np.where(offsets[:, 1] > offsets[:, 0], last - first + 1, 0)
    one = n_words == 1
    words = np.where(one, first, -1)
    begun = np.zeros(len(offsets), dtype=bool)  # an earlier token held a part of the word
    begun[1:] = (n_words[:-1] > 0) & (last[:-1] >= first[1:])
    begun[one] |= offsets[one, 0] > starts[first[one]]
    goes_on = np.zeros(len(offsets), dtype=bool)  # a later token does
    goes_on[:-1] = (n_words[1:] > 0) & (first[1:] <= last[:-1])
    goes_on[one] |= offsets[one, 1] < ends[first[one]]
    parts = np.full(len(offsets), Part.NONE, dtype=np.int64)
    parts[n_words > 1] = Part.SEVERAL
    parts[one] = Part.WHOLE
    parts[one & goes_on] = Part.START
    parts[one & begun] = Part.CONTINUATION
    return words, parts


def _sentences(text: str, spans: Row[tuple[int, int]]) -> list[list[str]]:
    """The words by sentence. The tagger expects a capital at the start of a sentence only.

    What follows an opening quotation mark starts a sentence, for the same reason.
    """
    sentences: list[list[str]] = [[]]
    for index, (start, end) in enumerate(spans):
        gap = text[spans[index - 1][1] : start] if index else ""
        if sentences[-1] and _is_new_sentence(sentences[-1], gap):
            sentences.append([])
        sentences[-1].append(text[start:end])
    return sentences if sentences[0] else []


def _is_new_sentence(so_far: list[str], gap: str) -> bool:
    """Whether what comes ``gap`` characters after ``so_far`` starts a sentence."""
    last = so_far[-1]
    if QUOTATION_MARK.fullmatch(last):
        ended = len(so_far) > 1 and SENTENCE_END.fullmatch(so_far[-2])
        return not gap or bool(ended) or "\n" in gap
    return bool(gap) and (bool(SENTENCE_END.fullmatch(last)) or "\n" in gap)
