"""What a person should know of a text that was read: each thing is said once, on standard error."""

from __future__ import annotations

from collections import Counter

from tinyinterp.io.progress import say

LONG_STORY = 100_000  # characters; longer than any story


class Notes:
    """Collects what was decided, skipped and mended while a text was read.

    Args:
        title: the name of the text.
        said: what has been said of it before; shared by all readings of one text. None: nothing.
        quiet: say nothing.
    """

    def __init__(self, title: str, said: set[str] | None = None, *, quiet: bool = False) -> None:
        self.title = title
        self.name = title  # and the file of a folder that is being read
        self._quiet = quiet
        self.mended: Counter[str] = Counter()
        self.skipped = 0
        self._first_skipped = ""
        self._said: set[str] = set() if said is None else said
        self._foreign = 0
        self._first_foreign = ""

    def add(self, kind: str, message: str) -> None:
        """Say something now, unless its kind was said before."""
        if kind not in self._said and not self._quiet:
            self._said.add(kind)
            say(f"note: {self.title}: {message}")

    def enter(self, file: str) -> None:
        """A file of the folder is read next."""
        self.name = f"{self.title}/{file}"

    def skip(self, unit: str, number: int) -> None:
        """A row or line without a story was left out."""
        self.skipped += 1
        where = f"{unit} {number}" + (f" of {self.name}" if self.name != self.title else "")
        self._first_skipped = self._first_skipped or where

    def foreign(self, count: int, around: str) -> None:
        """Bytes that are not UTF-8 were read as Windows-1252; ``around`` are the first of them."""
        self._foreign += count
        self._first_foreign = self._first_foreign or around

    def check_length(self, story: str) -> None:
        """Mention a story that is hardly one."""
        if len(story) > LONG_STORY:
            self.add(
                "long",
                f"one story has {len(story):,} characters; if it is several, see --separator "
                "(in Python, separator=)",
            )

    def finish(self) -> None:
        """Say what was counted, once the text was read as far as it was wanted."""
        if self.skipped:
            count = f" ({self.skipped:,} such)" if self.skipped > 1 else ""
            self.add("skipped", f"skipped {self._first_skipped}, which holds no story{count}")
        if self._foreign:
            self.add(
                "foreign",
                f"{_plural(self._foreign, 'byte')} not UTF-8, read as Windows-1252, the first in "
                f"{self._first_foreign!r}",
            )
        if self.mended:
            parts = [
                f"mojibake in {_plural(count, 'story', 'stories')}"
                if kind == "mojibake"
                else f"{count:,} {kind if count > 1 else kind.removesuffix('s')}"
                for kind, count in sorted(self.mended.items())
            ]
            self.add("mended", f"mended {', '.join(parts)}")


def _plural(count: int, one: str, many: str | None = None) -> str:
    return f"1 {one}" if count == 1 else f"{count:,} {many or one + 's'}"
