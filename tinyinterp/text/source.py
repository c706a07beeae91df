"""The one way to stories: a file, a data set, a list or the bundled ones, all read alike.

Whatever the route, a story is stripped, its line ends are plain, its mojibake is repaired and,
where a model's training text had no blank lines, runs of blank lines become one line break. So the
same stories give the same tokens and fall on the same side of the split.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import Literal

from tinyinterp.errors import CorpusError
from tinyinterp.io.paths import expanded
from tinyinterp.io.progress import say
from tinyinterp.text.cleaning import clean, fold_blank_lines
from tinyinterp.text.stories import read_dataset, read_stories, whole_stories

BlankLines = Literal["kept", "folded"]
BUNDLED_STORIES = "bundled stories (drawn from the bundled model)"


class Stories:
    """Stories under a name, read anew each time.

    Args:
        name: what to call them in tables.
        rows: opens them anew, as they were stored.
        fold_for: the model whose training text had no blank lines, as a message names it; runs of
            blank lines are then read as one line break. None: blank lines are kept.
    """

    def __init__(
        self, name: str, rows: Callable[[], Iterable[str]], *, fold_for: str | None = None
    ) -> None:
        self.name = name
        self.fold_for = fold_for
        self._rows = rows
        self._said = False

    @property
    def blank_lines(self) -> BlankLines:
        """Whether runs of blank lines are kept or folded, for the notes of tables."""
        return "kept" if self.fold_for is None else "folded"

    def read(self) -> Iterator[str]:
        """The stories, repaired; that blank lines were folded is said once on standard error.

        Raises:
            CorpusError: they cannot be read.
        """
        for row in self._rows():
            story = clean(row)
            if self.fold_for is not None:
                folded = fold_blank_lines(story)
                if folded != story and not self._said:
                    self._said = True
                    say(
                        f"note: {self.name}: blank lines are read as single line breaks, because "
                        f"{self.fold_for} was trained on a text without them; --keep-blank-lines "
                        "(in Python, keep_blank_lines=True) keeps them"
                    )
                story = folded
            yield story


def open_stories(
    text: Path | str | Sequence[str] | None = None,
    *,
    dataset: str | None = None,
    split: str = "train",
    fold_for: str | None = None,
) -> Stories:
    """Stories of a file, of a list, of a hub data set or, given neither, the bundled ones.

    Args:
        text: the path of a file, or the stories themselves.
        dataset: the name of a data set on the hub, in place of a text.
        split: of the data set.
        fold_for: as for :class:`Stories`.

    Raises:
        CorpusError: a text and a data set were given, or a list without a story.
    """
    if text is not None and dataset is not None:
        raise CorpusError("both a text and a data set were given; choose one")
    if dataset is not None:
        return Stories(dataset, lambda: read_dataset(dataset, split), fold_for=fold_for)
    if text is None:
        return Stories(BUNDLED_STORIES, lambda: read_stories(bundled_stories()), fold_for=fold_for)
    if isinstance(text, (str, Path)):
        path = expanded(text)
        return Stories(path.name, lambda: read_stories(path), fold_for=fold_for)
    if wrong := [story for story in text if not isinstance(story, str)]:
        raise CorpusError(f"a story is {wrong[0]!r:.80}; expected a string, or the path of a file")
    kept = list(whole_stories(text))
    if not kept:
        raise CorpusError("no story was given; expected at least one that is not empty")
    return Stories("text", lambda: kept, fold_for=fold_for)


def bundled_stories() -> Path:
    """Where the stories that come with the package lie."""
    return Path(__file__).parents[1] / "assets" / "stories.txt"
