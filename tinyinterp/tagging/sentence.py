"""A sentence whose Penn tags are being corrected, and what its words could be elsewhere."""

from __future__ import annotations

from collections.abc import Sequence as Row
from dataclasses import dataclass

from tinyinterp.tagging.backend import lexicon
from tinyinterp.tagging.words import STRAIGHT

NOUNS = ("NN", "NNS")
NOMINAL = ("NN", "NNS", "NNP", "NNPS", "PRP", "CD", "EX")
OBJECTS = ("DT", "PRP", "PRP$", "NNP")  # the, him, her, Tom: they follow verbs, not nouns
FINITE = ("VBZ", "VBD", "VBP", "MD")
AUXILIARIES = (
    *("will", "would", "can", "ca", "could", "should", "must", "may", "might", "wo", "'ll"),
    *("do", "does", "did"),
)
BE = ("am", "is", "are", "was", "were", "be", "been", "being", "'m", "'re", "ai")
HAVE = ("have", "has", "had", "having", "'ve")
NOMINATIVE = ("i", "he", "she", "we", "they")
NOT = ("not", "n't")


@dataclass
class Sentence:
    """Words with their tags. Beyond either end, a word and its tag are empty."""

    words: Row[str]  # as they are written
    lower: Row[str]  # in small letters, with straight marks
    tags: list[str]

    def word(self, i: int) -> str:
        """Word ``i`` in small letters."""
        return self.lower[i] if 0 <= i < len(self.lower) else ""

    def tag(self, i: int) -> str:
        """The tag of word ``i``."""
        return self.tags[i] if 0 <= i < len(self.tags) else ""

    def mark(self, i: int) -> bool:
        """Whether there is no word ``i``, or it is a mark."""
        return not any(character.isalnum() for character in self.word(i))

    def starts(self, i: int) -> bool:
        """Whether only marks stand before word ``i``."""
        return all(self.mark(before) for before in range(i))

    def before(self, i: int, skipped: Row[str]) -> int:
        """The last word before ``i`` that is no adverb and none of ``skipped``; -1: none."""
        i -= 1
        while i >= 0 and (self.word(i) in skipped or self.tag(i) == "RB"):
            i -= 1
        return i


def sentence_of(words: Row[str], penn: Row[str]) -> Sentence:
    """A sentence with the tags that the tagger gave."""
    return Sentence(words, [word.lower().translate(STRAIGHT) for word in words], list(penn))


def lexicon_tag(word: str) -> str:
    """The tag of a word in the default tagger's lexicon, which has one for each; empty if none."""
    return lexicon().get(word) or ""


def in_lexicon(word: str) -> bool:
    """Whether the lexicon has the word, or has it in small letters.

    >>> in_lexicon("Dog"), in_lexicon("blorp")
    (True, False)
    """
    return bool(lexicon_tag(word) or lexicon_tag(word.lower()))


def may_be_verb(word: str) -> bool:
    """Whether a word in small letters, whatever its tag, is also the base form of a verb.

    >>> may_be_verb("help"), may_be_verb("hop"), may_be_verb("mother-in-law")
    (True, True, False)
    """
    if lexicon_tag(word) in ("VB", "VBP"):
        return True
    doubled = word + word[-1:]
    forms = [word + "ed", word + "ing", doubled + "ed", doubled + "ing"]
    if word.endswith("e"):
        forms += [word + "d", word[:-1] + "ing"]
    if word.endswith("y"):
        forms.append(word[:-1] + "ied")
    return any(lexicon_tag(form) in ("VBD", "VBN", "VBG") for form in forms)
