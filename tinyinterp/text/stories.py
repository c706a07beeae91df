"""Where stories come from: text, JSON, JSON Lines, Parquet or a data set on the hub, one by one.

Nothing here holds more than one story (or one row group) in memory, so that the two million
stories of TinyStories need no more than ten thousand do.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from pathlib import Path

from tinyinterp.errors import CorpusError
from tinyinterp.io.paths import is_file, shown
from tinyinterp.text.tokenizer import END_OF_TEXT

STORY_COLUMNS = ("text", "story")  # the names that TinyStories and its relatives use
CHARACTERS_AT_ONCE = 1 << 16  # of a JSON file


def read_stories(path: Path) -> Iterator[str]:
    """Stories of a file, in order, stripped, empty ones left out.

    ``.txt`` and anything unknown: UTF-8, stories separated by lines of ``<|endoftext|>``.
    ``.json``: a list of strings or of objects with ``text`` or ``story``. ``.jsonl``: one a line.
    ``.parquet``: a column ``text`` or ``story``. A row that holds ``<|endoftext|>`` is several.

    Raises:
        CorpusError: the file is missing, not of its kind, not UTF-8, or holds no story.
    """
    if not is_file(path):
        raise CorpusError(
            f"{shown(path)} is not a file; give the path of a text, JSON, JSON Lines or Parquet "
            "file, not a story itself"
        )
    readers = {".json": _from_json, ".jsonl": _from_json_lines, ".parquet": _from_parquet}
    reader = readers.get(path.suffix.lower(), _from_text)
    found = False
    try:
        for story in whole_stories(reader(path)):
            found = True
            yield story
    except UnicodeDecodeError as error:
        raise CorpusError(
            f"{path} is not UTF-8 (byte {error.object[error.start]:#04x} at {error.start}); "
            "convert it first"
        ) from error
    except OSError as error:
        raise CorpusError(f"cannot read {path}: {error.strerror or error}") from error
    if not found:
        raise CorpusError(f"{path} holds no story")


def read_dataset(name: str, split: str = "train") -> Iterator[str]:
    """Stories of a Hugging Face data set, streamed (``roneneldan/TinyStories``), or of a folder.

    ``TinyStoriesInstruct`` comes as lines; they are put together at each ``<|endoftext|>``.

    Raises:
        CorpusError: it cannot be reached, or has no text column.
    """
    import datasets
    from datasets.exceptions import DatasetsError

    from tinyinterp.io.hub import fetch_errors

    try:
        rows = datasets.load_dataset(name, split=split, streaming=True)
        lines = (_story_of(row, name) for row in rows)
        if name.lower().endswith("tinystoriesinstruct"):
            lines = _split_at_end_of_text(line + "\n" for line in lines)
        yield from whole_stories(lines)
    except CorpusError:
        raise
    # RuntimeError is what the library says of a data set that is a script.
    except (*fetch_errors(), DatasetsError, RuntimeError) as error:
        raise CorpusError(
            f"cannot read the data set {name!r} ({type(error).__name__}: {error}); "
            "without a network give a file with --text"
        ) from error


def whole_stories(rows: Iterable[str]) -> Iterator[str]:
    """The stories in each row: stripped, plain line ends, empty ones left out.

    A row that holds the token for the end of a text is several stories.
    """
    for row in rows:
        for story in row.split(END_OF_TEXT):
            if stripped := story.strip():
                yield stripped.replace("\r\n", "\n").replace("\r", "\n")


def _from_text(path: Path) -> Iterator[str]:
    with path.open(encoding="utf-8-sig", newline=None) as file:
        yield from _split_at_end_of_text(file)


def _split_at_end_of_text(lines: Iterator[str]) -> Iterator[str]:
    gathered: list[str] = []
    for line in lines:
        *ended, rest = line.split(END_OF_TEXT)
        for part in ended:
            yield "".join([*gathered, part])
            gathered = []
        gathered.append(rest)
    yield "".join(gathered)


def _from_json(path: Path) -> Iterator[str]:
    with path.open(encoding="utf-8-sig") as file:
        for row in _items_of_json(iter(lambda: file.read(CHARACTERS_AT_ONCE), ""), path):
            yield _story_of(row, str(path))


def _items_of_json(chunks: Iterator[str], path: Path) -> Iterator[object]:
    """Items of a JSON list, each decoded as soon as enough of the file was read."""
    decoder = json.JSONDecoder()
    text, before = "", "["  # what must stand before the next item
    for chunk in chunks:
        text = (text + chunk).lstrip()
        if before == "[" and text and text[0] != "[":
            raise CorpusError(f"{path} should hold a list of stories, it starts with {text[0]!r}")
        while text:
            if text[0] == "]" and before == ",":
                if text[1:].strip() or "".join(chunks).strip():
                    raise CorpusError(f"{path} is not JSON: something follows the list")
                return
            if text[0] != before:
                raise CorpusError(f"{path} is not JSON: expected {before!r} before {text[:20]!r}")
            rest = text[1:].lstrip()
            if before == "[" and rest.startswith("]"):
                text, before = rest, ","
                continue
            try:
                item, end = decoder.raw_decode(rest)
            except json.JSONDecodeError:
                break  # the item continues in the next chunk, or is cut off
            yield item
            text, before = rest[end:].lstrip(), ","
    raise CorpusError(f"{path} is not JSON: it breaks off, or is wrong, at {text[:20]!r}")


def _from_json_lines(path: Path) -> Iterator[str]:
    with path.open(encoding="utf-8-sig") as file:
        for number, line in enumerate(file, start=1):
            if not line.strip():
                continue
            try:
                yield _story_of(json.loads(line), str(path))
            except json.JSONDecodeError as error:
                raise CorpusError(f"{path} line {number} is not JSON: {error}") from error


def _from_parquet(path: Path) -> Iterator[str]:
    from pyarrow import ArrowException, parquet

    try:
        file = parquet.ParquetFile(path)
    except ArrowException as error:
        raise CorpusError(f"{path} is not Parquet: {error}") from error
    with file:
        names = [name for name in STORY_COLUMNS if name in file.schema_arrow.names]
        if not names:
            columns = ", ".join(file.schema_arrow.names)
            raise CorpusError(f"{path} has the columns {columns}; expected 'text' or 'story'")
        for batch in file.iter_batches(batch_size=1024, columns=names[:1]):
            for value in batch.column(0):
                yield value.as_py() or ""


def _story_of(row: object, where: str) -> str:
    if isinstance(row, str):
        return row
    if isinstance(row, dict):
        for name in STORY_COLUMNS:
            if isinstance(row.get(name), str):
                return row[name]
    raise CorpusError(f"{where}: expected strings, or objects with 'text' or 'story'")
