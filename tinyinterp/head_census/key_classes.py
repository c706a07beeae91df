"""The classes of keys and queries: what a semantic head could look at.

The class of a key is its part of speech; ``sentence-end`` or ``quotation`` if it is such a mark
(``."`` is both); ``sentence-start`` if it begins the first word of a sentence. A key may also be
one of the most frequent tokens and, relative to a query, the *same word* further back. The class of
a query is its part of speech or its mark.
"""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

from tinyinterp.devices import moved
from tinyinterp.tagging import NO_TAG, QUOTATION_MARK, SENTENCE_END, TAGS, TagReader
from tinyinterp.text.corpus import Corpus
from tinyinterp.text.sequences import MicroBatch, Sequence, Side
from tinyinterp.text.tokenizer import Tokenizer

PARTS_OF_SPEECH = tuple("name" if tag == "PROPN" else tag for tag in TAGS)
MARKS = ("sentence-end", "quotation")
QUERY_CLASSES = (*PARTS_OF_SPEECH, *MARKS)
KEY_CLASSES = (*QUERY_CLASSES, "sentence-start")
SAME_WORD = "same-word"
MOST_TOKENS = 32  # single tokens that are candidates: the most frequent of FIT
PUNCTUATION = TAGS.index("PUNCT")
NOT_WORDS = (PUNCTUATION, TAGS.index("SYM"))


@dataclass(frozen=True)
class Candidate:
    """One thing to look at: a column of :class:`BatchClasses`, for all queries or for a class."""

    name: str
    column: int  # of ``BatchClasses.keys``; -1: the same word
    query: int | None = None  # index into QUERY_CLASSES
    many_words: bool = True  # a class of words, not a mark or a token: see ``looked_at``


def candidates(tokens: list[str]) -> list[Candidate]:
    """All candidates: classes, single tokens, the same word, then every class by query class."""
    found = [Candidate(c, i, many_words=c not in MARKS) for i, c in enumerate(KEY_CLASSES)]
    found += [
        Candidate(f"token {token!r}", len(KEY_CLASSES) + number, many_words=False)
        for number, token in enumerate(tokens)
    ]
    found.append(Candidate(SAME_WORD, -1))
    found += [
        Candidate(f"{asking}->{asked}", column, query, many_words=asked not in MARKS)
        for query, asking in enumerate(QUERY_CLASSES)
        for column, asked in enumerate(QUERY_CLASSES)
    ]
    return found


@dataclass(frozen=True)
class BatchClasses:
    """What the tokens of one micro-batch are, as zeros and ones."""

    queries: Float[Tensor, "batch position query_class"]
    keys: Float[Tensor, "batch position column"]  # key classes, then single tokens
    same: Float[Tensor, "batch position position"]  # query, key: an earlier token of the same word


class ClassReader:
    """Reads the classes of tokens off the story they come from.

    Args:
        tokens: the single tokens that are candidates.
    """

    def __init__(self, tokens: list[int]) -> None:
        self.tokens = tokens
        self._tag_reader = TagReader()
        self._last: tuple[MicroBatch, BatchClasses] | None = None

    def read(self, batch: MicroBatch, device: torch.device | None = None) -> BatchClasses:
        """The classes of a micro-batch, on a device; None: on the processor.

        They are kept until another micro-batch is asked for: read once for all layers.
        """
        if self._last is None or self._last[0] is not batch:
            self._last = (batch, moved(self._read(batch), device or torch.device("cpu")))
        return self._last[1]

    def _read(self, batch: MicroBatch) -> BatchClasses:
        n_rows, width = batch.tokens.shape
        classes = np.zeros((n_rows, width, len(KEY_CLASSES)), dtype=np.float32)
        same = np.zeros((n_rows, width, width), dtype=np.float32)
        for row, sequence in enumerate(batch.sequences):
            n = len(sequence.tokens)
            classes[row, :n], words = self._of_sequence(sequence)
            known = np.tril(words[:, None] == words[None, :], -1) & (words >= 0)
            same[row, :n, :n] = known
        inside = batch.mask
        single = (batch.tokens[..., None] == torch.tensor(self.tokens)) & inside[..., None]
        of_classes = torch.from_numpy(classes)
        return BatchClasses(
            queries=of_classes[..., : len(QUERY_CLASSES)],
            keys=torch.cat([of_classes, single.float()], dim=-1),
            same=torch.from_numpy(same),
        )

    def _of_sequence(
        self, sequence: Sequence
    ) -> tuple[Bool[np.ndarray, "position key_class"], Int[np.ndarray, " position"]]:
        """The classes of each token, and a number for the word that it is or starts; -1: none."""
        story, n = sequence.story, len(sequence.tokens)
        words, tagged = self._tag_reader.words(story), self._tag_reader.tokens(sequence)
        classes = np.zeros((n, len(KEY_CLASSES)), dtype=bool)
        scored = np.flatnonzero(tagged.tags != NO_TAG)
        classes[scored, tagged.tags[scored]] = True
        for position, (start, end) in enumerate(sequence.offsets):
            text = story[start:end].strip()
            if text and not any(character.isalnum() for character in text):
                marks = (re.search(r"[.!?]", text), QUOTATION_MARK.search(text))
                for mark, found in zip(MARKS, marks, strict=True):
                    classes[position, KEY_CLASSES.index(mark)] = found is not None
                classes[position, PUNCTUATION] &= not any(marks)
        texts = [story[a:b] for a, b in zip(words.starts, words.ends, strict=True)]
        starts = sentence_starts(texts)
        is_word = scored[~np.isin(tagged.tags[scored], NOT_WORDS)]
        classes[is_word, KEY_CLASSES.index("sentence-start")] = starts[tagged.words[is_word]]
        numbers: dict[str, int] = {}
        word_of = np.full(n, -1)
        for position in is_word:
            text = texts[tagged.words[position]].lower()
            word_of[position] = numbers.setdefault(text, len(numbers))
        return classes, word_of


def sentence_starts(words: list[str]) -> Bool[np.ndarray, " word"]:
    """Which words come first in their sentence; quotation marks are passed over.

    >>> sentence_starts(["Go", "!", '"', "she", "said", ".", "He", "went"]).nonzero()[0].tolist()
    [0, 3, 6]
    """
    spoken = [i for i, word in enumerate(words) if not QUOTATION_MARK.fullmatch(word)]
    starts = np.zeros(len(words), dtype=bool)
    starts[spoken[:1]] = True
    for before, here in pairwise(spoken):
        starts[here] = SENTENCE_END.fullmatch(words[before]) is not None
    return starts


def most_frequent(corpus: Corpus, side: Side | None) -> list[int]:
    """The most frequent tokens of a side, special ones left out; of equals, the smaller number."""
    counts: Counter[int] = Counter()
    for sequence in corpus.sequences(side):
        counts.update(sequence.tokens[1:].tolist())
    for special in (corpus.tokenizer.begin, corpus.tokenizer.end):
        if special is not None:
            counts.pop(special, None)
    return sorted(counts, key=lambda token: (-counts[token], token))[:MOST_TOKENS]


def token_names(tokenizer: Tokenizer, tokens: list[int]) -> list[str]:
    """Their texts."""
    return [tokenizer.token_text(token) for token in tokens]
