"""Prompts with right and wrong continuations, and how they are read from a file.

    {"id": "pets-1", "category": "context", "prompt": "Tom had a cat and Sue had a dog. ... his",
     "right": ["cat"], "wrong": ["dog"]}

One JSON object a line. A space stands between a prompt and each of its continuations.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

from tinyinterp.errors import CorpusError
from tinyinterp.io.described import read_described_lines
from tinyinterp.io.paths import expanded


@dataclass(frozen=True)
class Prompt:
    """A beginning, and how it may and may not go on.

    Raises:
        CorpusError: a field is empty, has white space at an end, or repeats a continuation.
    """

    closed: ClassVar[bool] = True  # a misspelled field is refused

    id: str
    category: str
    prompt: str
    right: tuple[str, ...]
    wrong: tuple[str, ...]

    def __post_init__(self) -> None:
        for name in ("id", "category", "prompt"):
            _check_text(name, getattr(self, name))
        for name in ("right", "wrong"):
            if not getattr(self, name):
                raise CorpusError(f"'{name}' is empty; give at least one continuation")
            for continuation in getattr(self, name):
                _check_text(name, continuation)
        if len(set(self.candidates)) < len(self.candidates):
            raise CorpusError("a continuation is given twice; give each once, in right or in wrong")

    @property
    def candidates(self) -> tuple[str, ...]:
        """All continuations, the right ones first."""
        return (*self.right, *self.wrong)

    @property
    def chance(self) -> float:
        """The chance that the best of randomly scored candidates is right."""
        return len(self.right) / len(self.candidates)


def bundled_prompts() -> Path:
    """Where the prompts that come with the package lie."""
    return Path(__file__).parents[1] / "assets" / "prompts.jsonl"


def read_prompts(path: str | Path | None = None) -> list[Prompt]:
    """The prompts of a JSON Lines file; None: the 78 that come with the package.

    Raises:
        CorpusError: the file cannot be read, or a line is no prompt; the message has its number.
    """
    path = bundled_prompts() if path is None else expanded(path)
    try:
        prompts = read_described_lines(Prompt, path, CorpusError)
    except CorpusError as error:
        raise CorpusError(
            f"cannot read the prompts: {error}; expected one JSON object a line, in UTF-8"
        ) from error
    return check_prompts(prompts, path.name)


def check_prompts(prompts: Iterable[Prompt], name: str = "the list") -> list[Prompt]:
    """The prompts, if there is one and no id occurs twice.

    Raises:
        CorpusError: there is none, or an id occurs twice.
    """
    checked, seen = list(prompts), set[str]()
    for prompt in checked:
        if prompt.id in seen:
            raise CorpusError(
                f"{name}: the id {prompt.id!r} occurs twice; give each prompt its own"
            )
        seen.add(prompt.id)
    if not checked:
        raise CorpusError(f"{name} holds no prompts; give one JSON object a line")
    return checked


def _check_text(name: str, text: str) -> None:
    if not text or text != text.strip():
        raise CorpusError(
            f"'{name}' holds {text!r:.60}; expected text without white space at its ends"
        )
