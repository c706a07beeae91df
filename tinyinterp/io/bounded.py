"""JSON and TOML that a stranger may have written: read up to a size, decoded up to a depth.

A file that is no regular file is refused before it is opened, since a pipe would be waited for and
a device read for ever. What is decoded has no half of a surrogate pair, which nothing can print.
"""

from __future__ import annotations

import json
import stat
import tomllib
from collections.abc import Callable
from pathlib import Path
from typing import Any

from tinyinterp.errors import TinyinterpError
from tinyinterp.io.paths import shown

MOST_BYTES = 256 << 20  # of a file that is decoded whole; a table of every head and neuron has less
MOST_DEPTH = 100  # of objects and lists within one another
HALF_PAIRS = range(0xD800, 0xE000)


def read_json(path: Path, error: type[TinyinterpError]) -> Any:
    """What a JSON file in UTF-8 holds.

    Raises:
        error: it cannot be read, is too large or too deep, or is not JSON.
    """
    return parse_json(read_text(path, error), shown(path), error)


def read_json_object(path: Path, error: type[TinyinterpError]) -> dict[str, Any]:
    """What a JSON file holds, if that is an object; errors are :func:`read_json`'s."""
    content = read_json(path, error)
    if not isinstance(content, dict):
        raise error(f"{shown(path)} should hold a JSON object")
    return content


def read_toml(path: Path, error: type[TinyinterpError]) -> dict[str, Any]:
    """What a TOML file holds.

    Raises:
        error: it cannot be read, is too large or too deep, or is not TOML.
    """
    return parse_toml(read_text(path, error), shown(path), error)


def parse_json(
    text: str | bytes, where: str, error: type[TinyinterpError], *, halves: bool = False
) -> Any:
    """The value of a JSON text.

    Args:
        text: of the value alone.
        where: it was found, for the message.
        error: what is raised.
        halves: whether strings may hold half of a surrogate pair, which the caller then mends.

    Raises:
        error: it is not JSON, or too deep.
    """
    return _parsed(json.loads, text, where, "JSON", error, halves=halves)


def parse_toml(text: str, where: str, error: type[TinyinterpError]) -> dict[str, Any]:
    """The tables of a TOML text; arguments and errors are :func:`parse_json`'s."""
    return _parsed(tomllib.loads, text, where, "TOML", error)


def read_text(path: Path, error: type[TinyinterpError], most: int = MOST_BYTES) -> str:
    """The text of a file in UTF-8, without a mark at its start.

    Raises:
        error: it is missing, no regular file, larger than ``most`` bytes, or not UTF-8.
    """
    try:
        return read_bytes(path, error, most).decode("utf-8-sig")
    except UnicodeDecodeError as wrong:
        raise error(f"cannot read {shown(path)}: it is not UTF-8 ({wrong})") from wrong


def read_bytes(path: Path, error: type[TinyinterpError], most: int = MOST_BYTES) -> bytes:
    """The bytes of a regular file.

    Raises:
        error: it is missing, no regular file, or larger than ``most`` bytes.
    """
    try:
        found = path.stat()
        if not stat.S_ISREG(found.st_mode):
            raise error(f"cannot read {shown(path)}: it is no file")
        if found.st_size > most:
            raise error(
                f"cannot read {shown(path)}: it has {found.st_size:,} bytes, more than the "
                f"{most:,} that such a file may have"
            )
        with path.open("rb") as file:
            return file.read(most)
    except (OSError, ValueError) as wrong:  # ValueError: a NUL in the path
        reason = getattr(wrong, "strerror", None) or wrong
        raise error(f"cannot read {shown(path)}: {reason}") from wrong


def _parsed(
    parse: Callable[[Any], Any],
    text: str | bytes,
    where: str,
    language: str,
    error: type[TinyinterpError],
    *,
    halves: bool = False,
) -> Any:
    value = None
    try:
        value = parse(text)
        reason = _fault(value, halves=halves)
    except RecursionError:  # from here on the parser has given up: its own depth is greater
        reason = _too_deep()
    except ValueError as wrong:
        raise error(f"{where} is not {language}: {wrong}") from wrong
    if reason:
        raise error(f"{where} {reason}")
    return value


def _fault(value: Any, *, halves: bool) -> str | None:
    """What is wrong with a decoded value; None if nothing is."""
    level = [value]
    for _ in range(MOST_DEPTH + 1):
        below: list[Any] = []
        for each in level:
            if isinstance(each, dict):
                below += each
                below += each.values()
            elif isinstance(each, list):
                below += each
            elif not halves and isinstance(each, str) and not each.isascii() and is_half_pair(each):
                return "holds half of a surrogate pair, which is no character"
        if not below:
            return None
        level = below
    return _too_deep()


def is_half_pair(text: str) -> bool:
    """Whether a text holds half of a surrogate pair."""
    return any(ord(character) in HALF_PAIRS for character in text)


def _too_deep() -> str:
    return f"is nested more than {MOST_DEPTH} deep; expected a file as a program writes it"
