"""ROUGE-2: the share of word pairs that two texts have in common.

The numbers are those of the package ``rouge-score`` to the last bit (Lin 2004, *ROUGE: A Package
for Automatic Evaluation of Summaries*; the package is Google's): a word is a run of ASCII letters
and digits of the text in lower case, and words of four or more characters are stemmed by Porter's
method with nltk's extensions. Here each text is cut once, however many others it is compared with,
each word is stemmed once, and a pair of words is one integer.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache
from itertools import pairwise
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from nltk.stem.porter import PorterStemmer

WORD = re.compile("[a-z0-9]+")
LEAST_STEMMED = 4  # characters; shorter words stay as they are
FIRST = 32  # bits, by which the number of the first word of a pair is shifted


@dataclass(frozen=True)
class Rouge:
    """How much a text has in common with another."""

    precision: float  # share of the text's bigrams that the other has
    recall: float  # share of the other's bigrams that the text has
    f: float  # their harmonic mean


@dataclass(frozen=True)
class Bigrams:
    """How often each pair of neighbouring words occurs in a text."""

    counts: dict[int, int]
    total: int


def split(text: str) -> list[str]:
    """The words of a text.

    >>> split("Tom's dog didn't see 2 cafés.")
    ['tom', 's', 'dog', 'didn', 't', 'see', '2', 'caf', 's']
    """
    return WORD.findall(text.lower())


class WordNumbers:
    """Gives each word a number; words with the same stem have the same.

    Texts are only comparable by the numbers of one object.

    Args:
        stem: whether words are stemmed, as the TinyStories student report has it.
    """

    def __init__(self, *, stem: bool = True) -> None:
        self.stem = stem
        self._of_stems: dict[str, int] = {}
        self._of_words = _Numbers(self._number)

    def __len__(self) -> int:
        return len(self._of_stems)

    def numbers(self, text: str) -> list[int]:
        """The number of each word of a text, in order."""
        return list(map(self._of_words.__getitem__, split(text)))

    def stem_number(self, word: str) -> int | None:
        """The number of a word, if it or another of its stem was numbered before."""
        return self._of_stems.get(self.stemmed(word))

    def stemmed(self, word: str) -> str:
        """The stem of a word in lower case."""
        return _stemmer().stem(word) if self.stem and len(word) >= LEAST_STEMMED else word

    def bigrams(self, text: str) -> Bigrams:
        """The pairs of neighbouring words of a text."""
        return count_bigrams(self.numbers(text))

    def _number(self, word: str) -> int:
        return self._of_stems.setdefault(self.stemmed(word), len(self._of_stems))


@cache
def _stemmer() -> PorterStemmer:
    from nltk.stem.porter import PorterStemmer  # nltk takes a second to import

    return PorterStemmer()


class _Numbers(dict[str, int]):
    """Numbers that are made when they are first asked for."""

    def __init__(self, make: Callable[[str], int]) -> None:
        super().__init__()
        self._make = make

    def __missing__(self, word: str) -> int:
        number = self[word] = self._make(word)
        return number


def count_bigrams(words: Sequence[int]) -> Bigrams:
    """The pairs of neighbours in a text, given as the numbers of its words."""
    pairs = [(a << FIRST) | b for a, b in pairwise(words)]
    return Bigrams(Counter(pairs), len(pairs))


def compare(target: Bigrams, prediction: Bigrams) -> Rouge:
    """ROUGE-2 of a text against another, such as a completion against the original story.

    >>> words = WordNumbers()
    >>> compare(words.bigrams("the dog ran home"), words.bigrams("the dogs run"))
    Rouge(precision=0.5, recall=0.3333333333333333, f=0.4)
    """
    one, other = target.counts, prediction.counts
    shared = sum(min(one[pair], other[pair]) for pair in one.keys() & other.keys())
    return of_counts(shared, target.total, prediction.total)


def rouge2(target: str, prediction: str, *, stem: bool = True) -> Rouge:
    """ROUGE-2 of one text against another; for many, :class:`WordNumbers` is quicker."""
    words = WordNumbers(stem=stem)
    return compare(words.bigrams(target), words.bigrams(prediction))


def of_counts(shared: int, target: int, prediction: int) -> Rouge:
    """ROUGE-2 from numbers of bigrams: those in common, those of the target, of the prediction."""
    precision = shared / max(prediction, 1)
    recall = shared / max(target, 1)
    both = precision + recall
    return Rouge(precision, recall, 2 * precision * recall / both if both > 0 else 0.0)
