"""A text read row by row, in the plainest way, for rules to be compared with."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from tinyinterp.model_account.rules import TextIndex
from tinyinterp.model_account.rules.patterns import SLOTS, TAG, TOKEN, slots_of
from tinyinterp.tagging import UNIVERSAL, TagReader
from tinyinterp.text.corpus import Corpus
from tinyinterp.text.sequences import MicroBatch, Sequence, Side

HOOK = "blocks.0.mlp.hook_post"
Row = list[tuple[int, int]]  # the token and the tag in each slot, -1 where there is none


def tags_of(tag_reader: TagReader):
    return lambda sequence: tag_reader.tokens(sequence).tags


def index_of(corpus: Corpus, tag_reader: TagReader, rare: int = 2) -> TextIndex:
    """The index of the FIT stories."""
    return TextIndex.of(
        corpus.micro_batches(Side.FIT),
        tags_of(tag_reader),
        n_tags=len(UNIVERSAL),
        n_vocab=corpus.tokenizer.n_vocab,
        rare=rare,
    )


def in_order(batch: MicroBatch) -> Iterator[tuple[int, Sequence]]:
    """The sequences of a batch in the order of their rows, with their numbers in the batch."""
    yield from sorted(enumerate(batch.sequences), key=lambda pair: (pair[1].number, pair[1].start))


def rows_of_side(corpus: Corpus, tag_reader: TagReader, side: Side) -> list[Row]:
    rows = []
    for batch in corpus.micro_batches(side):
        for _, sequence in in_order(batch):
            read = zip(
                sequence.tokens.tolist(), tag_reader.tokens(sequence).tags.tolist(), strict=True
            )
            padded = [(-1, -1)] * (SLOTS - 1) + list(read)
            rows += [padded[i : i + SLOTS][::-1] for i in range(1, len(sequence.tokens))]
    return rows


def matching(index: TextIndex, pattern: int, rows: list[Row]) -> set[int]:
    """The rows at which a pattern ends."""
    words, asked = index.words, []
    for slot, number in enumerate(slots_of(pattern)):
        if words.kind(number) == TOKEN:
            asked.append((slot, 0, words.token(number)))
        elif words.kind(number) == TAG:
            asked.append((slot, 1, words.tag(number)))
    return {
        number
        for number, row in enumerate(rows)
        if all(row[slot][which] == value for slot, which, value in asked)
    }


def rows_of_pattern(index: TextIndex, pattern: int) -> list[int]:
    return index.rows[index.starts[pattern] : index.starts[pattern + 1]].tolist()


def activations(corpus: Corpus, side: Side, seed: int, n_neurons: int) -> Iterator[tuple]:
    """Micro-batches with random activations, as a model gives them and as rows."""
    random = np.random.default_rng(seed)
    for batch in corpus.micro_batches(side):
        value = random.gamma(0.3, size=(*batch.tokens.shape, n_neurons)).astype(np.float32)
        rows = [value[number, 1 : len(sequence.tokens)] for number, sequence in in_order(batch)]
        yield batch, value, np.concatenate(rows)
