"""Stories that were tokenised once and are kept, so that a text that is read again is not again.

A census reads its text many times over. What a story was cut into is kept up to a bound; of a
longer text the stories beyond it are tokenised anew in each pass, and memory stays flat.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from itertools import islice
from typing import Generic, TypeVar

KEPT_TOKENS = 2_000_000  # of a text: some 60 MB
STORIES_ENCODED = 64  # at a time: of a text that is not read to its end, hardly more than is read

Cut = TypeVar("Cut")
Stories = Callable[[], Iterable[str]]
Encode = Callable[[list[str], int], list[tuple[int, Cut]]]  # stories, the number of the first


class KeptStories(Generic[Cut]):
    """The beginning of one text, story by story, each with its number of tokens.

    Args:
        stories: opens the text anew.
        encode: cuts some of its stories, given the number of the first.
    """

    def __init__(self, stories: Stories, encode: Encode[Cut]) -> None:
        self._stories, self._encode = stories, encode
        self._kept: list[tuple[int, Cut]] = []
        self._tokens = 0
        self._whole = False  # whether the text ends with the last story that is kept

    def __iter__(self) -> Iterator[tuple[int, Cut]]:
        number = read = 0  # stories given, and stories taken from the text that was opened
        opened: Iterator[str] | None = None
        while True:
            while number < len(self._kept):
                yield self._kept[number]
                number += 1
            if self._whole:
                return
            opened = iter(self._stories()) if opened is None else opened
            batch = list(islice(opened, number - read, number - read + STORIES_ENCODED))
            read = number + len(batch)
            made = self._encode(batch, number) if batch else []
            self._keep(number, made, last=len(batch) < STORIES_ENCODED)
            yield from made
            number += len(made)
            if len(batch) < STORIES_ENCODED:
                return

    def _keep(self, number: int, made: list[tuple[int, Cut]], *, last: bool) -> None:
        """Keep the stories from ``number`` on, if they follow on those kept and there is room."""
        if number == len(self._kept) and self._tokens < KEPT_TOKENS:
            self._kept += made
            self._tokens += sum(tokens for tokens, _ in made)
            self._whole = last
