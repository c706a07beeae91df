"""The most similar of very many stories: an inverted index of the bigrams of a few texts.

    texts ──► bigram ──► the texts that hold it, how often
                 ▲
    story ──► its bigrams, one story after the other ──► bigrams shared with each text

The texts (completions) are indexed and the stories (a training set of millions) stream past, so
that memory holds the texts, one batch of stories and the numbers of their words. The result is that
of comparing each text with each story. Of 100 texts, cutting the stories into words takes most of
the time, so nothing would be won by leaving out stories that cannot be the nearest.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice

import numpy as np

from tinyinterp.evaluation.rouge import FIRST, Rouge, WordNumbers, of_counts, split
from tinyinterp.evaluation.rouge_kernels import search_batch
from tinyinterp.io.progress import Progress

STORIES_AT_ONCE = 1024
MOST_WORDS = 1 << 20  # words of the stories whose numbers are kept; only speed depends on it


@dataclass(frozen=True)
class Nearest:
    """The story that gives a text its largest F; of equals, the first."""

    rouge: Rouge
    number: int | None  # of the story, counted from 0; None: no story shares a bigram
    story: str


class RougeIndex:
    """Finds, for each of a few texts, the story with the largest ROUGE-2.

    Args:
        texts: whose stories are looked for.
        stem: whether words are stemmed.
    """

    def __init__(self, texts: Sequence[str], *, stem: bool = True) -> None:
        self._words = WordNumbers(stem=stem)
        counted = [self._words.bigrams(text) for text in texts]
        self._totals = np.array([each.total for each in counted], dtype=np.int64)
        holders: dict[int, list[tuple[int, int]]] = {}
        for text, each in enumerate(counted):
            for bigram, count in each.counts.items():
                holders.setdefault(bigram, []).append((text, count))
        bigrams = sorted(holders)
        sizes = np.array([len(holders[bigram]) for bigram in bigrams], dtype=np.int64)
        flat = [pair for bigram in bigrams for pair in holders[bigram]]
        by_first = np.bincount(
            np.array([bigram >> FIRST for bigram in bigrams], dtype=np.int64),
            minlength=len(self._words),
        )
        self._firsts = np.concatenate([[0], by_first.cumsum()])
        self._seconds = np.array(bigrams, dtype=np.int64) & ((1 << FIRST) - 1)
        self._starts = np.concatenate([[0], sizes.cumsum()])
        self._texts = np.array([text for text, _ in flat], dtype=np.int64)
        self._counts = np.array([count for _, count in flat], dtype=np.int64)
        self._of_words: dict[str, int] = {}

    def search(
        self,
        stories: Iterable[str],
        *,
        own: Sequence[int] | None = None,
        report: Progress | None = None,
    ) -> list[Nearest]:
        """The most similar story for each text.

        Args:
            stories: read once, as they come.
            own: for each story the number of a text that it is not compared with, -1 for none;
                so a text is not its own nearest.
            report: advances by the UTF-8 bytes of the stories.
        """
        best = np.zeros((len(self._totals), 4), dtype=np.int64)
        best[:, 2] = -1
        kept = [""] * len(best)
        for first, batch in _batches(stories):
            self._search_batch(batch, first, own, best)
            for text in np.flatnonzero(best[:, 3] >= 0):
                kept[text] = batch[best[text, 3]]
            if report is not None:
                report.advance(sum(len(story.encode("utf-8")) for story in batch))
        return [
            Nearest(
                of_counts(int(shared), int(size), int(total)), int(number) if shared else None, text
            )
            for (shared, size, number, _), total, text in zip(best, self._totals, kept, strict=True)
        ]

    def _search_batch(
        self, batch: list[str], first: int, own: Sequence[int] | None, best: np.ndarray
    ) -> None:
        numbers = [self._numbers(story) for story in batch]
        skipped = [-1] * len(batch) if own is None else own[first : first + len(batch)]
        best[:, 3] = -1
        search_batch(
            np.array([number for story in numbers for number in story], dtype=np.int64),
            np.cumsum([len(story) for story in numbers]),
            np.array(skipped, dtype=np.int64),
            np.arange(first, first + len(batch)),
            self._firsts,
            self._seconds,
            self._starts,
            self._texts,
            self._counts,
            self._totals,
            best,
        )

    def _numbers(self, story: str) -> list[int]:
        """The numbers of a story's words; -1 for one that no text has."""
        known, words = self._of_words, split(story)
        try:
            return [known[word] for word in words]
        except KeyError:
            if len(known) > MOST_WORDS:
                known.clear()
            for word in words:
                if word not in known:
                    number = self._words.stem_number(word)
                    known[word] = -1 if number is None else number
            return [known[word] for word in words]


def _batches(stories: Iterable[str]) -> Iterator[tuple[int, list[str]]]:
    """The number of the first story of each batch, and the batch."""
    iterator, first = iter(stories), 0
    while batch := list(islice(iterator, STORIES_AT_ONCE)):
        yield first, batch
        first += len(batch)
