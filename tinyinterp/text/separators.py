"""What separates the stories of a plain text: marks, line ends, blank lines, or nothing.

``auto`` decides by the beginning of the text (:func:`decide`), and a note says what it took where
there are no marks.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from statistics import median
from typing import Literal, get_args

from tinyinterp.errors import CorpusError
from tinyinterp.text.cleaning import BLANK_LINES
from tinyinterp.text.marks import check_length, has_marks, split_stream
from tinyinterp.text.notes import Notes

Separator = Literal["auto", "marks", "lines", "blank-lines", "none"]
SEPARATORS: tuple[Separator, ...] = get_args(Separator)

SAMPLE = 1 << 20  # characters at the start of a text, by which its separator is decided
STORY = 350  # characters: most paragraphs of short stories have fewer, most stories have more
ONE_STORY = 10_000  # characters; what is longer is more than one story
WORTH_A_NOTE = 2_000  # characters; a text that is shorter and has no marks is one story silently
CHOOSE = "choose another with --separator (in Python, separator=)"


@dataclass(frozen=True)
class Layout:
    """How the stories of a text are separated."""

    separator: Separator  # never ``auto``
    blank_lines: int = 1  # at least so many between stories, if blank lines separate them


def check_separator(separator: str) -> None:
    """Refuse what is no separator.

    Raises:
        CorpusError: the name of a separator was expected.
    """
    if separator not in SEPARATORS:
        raise CorpusError(f"separator is {separator!r}; expected one of {', '.join(SEPARATORS)}")


def decide(sample: str) -> Layout:
    """What separates the stories of a text that begins like this.

    - Marks, if there is one between two stories.
    - Line ends, if there are no blank lines and half of the lines have 350 characters or more.
    - Blank lines, if half of what stands between them has 350 characters or more. Two of them, if
      single ones stand within stories: half of what double ones separate is then longer than what
      single ones separate, and no longer than 10,000 characters.
    - Of a text of more than 10,000 characters that is none of these: blank lines, if it has any,
      or else line ends.
    - Otherwise nothing: the text is one story.
    """
    text = sample.strip()
    if has_marks(text):
        return Layout("marks")
    blocks = [block for block in BLANK_LINES.split(text) if block.strip()]
    if len(blocks) > 1:
        wide = [block for block in re.split(r"\n(?:[^\S\n]*\n){2,}", text) if block.strip()]
        if 1 < len(wide) < len(blocks) and STORY <= median(map(len, wide)) <= ONE_STORY:
            return Layout("blank-lines", 2)
        if median(map(len, blocks)) >= STORY or len(text) > ONE_STORY:
            return Layout("blank-lines")
        return Layout("none")
    lines = text.split("\n")
    if len(lines) > 1 and (median(map(len, lines)) >= STORY or len(text) > ONE_STORY):
        return Layout("lines")
    return Layout("none")


def separate(
    pieces: Iterable[str], sample: str, separator: Separator, notes: Notes
) -> Iterator[str]:
    """The stories of a plain text, in order; blank ones are among them.

    Args:
        pieces: the text, whole.
        sample: its beginning.
        separator: what is between its stories.
        notes: what was decided is said here.

    Raises:
        CorpusError: a story is so long that it cannot be one.
    """
    layout = Layout(separator)
    if separator == "auto":
        layout = decide(sample)
        _tell(layout, sample, notes)
    if layout.separator == "marks":
        return split_stream(pieces, notes.name)
    if layout.separator == "lines":
        return lines_of(pieces, notes.name)
    if layout.separator == "blank-lines":
        return _blocks(lines_of(pieces, notes.name), layout.blank_lines, notes.name)
    return _whole(pieces, notes.name)


def lines_of(pieces: Iterable[str], name: str) -> Iterator[str]:
    r"""The lines of a text, without their ``\n``.

    Raises:
        CorpusError: a line is so long that it cannot be a story.
    """
    gathered: list[str] = []
    length = 0
    for piece in pieces:
        first, *others = piece.split("\n")
        gathered.append(first)
        length += len(first)
        check_length(length, name)
        if others:
            yield "".join(gathered)
            yield from others[:-1]
            gathered, length = [others[-1]], len(others[-1])
    if gathered and (last := "".join(gathered)):
        yield last


def _blocks(lines: Iterable[str], blank_lines: int, name: str) -> Iterator[str]:
    block: list[str] = []
    blank = length = 0
    for line in lines:
        if not line.strip():
            blank += 1
            block.append("")
            continue
        if blank >= blank_lines:
            yield "\n".join(block)
            block, length = [], 0
        blank = 0
        block.append(line)
        length += len(line)
        check_length(length, name)
    yield "\n".join(block)


def _whole(pieces: Iterable[str], name: str) -> Iterator[str]:
    parts, length = [], 0
    for piece in pieces:
        parts.append(piece)
        length += len(piece)
        check_length(length, name)
    yield "".join(parts)


def _tell(layout: Layout, sample: str, notes: Notes) -> None:
    """Say what was taken for the separator, where no marks are and the text is not short."""
    if layout.separator == "marks":
        return
    taken = {
        "lines": "each line is a story",
        "blank-lines": "blank lines separate stories"
        if layout.blank_lines == 1
        else "two or more blank lines separate stories",
        "none": "the text is one story",
    }[layout.separator]
    if layout.separator != "none" or len(sample.strip()) > WORTH_A_NOTE:
        notes.add("separator", f"no marks such as <|endoftext|>, so {taken}; {CHOOSE}")
