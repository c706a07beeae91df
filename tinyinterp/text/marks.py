"""Marks between stories, such as ``<|endoftext|>``: where one ends a story, and where it is text.

A mark is a boundary at the start or the end of a line, after the end of a sentence, and between two
stories that touch it. Typed within a sentence it is text: ``He typed <|endoftext|> twice.``
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from tinyinterp.errors import CorpusError

MARK = r"<\|(?:endoftext|startoftext|end_of_text|begin_of_text|eos|bos)\|>|</?s>|<(?:eos|bos)>"
RUN = re.compile(rf"(?:(?:{MARK})[ \t]*)+", re.IGNORECASE)
CONTEXT = 256  # characters before and after a mark that are looked at
LONGEST_STORY = 1 << 26  # characters
SENTENCE_ENDS = ".!?…\"”’')]*"
QUOTES = {"'": "'", '"': '"', "“": "”", "‘": "’", "`": "`", "«": "»", "(": ")"}


def split_at_marks(text: str) -> list[str]:
    """The stories of a text, with what surrounds them.

    >>> split_at_marks("<s>One.</s><s>He typed </s> twice.</s>")
    ['', 'One.', 'He typed </s> twice.', '']
    """
    return _split(text, 0, len(text))


def split_stream(pieces: Iterable[str], name: str) -> Iterator[str]:
    """The stories of a text that comes in pieces; only the one that is being read is held.

    Raises:
        CorpusError: a story is so long that it cannot be one.
    """
    gathered: list[str] = []
    length = looked = 0
    tail = ""
    for piece in pieces:
        tail += piece
        *stories, tail = _split(tail, looked, len(tail) - CONTEXT)
        for story in stories:
            yield "".join([*gathered, story])
            gathered, length = [], 0
        if len(tail) > 2 * CONTEXT:
            gathered.append(tail[: -2 * CONTEXT])
            length += len(gathered[-1])
            tail = tail[-2 * CONTEXT :]
            check_length(length, name)
        looked = max(0, len(tail) - CONTEXT)
    for story in _split(tail, looked, len(tail)):
        yield "".join([*gathered, story])
        gathered = []


def check_length(length: int, name: str) -> None:
    """Refuse what is too long for a story.

    Raises:
        CorpusError: it is.
    """
    if length > LONGEST_STORY:
        raise CorpusError(
            f"{name} has more than {LONGEST_STORY:,} characters without a mark such as "
            "<|endoftext|> or a line break between stories; put one story on each line"
        )


def has_marks(text: str) -> bool:
    """Whether a mark stands between two stories."""
    return sum(bool(story.strip()) for story in split_at_marks(text)) > 1


def _split(text: str, since: int, until: int) -> list[str]:
    """The stories before each boundary that starts in this range, and the rest."""
    if "<" not in text:
        return [text]
    stories, start = [], 0
    for found in RUN.finditer(text):
        if since <= found.start() < until and _is_boundary(text, found):
            stories.append(text[start : found.start()])
            start = found.end()
    return [*stories, text[start:]]


def _is_boundary(text: str, mark: re.Match[str]) -> bool:
    before = text[max(0, mark.start() - CONTEXT) : mark.start()].rpartition("\n")[2]
    after = text[mark.end() : mark.end() + CONTEXT].partition("\n")[0]
    if not before.strip() or not after.strip():
        return True
    spaced = before[-1].isspace() or mark[0][-1].isspace()
    opens_a_quotation = before[-1] in QUOTES and (before[-2:-1].isspace() or len(before) == 1)
    if opens_a_quotation and after[0] == QUOTES[before[-1]]:
        return False
    if before.rstrip()[-1] in SENTENCE_ENDS:
        return True
    return not spaced and not re.fullmatch(r"</?s>", mark[0], re.IGNORECASE)
