"""Stories in JSON: a list, read as a stream, or JSON Lines."""

from __future__ import annotations

import json
from collections.abc import Iterator

from tinyinterp.errors import CorpusError
from tinyinterp.io.bounded import parse_json
from tinyinterp.text.columns import Objects
from tinyinterp.text.marks import check_length
from tinyinterp.text.notes import Notes

LINES_LOOKED_AT = 5  # of a text that may be JSON strings, one a line
SHOWN = 20  # characters of what is wrong


def looks_like_json_list(sample: str) -> bool:
    """Whether a text begins as a list of JSON whose first item is a string, an object or a null."""
    text = sample.lstrip()
    if not text.startswith("["):
        return False
    rest = text[1:].lstrip()
    if rest.startswith("{"):
        return True
    try:
        item, end = json.JSONDecoder().raw_decode(rest)
    except (ValueError, RecursionError):
        return False
    return isinstance(item, str | dict | None) and rest[end:].lstrip()[:1] in (",", "]")


def looks_like_json_lines(sample: str) -> bool:
    """Whether the first line is a JSON object, or the first lines are JSON strings."""
    lines = [line for line in sample.split("\n", 4 * LINES_LOOKED_AT) if line.strip()]
    values = []
    for line in lines[:LINES_LOOKED_AT]:
        try:
            values.append(json.loads(line))
        except (ValueError, RecursionError):
            break
    if not values:
        return False
    all_strings = all(isinstance(value, str) for value in values)
    return isinstance(values[0], dict) or (
        len(values) > 1 and all_strings and len(values) == len(lines[:LINES_LOOKED_AT])
    )


def looks_like_other_json(sample: str) -> str | None:
    """What is wrong with a text that is JSON, or nearly, and holds no stories one by one."""
    text = sample.lstrip()
    if text.startswith(("['", "[{'", "{'")):
        return "is a list as Python shows it, not JSON; write it with json.dump"
    if text.startswith("{") and text[1:].lstrip()[:1] == '"':
        return (
            "holds one JSON object over several lines; expected a list of stories, or one object "
            "on each line"
        )
    return None


def read_json(pieces: Iterator[str], notes: Notes) -> Iterator[tuple[int, str | None]]:
    """The stories of a JSON list, each with its number from 1.

    Raises:
        CorpusError: it is not JSON, or an item is no story.
    """
    objects = Objects(notes, "item")
    for number, row in enumerate(items_of_json(pieces, notes.name), start=1):
        yield number, objects.story(row, number)


def items_of_json(pieces: Iterator[str], name: str) -> Iterator[object]:
    """Items of a JSON list, each decoded as soon as enough of the text was read.

    Raises:
        CorpusError: it is not JSON, or no list.
    """
    decoder = json.JSONDecoder()
    text, before = "", "["  # what must stand before the next item
    for piece in pieces:
        text = (text + piece).lstrip()
        if before == "[" and text and text[0] != "[":
            raise CorpusError(f"{name} should hold a list of stories, it starts with {text[0]!r}")
        while text:
            if text[0] == "]" and before == ",":
                if text[1:].strip() or "".join(pieces).strip():
                    raise CorpusError(f"{name} is not JSON: something follows the list")
                return
            if text[0] != before:
                raise CorpusError(
                    f"{name} is not JSON: expected {before!r} before {text[:SHOWN]!r}"
                )
            rest = text[1:].lstrip()
            if before == "[" and rest.startswith("]"):
                text, before = rest, ","
                continue
            try:
                item, end = decoder.raw_decode(rest)
            except json.JSONDecodeError:
                check_length(len(text), name)
                break  # the item continues in the next piece, or is cut off
            except (ValueError, RecursionError) as error:  # a number without end, or too deep
                raise CorpusError(f"{name} is not JSON that is read here: {error}") from error
            yield item
            text, before = rest[end:].lstrip(), ","
    raise CorpusError(f"{name} is not JSON: it breaks off, or is wrong, at {text[:SHOWN]!r}")


def read_json_lines(lines: Iterator[str], notes: Notes) -> Iterator[tuple[int, str | None]]:
    """The stories of JSON Lines, each with the number of its line.

    Raises:
        CorpusError: a line is not JSON, or no story.
    """
    objects = Objects(notes, "line")
    for number, line in enumerate(lines, start=1):
        if not line.strip():
            continue
        row = parse_json(line, f"{notes.name} line {number}", CorpusError)
        yield number, objects.story(row, number)
