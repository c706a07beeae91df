"""The accuracy of a tagger on a treebank, and what its errors do to an AUROC."""

from __future__ import annotations

from collections.abc import Sequence as Row
from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Int

from tinyinterp.errors import CorpusError
from tinyinterp.statistics import block_bootstrap
from tinyinterp.tagging.tag_sets import NO_TAG, TagSet
from tinyinterp.tagging.taggers import Tagger
from tinyinterp.tagging.treebank import Document
from tinyinterp.tagging.word_classes import CLASSES, word_classes
from tinyinterp.tagging.words import group_sentences, split_words


@dataclass(frozen=True)
class TagAccuracy:
    """A tagger on one tag. A share of no words is 0."""

    tag: str
    support: int  # words with this gold tag, among those that the tagger tags
    precision: float
    recall: float
    f1: float
    perfect_auroc: float  # see :func:`perfect_auroc`


@dataclass(frozen=True)
class ClassAccuracy:
    """A tagger on one class of words: see :mod:`tinyinterp.tagging.word_classes`."""

    name: str
    words: int  # of the class, among those that the tagger tags
    accuracy: float  # on these, given the treebank's own words and sentences
    low: float
    high: float
    mostly: str  # the wrong tag that they get most often; empty if they get none


@dataclass(frozen=True)
class Accuracy:
    """A tagger on a treebank, with 95 % intervals that resample sentences."""

    tagger: str
    words: int
    tagged: float  # share of the words that get a tag; below 1 where two taggers must agree
    accuracy: float  # on these, given the treebank's own words and sentences
    low: float
    high: float
    coverage: float  # share of the words that our splitting of the raw text finds exactly
    raw_accuracy: float  # on the words that are found and tagged
    raw_low: float
    raw_high: float
    by_tag: tuple[TagAccuracy, ...]  # on the treebank's own words
    by_class: tuple[ClassAccuracy, ...]  # likewise, of the classes that occur


@dataclass(frozen=True)
class _Labels:
    """The words of a treebank with two labels each: gold and the tagger's."""

    gold: Int[np.ndarray, " word"]
    found: Int[np.ndarray, " word"]  # NO_TAG: no tag
    sentences: Int[np.ndarray, " word"]

    @property
    def tagged(self) -> float:
        return float(np.mean(self.found != NO_TAG))

    def accuracy(
        self, seed: int, only: Bool[np.ndarray, " word"] | None = None
    ) -> tuple[float, float, float]:
        """The share of tagged words (of ``only`` these) with the gold tag, and its interval."""
        tagged = self.found != NO_TAG
        tagged &= True if only is None else only
        n_sentences = int(self.sentences.max(initial=-1)) + 1
        right = np.bincount(self.sentences[tagged & (self.found == self.gold)], None, n_sentences)
        trials = np.bincount(self.sentences[tagged], None, n_sentences)
        if not trials.any():
            return 0.0, 0.0, 1.0
        low, high = block_bootstrap(np.divide, right * 1.0, trials * 1.0, seed=seed)
        return float(right.sum() / trials.sum()), max(0.0, float(low)), min(1.0, float(high))


def measure_accuracy(tagger: Tagger, documents: Row[Document], seed: int = 0) -> Accuracy:
    """Compare a tagger's tags with those of a treebank.

    Args:
        tagger: to be measured.
        documents: of the treebank.
        seed: of the bootstrap over sentences.

    Raises:
        CorpusError: the treebank has no such tags.
    """
    given, raw = _on_gold_words(tagger, documents), _on_raw_text(tagger, documents)
    right, low, high = given.accuracy(seed)
    raw_right, raw_low, raw_high = raw.accuracy(seed)
    return Accuracy(
        tagger=tagger.name,
        words=len(given.gold),
        tagged=given.tagged,
        accuracy=right,
        low=low,
        high=high,
        coverage=len(raw.gold) / max(len(given.gold), 1),
        raw_accuracy=raw_right,
        raw_low=raw_low,
        raw_high=raw_high,
        by_tag=_by_tag(given, tagger.tag_set),
        by_class=_by_class(given, documents, tagger.tag_set, seed),
    )


def perfect_auroc(precision: float, missed: float, auroc: float = 1.0) -> float:
    """The AUROC, by a tagger's labels, of a neuron whose true AUROC for the tag is ``auroc``.

    A word labelled with the tag has it with probability *p* (the precision); a word labelled
    otherwise has it with probability *m*. Draw one word of each. With probability p (1 - m) only
    the first has the tag, and the neuron ranks it higher with probability A, its true AUROC. With
    (1 - p) m only the second has it, and the first is ranked higher with 1 - A. Otherwise both have
    it or neither, and the order is random. So, if errors do not depend on the activation given the
    true tag,

        AUROC = 1/2 + (p - m) (A - 1/2),    and for a perfect neuron    (1 + p - m) / 2.

    Args:
        precision: p.
        missed: m, the share of the words labelled otherwise that have the tag.
        auroc: A.

    >>> perfect_auroc(1.0, 0.0), perfect_auroc(0.9, 0.02), perfect_auroc(0.9, 0.02, auroc=0.5)
    (1.0, 0.94, 0.5)
    """
    return 0.5 + (precision - missed) * (auroc - 0.5)


def _by_tag(labels: _Labels, tag_set: TagSet) -> tuple[TagAccuracy, ...]:
    """For every tag that the treebank or the tagger uses."""
    tagged = labels.found != NO_TAG
    size = len(tag_set)
    pairs = labels.gold[tagged] * size + labels.found[tagged]
    counts = np.bincount(pairs, minlength=size**2).reshape(size, size)
    rows = []
    for number, tag in enumerate(tag_set.names):
        both = counts[number, number]
        support, labelled = counts[number].sum(), counts[:, number].sum()
        if not support and not labelled:
            continue
        precision, recall = both / max(labelled, 1), both / max(support, 1)
        missed = (support - both) / max(counts.sum() - labelled, 1)
        rows.append(
            TagAccuracy(
                tag=tag,
                support=int(support),
                precision=float(precision),
                recall=float(recall),
                f1=float(2 * both / (support + labelled)),
                perfect_auroc=perfect_auroc(float(precision), float(missed)),
            )
        )
    return tuple(rows)


def _by_class(
    labels: _Labels, documents: Row[Document], tag_set: TagSet, seed: int
) -> tuple[ClassAccuracy, ...]:
    """For every class with a word that is tagged."""
    sentences = [sentence for document in documents for sentence in document.sentences]
    of_words = [names for sentence in sentences for names in word_classes(sentence)]
    rows = []
    for name in CLASSES:
        members = np.array([name in names for names in of_words], dtype=bool)
        members &= labels.found != NO_TAG
        if not members.any():
            continue
        right, low, high = labels.accuracy(seed, members)
        wrong = np.bincount(labels.found[members & (labels.found != labels.gold)])
        mostly = tag_set.names[wrong.argmax()] if wrong.any() else ""
        rows.append(ClassAccuracy(name, int(members.sum()), right, low, high, mostly))
    return tuple(rows)


def _on_gold_words(tagger: Tagger, documents: Row[Document]) -> _Labels:
    """On the words and sentences of the treebank; spaces inside a word are dropped."""
    sentences = [sentence for document in documents for sentence in document.sentences]
    forms = [["".join(word.form.split()) for word in sentence] for sentence in sentences]
    gold = [word.tag(tagger.tag_set) for sentence in sentences for word in sentence]
    if set(gold) <= {"X"}:
        raise CorpusError(f"the treebank has no {tagger.tag_set.name} tags to compare with")
    numbers = np.repeat(np.arange(len(sentences)), [len(sentence) for sentence in sentences])
    return _labels(tagger, gold, tagger.tag(forms), numbers)


def _on_raw_text(tagger: Tagger, documents: Row[Document]) -> _Labels:
    """On our own words and sentences; a word is found if one of ours spans the same characters."""
    gold, found, numbers = [], [], []
    number = 0
    for document in documents:
        spans = split_words(document.text)
        tags = tagger.tag(group_sentences(document.text, spans))
        tag_of = dict(zip(spans, tags, strict=True))
        for sentence in document.sentences:
            for word in sentence:
                tag = tag_of.get((word.start, word.end))
                if tag is not None:
                    gold.append(word.tag(tagger.tag_set))
                    found.append(tag)
                    numbers.append(number)
            number += 1
    return _labels(tagger, gold, found, np.array(numbers, dtype=np.int64))


def _labels(
    tagger: Tagger, gold: Row[str], found: Row[str], sentences: Int[np.ndarray, " word"]
) -> _Labels:
    index = tagger.tag_set.index
    return _Labels(
        np.array([index(tag) for tag in gold], dtype=np.int64),
        np.array([index(tag) for tag in found], dtype=np.int64),
        sentences,
    )
