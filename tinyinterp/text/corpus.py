"""A text as a model reads it: opened, tokenised, cut into sequences, as often as it is read.

:mod:`tinyinterp.text.sequences` says what a sequence, a side and a block are.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Iterator
from collections.abc import Sequence as StorySequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np

from tinyinterp.errors import CorpusError
from tinyinterp.io.progress import say
from tinyinterp.text.kept import KeptStories
from tinyinterp.text.pieces import Encoding
from tinyinterp.text.separators import Separator
from tinyinterp.text.sequences import (
    MicroBatch,
    Sequence,
    Side,
    group_by_length,
    side_and_block,
)
from tinyinterp.text.source import BlankLines, open_stories
from tinyinterp.text.tokenizer import Tokenizer
from tinyinterp.text.unknown import unknown_note

STORIES_AT_ONCE = 512  # sorted by length among themselves


@dataclass(frozen=True)
class Survey:
    """The size of a corpus."""

    tokens: int
    sequences: int
    longest: int  # tokens of the longest sequence
    test_sequences: int  # on the side that is reported; all, where the other side is empty
    two_sided: bool  # whether both sides have a story
    digest: str  # SHA-256 over the stories
    unknown: int = 0  # characters that the tokenizer has no token for


@dataclass(frozen=True)
class _Kept:
    """Stories that are kept as sequences, and what these depend on."""

    source: tuple[Callable[[], Iterable[str]], Tokenizer, int]  # stories, tokenizer, context
    stories: KeptStories[list[Sequence]]


@dataclass(frozen=True)
class Corpus:
    """Stories to be read as often as wanted; only the first two million tokens are held.

    Args:
        name: what to call the text in tables.
        stories: opens the stories anew.
        tokenizer: the model's.
        n_ctx: tokens of a sequence, at most; 2 or more.
        max_tokens: stop after the story in which this many tokens are reached; None: read all.
        blank_lines: whether runs of blank lines were kept or folded, for the notes of tables.

    Raises:
        CorpusError: a number is out of its range.
    """

    name: str
    stories: Callable[[], Iterable[str]]
    tokenizer: Tokenizer
    n_ctx: int
    max_tokens: int | None = None
    blank_lines: BlankLines = "kept"
    _kept: list[_Kept] = field(default_factory=list, repr=False, compare=False, kw_only=True)
    _said: set[str] = field(default_factory=set, repr=False, compare=False, kw_only=True)

    def __post_init__(self) -> None:
        if self.n_ctx < 2:
            raise CorpusError(
                f"a context of {self.n_ctx} has no room for a story: a sequence is a start token "
                "and at least one token of a story; expected 2 or more"
            )
        if self.max_tokens is not None and self.max_tokens < 1:
            raise CorpusError(
                f"max_tokens is {self.max_tokens}; expected at least 1, or None for the whole text"
            )

    def sequences(self, side: Side | None = None) -> Iterator[Sequence]:
        """All sequences in order, or those of one side."""
        for chunk in self._chunks():
            yield from (s for s in chunk if side in (None, s.side))

    def micro_batches(self, side: Side | None = None) -> Iterator[MicroBatch]:
        """Sequences of similar length together; the same batches in the same order every time.

        Long ones first: what a pass needs for the next batch then fits where that of the last one
        was, and memory stays flat.
        """
        for chunk in self._chunks():
            chosen = [s for s in chunk if side in (None, s.side)]
            yield from reversed(list(group_by_length(chosen, self.tokenizer.padding)))

    def survey(self) -> Survey:
        """How much there is to read, and a digest of it."""
        tokens = longest = n_sequences = unknown = 0
        on_test = 0
        digest = hashlib.sha256()
        for sequence in self.sequences():
            tokens += len(sequence.tokens)
            longest = max(longest, len(sequence.tokens))
            n_sequences += 1
            unknown += sequence.unknown
            on_test += sequence.side is Side.TEST
            if sequence.start == 0:
                digest.update(sequence.story.encode("utf-8", "surrogatepass") + b"\0")
        two_sided = 0 < on_test < n_sequences
        test_sequences = on_test if two_sided else n_sequences
        digested = digest.hexdigest()
        return Survey(tokens, n_sequences, longest, test_sequences, two_sided, digested, unknown)

    def _say_unknown(self, n: int) -> None:
        """Say once what the tokenizer lost of the text."""
        if n and not self._said:
            self._said.add(self.name)
            say(f"note: {self.name}: {unknown_note(n)}")

    def _chunks(self) -> Iterator[list[Sequence]]:
        total = unknown = n_sequences = 0
        chunk: list[Sequence] = []
        for number, (n_tokens, sequences) in enumerate(self._read_once(), start=1):
            chunk.extend(sequences)
            total += n_tokens
            n_sequences += len(sequences)
            unknown += sum(sequence.unknown for sequence in sequences)
            if self.max_tokens is not None and total >= self.max_tokens:
                break
            if number % STORIES_AT_ONCE == 0:
                yield chunk
                chunk = []
        if not n_sequences:
            raise CorpusError(
                f"{self.name} has no story of two tokens or more: nothing in it can be predicted"
                if not self.tokenizer.front
                else f"{self.name} holds no story with a token"
            )
        self._say_unknown(unknown)
        if chunk:
            yield chunk

    def _read_once(self) -> KeptStories[list[Sequence]]:
        """The stories as sequences, shared with every corpus that :func:`replace` made of this."""
        source = (self.stories, self.tokenizer, self.n_ctx)
        for kept in self._kept:
            if all(one is other for one, other in zip(kept.source, source, strict=True)):
                return kept.stories
        made = KeptStories(self.stories, self._encode)
        self._kept.append(_Kept(source, made))
        return made

    def _encode(self, stories: list[str], first: int) -> list[tuple[int, list[Sequence]]]:
        return [
            (len(made.ids), list(self._cut(story, number, made.ids, made.offsets)))
            for number, (story, made) in enumerate(
                zip(stories, self.tokenizer.encode_batch(stories), strict=True), start=first
            )
        ]

    def _cut(
        self, story: str, number: int, ids: list[int], offsets: list[tuple[int, int]]
    ) -> Iterator[Sequence]:
        side, block = side_and_block(story)
        front, step = self.tokenizer.front, self.n_ctx - 1
        unknown = self.tokenizer.unknown_characters(story, Encoding(ids, offsets))
        for start in range(0, len(ids) + len(front) - 1, step):
            piece = slice(start, start + self.n_ctx - len(front))
            tokens = np.array([*front, *ids[piece]], dtype=np.int64)
            spans = np.array([*([(0, 0)] * len(front)), *offsets[piece]], dtype=np.int64)
            yield Sequence(
                tokens,
                spans,
                story,
                number,
                side,
                block,
                start,
                len(front),
                0 if start else unknown,
            )


def open_corpus(
    tokenizer: Tokenizer,
    n_ctx: int,
    *,
    text: Path | str | StorySequence[str | None] | None = None,
    dataset: str | None = None,
    max_tokens: int | None = None,
    separator: Separator = "auto",
    fold_for: str | None = None,
) -> Corpus:
    """A corpus of whatever :func:`tinyinterp.text.source.open_stories` takes.

    Args:
        tokenizer: the model's.
        n_ctx: tokens of a sequence, at most.
        text: the path of a file, the stories themselves, or None for the bundled stories.
        dataset: the name of a data set on the hub, in place of a text.
        max_tokens: how much of it is read; None: all.
        separator: as for :func:`tinyinterp.text.source.open_stories`.
        fold_for: the model whose training text had no blank lines; None: they are kept.

    Raises:
        CorpusError: a text and a data set were given, the first story cannot be read, or a number
            is out of its range.
    """
    stories = open_stories(text, dataset=dataset, separator=separator, fold_for=fold_for)
    corpus = Corpus(stories.name, stories.read, tokenizer, n_ctx, max_tokens, stories.blank_lines)
    stories.check()  # fail here, not once the model is at work
    return corpus


def corpus_of(
    stories: StorySequence[str], tokenizer: Tokenizer, n_ctx: int, name: str = "text"
) -> Corpus:
    """A corpus of stories held in memory, under a name.

    Raises:
        CorpusError: there is no story, or all are empty.
    """
    return replace(open_corpus(tokenizer, n_ctx, text=stories), name=name)
