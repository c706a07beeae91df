"""Beginnings of stories that a model is to complete, and what it wrote.

A prompt is the first words of a story with the white space between them as it stands there; the
text of a prompt and the rest of its story are the story.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING

from tinyinterp.errors import CorpusError, SelectionError
from tinyinterp.io.described import read_described_lines
from tinyinterp.io.files import write_text
from tinyinterp.io.paths import expanded, shown
from tinyinterp.text.instruct import prompt_length

if TYPE_CHECKING:
    from tinyinterp.model import AnyModel

WORD = re.compile(r"\S+")
LEAST_WORDS = 12  # of a story: a third of it is still a prompt, and leaves bigrams to compare
NAMED_SHARES = {"third": Fraction(1, 3), "half": Fraction(1, 2)}
ORIGINAL = "original stories"  # in the place of a model's name
INSTRUCTION = "instruction"  # in the place of a share


@dataclass(frozen=True)
class Opening:
    """The beginning of a story, or the instruction in front of one."""

    share: str  # of the story's words, as it was asked for; INSTRUCTION for an instruction
    prompt: str
    rest: str  # of the story, from the white space after the prompt on


@dataclass(frozen=True)
class Completion:
    """What a model wrote after a prompt."""

    model: str
    share: str  # as of Opening
    story: int  # its number in the text, counted from 0
    prompt: str
    continuation: str
    rest: str

    @property
    def text(self) -> str:
        """The prompt and what was written after it."""
        return self.prompt + self.continuation

    @property
    def original(self) -> str:
        """The story that the prompt was taken from."""
        return self.prompt + self.rest


def parse_share(share: str) -> Fraction:
    """The share of a story's words that a prompt has: ``0.4``, ``2/5`` or ``third``, exactly.

    Raises:
        SelectionError: it is not a number between 0 and 1.
    """
    try:
        found = NAMED_SHARES.get(share) or Fraction(share)
    except (ValueError, ZeroDivisionError):
        found = Fraction(0)
    if 0 < found < 1:
        return found
    raise SelectionError(
        f"the share is {share!r}; expected a number between 0 and 1, such as 0.4, or third"
    )


def cut(story: str, share: Fraction) -> tuple[str, str]:
    """A story as its first words, rounded down as ``n // 3`` is, and the rest; one word at least.

    >>> cut("One day  Tom ran home.", Fraction(2, 5))
    ('One day', '  Tom ran home.')
    """
    ends = [match.end() for match in WORD.finditer(story)]
    end = ends[max(1, int(len(ends) * share)) - 1]
    return story[:end], story[end:]


def openings(stories: Sequence[str], share: str) -> list[Opening]:
    """The prompt of each story: its first words, or the whole instruction where it begins with one.

    Raises:
        SelectionError: the share is not a number between 0 and 1.
    """
    part = parse_share(share)
    found = []
    for story in stories:
        at = prompt_length(story)
        if at is None:
            found.append(Opening(share, *cut(story, part)))
        else:
            found.append(Opening(INSTRUCTION, story[:at], story[at:]))
    return found


def choose_stories(
    models: Sequence[AnyModel], stories: Sequence[Iterator[str]], count: int
) -> tuple[list[int], list[list[str]], int]:
    """The first stories that have at least twelve words and fit into every model's context.

    Args:
        models: that are to complete them.
        stories: the same stories for each model, as it reads them.
        count: how many, at most.

    Returns:
        Their numbers in the text; the stories as each model reads them; and how many were passed
        over.

    Raises:
        CorpusError: no story fits.
    """
    numbers: list[int] = []
    chosen: list[list[str]] = [[] for _ in models]
    passed = 0
    for number, versions in enumerate(zip(*stories, strict=False)):
        if len(numbers) == count:
            break
        if all(_fits(model, story) for model, story in zip(models, versions, strict=True)):
            numbers.append(number)
            for of_model, story in zip(chosen, versions, strict=True):
                of_model.append(story)
        else:
            passed += 1
    if not numbers:
        raise CorpusError(
            f"no story has {LEAST_WORDS} words or more and fits into the context of every model; "
            "give other stories with --text"
        )
    return numbers, chosen, passed


def _fits(model: AnyModel, story: str) -> bool:
    if len(story.split()) < LEAST_WORDS:
        return False
    tokenizer = model.tokenizer
    return len(tokenizer.front) + len(tokenizer.encode(story).ids) <= model.config.n_ctx


def write_completions(path: Path, completions: Sequence[Completion]) -> None:
    """Write completions as JSON Lines, one a line."""
    lines = [json.dumps(asdict(each), ensure_ascii=False) for each in completions]
    write_text(path, "".join(f"{line}\n" for line in lines))


def read_completions(path: Path) -> list[Completion]:
    """What :func:`write_completions` wrote.

    Raises:
        CorpusError: the file cannot be read, or is none of completions.
    """
    path = expanded(path)
    try:
        found = read_described_lines(Completion, path, CorpusError)
    except CorpusError as error:
        raise CorpusError(
            f"{shown(path)} is not a file of completions ({error}); expected the "
            "completions.jsonl that tinyinterp evaluate rouge writes"
        ) from error
    if not found:
        raise CorpusError(f"{shown(path)} holds no completion")
    return found
