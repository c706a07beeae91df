"""Where stories come from: a file of any format, a folder, or a data set on the hub, one by one.

Nothing here holds more than one story (or one row group) in memory, so that the two million
stories of TinyStories need no more than ten thousand do.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterable, Iterator, Sequence
from lzma import LZMAError
from pathlib import Path

from tinyinterp.errors import CorpusError
from tinyinterp.io.paths import is_file, is_folder, shown
from tinyinterp.text.arrow_stories import is_saved_data_set, read_saved_data_set
from tinyinterp.text.cleaning import clean
from tinyinterp.text.columns import Objects, as_story
from tinyinterp.text.encodings import plain_line_ends
from tinyinterp.text.formats import TEXT_SUFFIXES, Rows, open_rows
from tinyinterp.text.marks import split_at_marks
from tinyinterp.text.notes import Notes
from tinyinterp.text.opened import COMPRESSED_SUFFIXES, is_pipe, name_of, regular
from tinyinterp.text.separators import Separator, check_separator
from tinyinterp.text.tokenizer import END_OF_TEXT


def read_stories(
    path: Path,
    *,
    separator: Separator = "auto",
    split: str = "train",
    mend: bool = True,
    notes: Notes | None = None,
) -> Iterator[str]:
    """Stories of a file, of standard input (``-``) or of a folder, in order.

    A plain text holds stories as :func:`tinyinterp.text.separators.decide` finds, JSON a list of
    strings or objects, JSON Lines one a line, CSV, Parquet and Arrow one a row. Each may be
    compressed. Of a folder that ``save_to_disk`` wrote, ``split`` is read; of any other, its files
    by name, of which a text without marks is one story. Stories are mended and stripped; what
    holds none is skipped.

    Args:
        path: of the file or folder.
        separator: what is between the stories of a plain text.
        split: of a saved data set with several.
        mend: repair what :func:`tinyinterp.text.cleaning.clean` does.
        notes: what is to be said; None: it is said on standard error.

    Raises:
        CorpusError: it is missing, no text, cannot be read, or holds no story.
    """
    check_separator(separator)
    notes = Notes(name_of(path)) if notes is None else notes
    found = False
    try:
        for rows in _rows_of(path, separator, split, notes):
            for story in whole_stories(rows, notes, mend=mend, marks=separator != "none"):
                found = True
                yield story
    except (OSError, EOFError, zlib.error, LZMAError) as error:
        raise CorpusError(
            f"cannot read {shown(path)}: {getattr(error, 'strerror', None) or error}"
        ) from error
    finally:
        notes.finish()
    if not found:
        raise CorpusError(f"{shown(path)} holds no story")


def read_dataset(
    name: str, split: str = "train", *, mend: bool = True, notes: Notes | None = None
) -> Iterator[str]:
    """Stories of a Hugging Face data set, streamed (``roneneldan/TinyStories``), or of a folder.

    ``TinyStoriesInstruct`` comes as lines; they are put together at each ``<|endoftext|>``.

    Raises:
        CorpusError: it cannot be reached, or has no column of stories.
    """
    if is_folder(Path(name)) and is_saved_data_set(Path(name)):
        yield from read_stories(Path(name), split=split, mend=mend, notes=notes)
        return
    import datasets
    from datasets.exceptions import DatasetsError

    from tinyinterp.io.hub import fetch_errors

    notes = Notes(name) if notes is None else notes
    objects = Objects(notes, "row")
    try:
        found = enumerate(datasets.load_dataset(name, split=split, streaming=True), start=1)
        rows = Rows("row", ((n, objects.story(row, n)) for n, row in found), separated=False)
        if name.lower().endswith("tinystoriesinstruct"):
            gathered = _gather_lines(story or "" for _, story in rows.items)
            rows = Rows("story", enumerate(gathered, start=1), separated=True)
        yield from whole_stories(rows, notes, mend=mend)
    except CorpusError:
        raise
    # RuntimeError is what the library says of a data set that is a script.
    except (*fetch_errors(), DatasetsError, RuntimeError) as error:
        raise CorpusError(
            f"cannot read the data set {name!r} ({type(error).__name__}: {error}); "
            "without a network give a file with --text"
        ) from None  # hundreds of lines of HTTP, whose reason the message says
    finally:
        notes.finish()


def read_list(
    stories: Sequence[object], *, mend: bool = True, notes: Notes | None = None
) -> Iterator[str]:
    """Stories of a list, read like those of any file.

    Raises:
        CorpusError: one is neither a string, bytes nor None.
    """
    notes = Notes("text") if notes is None else notes
    items = ((n, as_story(row, f"story {n}", notes)) for n, row in enumerate(stories, start=1))
    try:
        yield from whole_stories(Rows("story", items, separated=False), notes, mend=mend)
    finally:
        notes.finish()


def size_of_stories(path: Path) -> int | None:
    """About how many bytes the stories of a file have, for a progress bar; None: not known."""
    sized = path.suffix.lower() not in COMPRESSED_SUFFIXES | {".parquet", ".arrow"}
    return path.stat().st_size if sized and is_file(path) else None


def whole_stories(
    rows: Rows, notes: Notes, *, mend: bool = True, marks: bool = True
) -> Iterator[str]:
    """The stories in each row: mended, stripped, plain line ends; what holds none is skipped.

    Args:
        rows: a row that holds a mark between stories is several.
        notes: counts what was mended and skipped.
        mend: whether to mend more than line ends.
        marks: whether marks between stories are looked for.

    Raises:
        CorpusError: a story has a NUL in it.
    """
    for number, row in rows.items:
        found = False
        for part in split_at_marks(row or "") if marks else [row or ""]:
            if "\0" in part:
                raise CorpusError(
                    f"{notes.name}, {rows.unit} {number}, has a NUL in it: it is no text, or "
                    "UTF-16 that was read as something else"
                )
            whole = clean(part, notes.mended) if mend else plain_line_ends(part)
            if story := whole.strip():
                found = True
                notes.check_length(story)
                yield story
        if not found and not rows.separated:
            notes.skip(rows.unit, number)


def _rows_of(path: Path, separator: Separator, split: str, notes: Notes) -> Iterator[Rows]:
    """The rows of a file, or of each file of a folder."""
    if is_folder(path):
        if is_saved_data_set(path):
            yield Rows("row", read_saved_data_set(path, split, notes), separated=False)
            return
        files = _files_of(path)
        if len(files) > 1 and separator == "auto":
            separator = "marks"  # a text without any is one story
        for file in files:
            notes.enter(file.name)
            yield open_rows(file, separator, notes)
    elif is_file(path) or is_pipe(path):
        yield open_rows(regular(path), separator, notes)
    else:
        raise CorpusError(
            f"{shown(path)} is not a file; give the path of a text, JSON, JSON Lines, CSV or "
            "Parquet file, - for standard input, or a folder of them, not a story itself"
        )


def _files_of(folder: Path) -> list[Path]:
    """The texts of a folder by name, all of one kind."""
    kinds: dict[str, list[Path]] = {}
    for path in sorted(folder.iterdir()):
        name = Path(path.stem) if path.suffix.lower() in COMPRESSED_SUFFIXES else path
        suffix = name.suffix.lower()
        if path.is_file() and not path.name.startswith(".") and suffix in TEXT_SUFFIXES:
            kinds.setdefault(suffix, []).append(path)
    if not kinds:
        raise CorpusError(
            f"{shown(folder)} is a folder without a text; expected files that end in "
            f"{', '.join(sorted(TEXT_SUFFIXES))}, or what save_to_disk of datasets writes"
        )
    if len(kinds) > 1:
        raise CorpusError(
            f"{shown(folder)} holds files of several kinds ({', '.join(sorted(kinds))}); give one "
            "of them"
        )
    return next(iter(kinds.values()))


def _gather_lines(lines: Iterable[str]) -> Iterator[str]:
    """Stories of lines, each ended by the end-of-text token."""
    gathered: list[str] = []
    for line in lines:
        *ended, rest = f"{line}\n".split(END_OF_TEXT)
        for part in ended:
            yield "".join([*gathered, part])
            gathered = []
        gathered.append(rest)
    yield "".join(gathered)
