"""From stories to token files: read, clean, choose the tokenizer, write. All of it streams.

The source is read once to train a tokenizer or to count tokens, if needed, and once to write. Only
the distinct words of the text stay in memory, not its stories.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from tinyinterp.errors import CorpusError, OutputError, TrainingError
from tinyinterp.io.files import make_folder
from tinyinterp.io.lock import lock_name
from tinyinterp.io.paths import expanded
from tinyinterp.io.progress import progress
from tinyinterp.io.table import Table
from tinyinterp.text.instruct import parse, prompt
from tinyinterp.text.notes import Notes
from tinyinterp.text.opened import name_of
from tinyinterp.text.reduction import Rest, count_tokens, coverage, reduce
from tinyinterp.text.separators import Separator
from tinyinterp.text.stories import read_dataset, read_stories, size_of_stories
from tinyinterp.text.tokenizer import END_OF_TEXT, Tokenizer

from .tokens import SPLITS, DataCard, write_tokens

WRITTEN = {"data.json", "tokenizer", *(f"{s}.{kind}" for s in SPLITS for kind in ("bin", "idx"))}
SEPARATOR = len(f"\n{END_OF_TEXT}\n")  # bytes between two stories
COVERED = (1000, 2000, 4000, 8000, 10000)  # vocabularies that the coverage is reported for


@dataclass
class LeftOut:
    """Examples without an instruction where each should have one."""

    count: int = 0
    first: str = ""  # what was wrong with the first of them


@dataclass(frozen=True)
class Source:
    """Stories of a file or of a data set on the hub, read again at each call."""

    text: Path | None = None
    dataset: str | None = None
    split: str = "train"
    cleaned: bool = True
    instruct: bool = False  # each story follows an instruction
    separator: Separator = "auto"  # what is between the stories of a plain text
    _said: set[str] = field(default_factory=set, init=False, repr=False, compare=False)

    @property
    def name(self) -> str:
        """What the data card calls it."""
        return name_of(self.text) if self.text else f"{self.dataset} ({self.split})"

    def stories(self, title: str, left_out: LeftOut | None = None) -> Iterator[str]:
        """All stories, with a progress bar named ``title``.

        Instructions are rewritten in one form, so that later prompts look like the training text;
        an example without one is counted in ``left_out``.

        Raises:
            CorpusError: the source cannot be read, or no instruction was found where all have one.
        """
        whole = self._whole(title)
        return _examples(whole, left_out or LeftOut()) if self.instruct else whole

    def _whole(self, title: str) -> Iterator[str]:
        notes = Notes(name_of(self.text) if self.text else str(self.dataset), self._said)
        if self.text:
            total = size_of_stories(self.text)
            stories = read_stories(
                self.text,
                separator=self.separator,
                split=self.split,
                mend=self.cleaned,
                notes=notes,
            )
        else:
            total = None
            stories = read_dataset(str(self.dataset), self.split, mend=self.cleaned, notes=notes)
        with progress(title, total) as bar:
            for story in stories:
                bar.advance(len(story.encode()) + SEPARATOR)
                yield story


def _examples(stories: Iterator[str], left_out: LeftOut) -> Iterator[str]:
    found = False
    for text in stories:
        try:
            asked, story = parse(text)
        except CorpusError as error:
            left_out.count += 1
            left_out.first = left_out.first or str(error)
            continue
        found = True
        yield prompt(asked) + story
    if not found:
        raise CorpusError(
            f"none of the {left_out.count} examples has an instruction ({left_out.first}); "
            "prepare plain stories without --instruct"
        )


@dataclass(frozen=True)
class Chosen:
    """A tokenizer, and how it was reduced if it was."""

    tokenizer: Tokenizer
    coverage: Table | None = None
    steps: int | None = None


@dataclass(frozen=True)
class Prepared:
    """What was written, and about its tokenizer."""

    card: DataCard
    words: int  # separated by white space
    coverage: Table | None = None  # of the tokenizer that was reduced
    steps: int | None = None  # tokens of the reduced one that only serve to build others
    left_out: LeftOut = field(default_factory=LeftOut)

    @property
    def tokens_per_word(self) -> float:
        """Tokens for each word, end-of-text counted."""
        return (self.card.train.tokens + self.card.dev.tokens) / max(1, self.words)

    def as_dict(self) -> dict[str, Any]:
        """Plain values, for ``--json``."""
        values = asdict(self.card) | {"tokens_per_word": round(self.tokens_per_word, 4)}
        if self.coverage is not None:
            values |= {"coverage": list(self.coverage), "steps": self.steps}
        if self.card.instruct:
            values |= {"left_out": self.left_out.count}
        return values

    def as_text(self) -> str:
        """A few lines to read."""
        card = self.card
        lines = [f"{card.source}: {card.n_vocab:,} tokens in the vocabulary, {card.dtype}"]
        for split in SPLITS:
            count = getattr(card, split)
            lines.append(
                f"  {split:5} {count.stories:>12,} stories {count.tokens:>14,} tokens "
                f"{count.bytes:>14,} bytes"
            )
        lines.append(f"  {self.tokens_per_word:.3f} tokens per word")
        lines.append(f"  fingerprint {card.fingerprint}")
        if self.left_out.count:
            lines.append(
                f"  {self.left_out.count:,} were left out; the first: {self.left_out.first}"
            )
        if self.coverage is not None:
            lines.append("most frequent tokens   share of tokens   share of words")
            lines += [
                f"{row['n_vocab']:>20,} {row['tokens']:>16.2%} {row['words']:>16.2%}"
                for row in self.coverage
            ]
        if self.steps:
            lines.append(f"{self.steps:,} tokens are kept only because others are built from them")
        return "\n".join(lines)


def prepare(
    source: Source, choose: Callable[[Source], Chosen], folder: Path, *, holdout: int
) -> Prepared:
    """Choose a tokenizer, then write ``source`` with it as token files into ``folder``.

    A folder that was prepared before is replaced as a whole once the new one is complete.

    Raises:
        OutputError: ``folder`` holds something else, or cannot be written.
        CorpusError: the source cannot be read.
        TokenizerError: the tokenizer cannot be made as asked.
        TrainingError: ``holdout`` is 1 or negative.
    """
    if holdout < 0 or holdout == 1:
        raise TrainingError(
            f"holdout is {holdout}; expected 2 or more (one story in this many is held out), or 0 "
            "for none"
        )
    folder = expanded(folder)
    _check_replaceable(folder)
    make_folder(folder.parent)  # may be written, before the work begins
    held = lock_name(folder)  # by this process alone, until the end
    chosen = choose(source)
    words, left_out = 0, LeftOut()

    def counted() -> Iterator[str]:
        nonlocal words
        for story in source.stories("writing tokens", left_out):
            words += len(story.split())
            yield story

    card = write_tokens(
        counted(),
        chosen.tokenizer,
        folder,
        source=source.name,
        holdout=holdout,
        instruct=source.instruct,
    )
    held.release()
    return Prepared(card, words, chosen.coverage, chosen.steps, left_out)


def trained(n_vocab: int) -> Callable[[Source], Chosen]:
    """Train a byte-level BPE of ``n_vocab`` tokens on all stories of the source."""

    def choose(source: Source) -> Chosen:
        return Chosen(Tokenizer.train(source.stories("training the tokenizer"), n_vocab))

    return choose


def opened(folder: Path) -> Callable[[Source], Chosen]:
    """Take the tokenizer of a model folder."""

    def choose(_source: Source) -> Chosen:
        return Chosen(Tokenizer.open(folder))

    return choose


def reduced(folder: Path, n_vocab: int, rest: Rest) -> Callable[[Source], Chosen]:
    """Cut the tokenizer of a model folder to its ``n_vocab`` most frequent tokens on the source."""

    def choose(source: Source) -> Chosen:
        original = Tokenizer.open(folder)
        counts = count_tokens(original, source.stories("counting tokens"))
        reduction = reduce(original, counts, n_vocab, rest=rest)
        table = coverage(counts, sorted({*COVERED, n_vocab}))
        return Chosen(reduction.tokenizer, table, reduction.steps)

    return choose


def _check_replaceable(folder: Path) -> None:
    """Refuse to replace anything that :func:`prepare` did not write."""
    if folder.exists() and not folder.is_dir():
        raise OutputError(f"{folder} is a file; choose another --out")
    names = {path.name for path in folder.iterdir()} if folder.exists() else set()
    if names and not {"data.json"} <= names <= WRITTEN:
        raise OutputError(
            f"{folder} holds something other than prepared data "
            f"({min(names - WRITTEN or names)}); choose another --out"
        )
