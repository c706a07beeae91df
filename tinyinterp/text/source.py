"""The one way to stories: a file, a data set, a list or the bundled ones, all read alike.

Whatever the route, a story is mended and stripped, its line ends are plain and, where a model's
training text had no blank lines, runs of blank lines become one line break. So the same stories
give the same tokens and fall on the same side of the split.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import Literal

from tinyinterp.errors import CorpusError
from tinyinterp.io.paths import expanded
from tinyinterp.text.cleaning import fold_blank_lines
from tinyinterp.text.notes import Notes
from tinyinterp.text.opened import name_of
from tinyinterp.text.separators import Separator, check_separator
from tinyinterp.text.stories import read_dataset, read_list, read_stories

BlankLines = Literal["kept", "folded"]
BUNDLED_STORIES = "bundled stories (drawn from the bundled model)"


class Stories:
    """Stories under a name, read anew each time.

    Args:
        name: what to call them in tables.
        stories: opens them anew, mended and stripped; what is to be noted goes into what it is
            given.
        fold_for: the model whose training text had no blank lines, as a message names it; runs of
            blank lines are then read as one line break. None: blank lines are kept.
    """

    def __init__(
        self,
        name: str,
        stories: Callable[[Notes], Iterator[str]],
        *,
        fold_for: str | None = None,
    ) -> None:
        self.name = name
        self.fold_for = fold_for
        self._stories = stories
        self._said: set[str] = set()

    @property
    def blank_lines(self) -> BlankLines:
        """Whether runs of blank lines are kept or folded, for the notes of tables."""
        return "kept" if self.fold_for is None else "folded"

    def read(self) -> Iterator[str]:
        """The stories; what was decided, skipped or mended is said once on standard error.

        Raises:
            CorpusError: they cannot be read.
        """
        notes = Notes(self.name, self._said)
        for story in self._stories(notes):
            if self.fold_for is None:
                yield story
                continue
            folded = fold_blank_lines(story)
            if folded != story:
                notes.add(
                    "folded",
                    f"blank lines are read as single line breaks, because {self.fold_for} was "
                    "trained on a text without them; --keep-blank-lines (in Python, "
                    "keep_blank_lines=True) keeps them",
                )
            yield folded

    def check(self) -> None:
        """See that there is a story, and say nothing.

        Raises:
            CorpusError: there is none, or the first cannot be read.
        """
        if next(self._stories(Notes(self.name, quiet=True)), None) is None:
            raise CorpusError(f"{self.name} holds no story")


def open_stories(
    text: Path | str | Sequence[str | None] | None = None,
    *,
    dataset: str | None = None,
    split: str = "train",
    separator: Separator = "auto",
    fold_for: str | None = None,
) -> Stories:
    """Stories of a file, of a list, of a hub data set or, given neither, the bundled ones.

    Args:
        text: the path of a file or folder, ``-`` for standard input, or the stories themselves.
        dataset: the name of a data set on the hub, in place of a text.
        split: of the data set.
        separator: what is between the stories of a plain text, as
            :func:`tinyinterp.text.separators.decide` explains it.
        fold_for: as for :class:`Stories`.

    Raises:
        CorpusError: a text and a data set were given, a list without a story, or no separator.
    """
    check_separator(separator)
    if text is not None and dataset is not None:
        raise CorpusError("both a text and a data set were given; choose one")
    if dataset is not None:
        return Stories(
            dataset, lambda notes: read_dataset(dataset, split, notes=notes), fold_for=fold_for
        )
    if text is None:
        bundled = bundled_stories()
        return Stories(
            BUNDLED_STORIES,
            lambda notes: read_stories(bundled, separator="marks", notes=notes),
            fold_for=fold_for,
        )
    if isinstance(text, (str, Path)):
        path = expanded(text)
        return Stories(
            name_of(path),
            lambda notes: read_stories(path, separator=separator, split=split, notes=notes),
            fold_for=fold_for,
        )
    if not isinstance(text, Iterable) or isinstance(text, bytes):
        raise CorpusError(
            f"the text is {text!r:.80}; expected the path of a file or folder, or a list of stories"
        )
    quiet = Notes("text", quiet=True)
    if not sum(1 for _ in read_list(text, notes=quiet)):  # to the end: each must be a text
        raise CorpusError("no story was given; expected at least one that is not empty")
    return Stories("text", lambda notes: read_list(text, notes=notes), fold_for=fold_for)


def bundled_stories() -> Path:
    """Where the stories that come with the package lie."""
    return Path(__file__).parents[1] / "assets" / "stories.txt"
