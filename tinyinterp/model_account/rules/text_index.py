"""Which patterns a text has, and where: what the search for rules looks up instead of the text."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from jaxtyping import Int, Int32, UInt64

from tinyinterp.errors import CorpusError
from tinyinterp.model_account.rules.patterns import FORMS, Numbers, Surroundings, TagsOf, Words
from tinyinterp.neuron_census.activations import rows_of
from tinyinterp.text.sequences import MicroBatch


@dataclass(frozen=True)
class TextIndex:
    """The patterns that end at each token of a text.

    Memory goes with the text: about 500 bytes a token, however many neurons there are.
    """

    words: Words
    patterns: UInt64[np.ndarray, " pattern"]  # by number; those of a plainer form come first
    forms: Int32[np.ndarray, " pattern"]  # the form of each
    at: Int32[np.ndarray, "row form"]  # the pattern that ends there; -1: none, or a rare one
    starts: Int[np.ndarray, " pattern_and_end"]  # where the rows of each pattern start in `rows`
    rows: Int32[np.ndarray, " occurrence"]  # ascending for each pattern
    sequences: Int32[np.ndarray, " row"]  # the number of each row's sequence

    @classmethod
    def of(
        cls, batches: Iterable[MicroBatch], tags_of: TagsOf, *, n_tags: int, n_vocab: int, rare: int
    ) -> TextIndex:
        """Read a text, batch after batch, and index its patterns.

        Args:
            batches: rows are numbered in the order in which these bring them.
            tags_of: gives the tags of a sequence, -1 where a token has none.
            n_tags: tags of the tag set.
            n_vocab: token ids that the model has.
            rare: patterns that the text has less often are left out.

        Raises:
            CorpusError: there is no token to read.
        """
        parts: list[Surroundings] = []
        sequences: list[Int[np.ndarray, " row"]] = []
        n_sequences = 0
        for batch in batches:
            rows = rows_of(batch)
            parts.append(Surroundings.of(rows, tags_of))
            lengths = [len(sequence.tokens) - 1 for sequence in rows.sequences]
            sequences.append(np.repeat(n_sequences + np.arange(len(lengths)), lengths))
            n_sequences += len(lengths)
        if not parts:
            raise CorpusError(
                "there is no story to choose patterns on; give a text whose stories fall on both "
                "sides, or the same stories for both"
            )
        whole = Surroundings(
            np.concatenate([part.tokens for part in parts]),
            np.concatenate([part.tags for part in parts]),
        )
        words = Words.of_text(whole.tokens[whole.tokens >= 0], n_tags, n_vocab)
        return _index(words, whole.numbers(words), np.concatenate(sequences), rare)


def _index(
    words: Words, numbers: Numbers, sequences: Int[np.ndarray, " row"], rare: int
) -> TextIndex:
    n_rows = len(sequences)
    at = np.full((n_rows, len(FORMS)), -1, dtype=np.int32)
    patterns, forms, counts, rows = [], [], [], []
    n_patterns = 0
    for number, form in enumerate(FORMS):
        found, there = numbers.patterns(form)
        where = np.flatnonzero(there)
        distinct, which, count = np.unique(found[where], return_inverse=True, return_counts=True)
        kept = count >= rare
        renumbered = np.where(kept, n_patterns + kept.cumsum() - 1, -1)[which]
        at[where, number] = renumbered
        by_pattern = np.argsort(renumbered, kind="stable")[(renumbered < 0).sum() :]
        patterns.append(distinct[kept])
        forms.append(np.full(kept.sum(), number, dtype=np.int32))
        counts.append(count[kept])
        rows.append(where[by_pattern].astype(np.int32))
        n_patterns += int(kept.sum())
    return TextIndex(
        words,
        np.concatenate(patterns),
        np.concatenate(forms),
        at,
        np.concatenate([[0], np.concatenate(counts).cumsum()]),
        np.concatenate(rows),
        sequences.astype(np.int32),
    )
