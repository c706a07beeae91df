"""What a file may hold, said once: the type of each field, its range, and whether it may be absent.

A description is a frozen dataclass, or a ``TypedDict`` where the content stays a dictionary::

    @dataclass(frozen=True, kw_only=True)
    class Card:
        source: str
        n_vocab: Annotated[int, Within(1, 1 << 24)]
        dtype: Literal["uint16", "uint32"]
        instruct: bool = False  # may be absent

:func:`described` checks what JSON or TOML held against it. Within a description stand ``str``,
``bool``, ``int``, ``float``, ``None``, ``Literal``, unions, ``tuple``, ``list``, ``Mapping``, other
descriptions, and ``Any``. A whole number passes for a ``float``; NaN passes for nothing. Fields
that a description does not name are ignored in a dataclass, unless it says ``closed: ClassVar[bool]
= True``, and stay as they are in a ``TypedDict``. What a dataclass refuses in ``__post_init__`` is
refused in a file too.
"""

from __future__ import annotations

import math
import re
import types
from collections.abc import Mapping
from dataclasses import MISSING, dataclass, fields, is_dataclass
from functools import cache
from pathlib import Path
from typing import (
    Annotated,
    Any,
    Literal,
    TypeVar,
    Union,
    get_args,
    get_origin,
    get_type_hints,
    is_typeddict,
)

from tinyinterp.errors import TinyinterpError
from tinyinterp.io.bounded import parse_json, read_json, read_text
from tinyinterp.io.paths import shown

Described = TypeVar("Described")
WIDEST = (1 << 63) - 1  # of a whole number where nothing else is said: what an array can hold
LONGEST_SHOWN = 60  # characters of what was given
NAMES = {str: "a string", bool: "true or false", int: "a whole number", float: "a number"}


@dataclass(frozen=True)
class Within:
    """The range of a number, ends included; an infinite number fits only an infinite end."""

    low: float
    high: float = WIDEST

    def __str__(self) -> str:
        if self.high >= WIDEST:
            return f"{self.low:,} or more"
        return f"{self.low:,} to {self.high:,}"


@dataclass(frozen=True)
class Matching:
    """What the whole of a string matches."""

    pattern: str


Count = Annotated[int, Within(0)]


def read_described(kind: type[Described], path: Path, error: type[TinyinterpError]) -> Described:
    """What a JSON file holds, checked.

    Raises:
        error: it cannot be read, or a field is not as described; the message names it.
    """
    return described(kind, read_json(path, error), shown(path), error)


def read_described_lines(
    kind: type[Described], path: Path, error: type[TinyinterpError]
) -> list[Described]:
    """What each line of a JSON Lines file holds, checked; blank lines are none.

    Raises:
        error: it cannot be read, or a line is not as described; the message has its number.
    """
    found = []
    for number, line in enumerate(read_text(path, error).split("\n"), 1):
        if line.strip():
            where = f"{path.name}, line {number}"
            found.append(described(kind, parse_json(line, where, error), where, error))
    return found


def described(
    kind: type[Described], value: Any, where: str, error: type[TinyinterpError]
) -> Described:
    """A value that JSON or TOML held, as an object of the type ``kind``.

    Args:
        kind: the description.
        value: what was given.
        where: it was found, for the message, which the name of the field follows.
        error: what is raised.

    Raises:
        error: the value is not as described.
    """
    return checked(kind, value, where, error)


def checked(kind: Any, value: Any, where: str, error: type[TinyinterpError]) -> Any:
    """The same for any type that may stand in a description."""
    try:
        return _checked(kind, value, "")
    except _WrongError as wrong:
        raise error(wrong.sentence(where)) from None


class _WrongError(Exception):
    """A value that is not as described.

    Args:
        at: the path of its field, such as ``runs.heads.files[3]``; empty for the whole.
        problem: what is wrong with it.
    """

    def __init__(self, at: str, problem: str) -> None:
        super().__init__(at, problem)
        self.at, self.problem = at, problem

    def sentence(self, where: str) -> str:
        """What is wrong, and where."""
        between = "" if not self.at or self.at.startswith("[") else ": "
        return f"{where}{between}{self.at} {self.problem}"


class _RefusedError(_WrongError):
    """What an object says of its own fields."""

    def sentence(self, where: str) -> str:
        """What is wrong, and where."""
        return ": ".join(part for part in (where, self.at, self.problem) if part)


def _checked(kind: Any, value: Any, at: str) -> Any:
    origin, arguments = get_origin(kind), get_args(kind)
    if kind is Any or kind is object:
        return value
    if origin is Annotated:
        narrower: Any = arguments[1]
        narrowed: Any = _string if isinstance(narrower, Matching) else _number
        return narrowed(arguments[0], value, narrower, at)
    if origin is Literal:
        return _word(arguments, value, at)
    if origin in (Union, types.UnionType):
        return _one_of(arguments, value, at)
    if origin in (tuple, list):
        return origin(_items(arguments, value, at))
    if origin is not None and issubclass(origin, Mapping):
        return {
            _checked(arguments[0], key, f"a name in {at}".strip()): _checked(
                arguments[1], item, _below(at, key)
            )
            for key, item in _mapping(value, at).items()
        }
    if is_dataclass(kind) or is_typeddict(kind):
        return _object(kind, _mapping(value, at), at)
    return _plain(kind, value, at)


def _plain(kind: type, value: Any, at: str) -> Any:
    if kind in (int, float):
        return _number(kind, value, None, at)
    if isinstance(value, kind):
        return value
    raise _WrongError(at, f"is {_shown(value)}; expected {name_of(kind)}")


def _word(words: tuple[Any, ...], value: Any, at: str) -> Any:
    if isinstance(value, str | int) and value in words:
        return value
    raise _WrongError(at, f"is {_shown(value)}; choose one of {', '.join(map(str, words))}")


def _string(_: type, value: Any, matching: Matching, at: str) -> str:
    if not isinstance(value, str) or not re.fullmatch(matching.pattern, value):
        raise _WrongError(at, f"is {_shown(value)}; expected a string like {matching.pattern}")
    return value


def _number(kind: type, value: Any, within: Within | None, at: str) -> Any:
    if isinstance(value, bool) or not isinstance(value, int if kind is int else int | float):
        raise _WrongError(at, f"is {_shown(value)}; expected {name_of(kind)}")
    if within is not None:
        fits, expected = within.low <= value <= within.high, str(within)
    elif isinstance(value, int):
        fits, expected = abs(value) <= WIDEST, "a smaller number"
    else:
        fits, expected = math.isfinite(value), "a finite number"
    if not fits:
        raise _WrongError(at, f"is {_shown(value)}; expected {expected}")
    return kind(value)


def _one_of(kinds: tuple[Any, ...], value: Any, at: str) -> Any:
    wrong: list[_WrongError] = []
    for kind in kinds:
        if kind is type(None):
            if value is None:
                return None
            continue
        try:
            return _checked(kind, value, at)
        except _WrongError as error:
            wrong.append(error)
    if len(wrong) == 1:
        raise wrong[0]
    expected = " or ".join(name_of(kind) for kind in kinds if kind is not type(None))
    raise _WrongError(at, f"is {_shown(value)}; expected {expected}")


def _items(kinds: tuple[Any, ...], value: Any, at: str) -> list[Any]:
    if not isinstance(value, list | tuple):
        raise _WrongError(at, f"is {_shown(value)}; expected a list")
    if len(kinds) == 1 or kinds[-1] is Ellipsis:
        kinds = kinds[:1] * len(value)
    if len(value) != len(kinds):
        raise _WrongError(at, f"is {_shown(value)}; expected {len(kinds)} values")
    pairs = zip(kinds, value, strict=True)
    return [_checked(kind, item, f"{at}[{n}]") for n, (kind, item) in enumerate(pairs)]


def _mapping(value: Any, at: str) -> Mapping[Any, Any]:
    if not isinstance(value, Mapping):
        raise _WrongError(at, f"is {_shown(value)}; expected an object with named fields")
    return value


def _object(kind: Any, value: Mapping[str, Any], at: str) -> Any:
    known, needed = _fields(kind)
    if getattr(kind, "closed", False) and (unknown := value.keys() - known.keys()):
        name = _shown(min(unknown))
        raise _WrongError(at, f"has a field {name}, which is none of {', '.join(known)}")
    missing = [name for name in needed if name not in value]
    if missing:
        raise _WrongError(at, f"has no field {missing[0]!r}")
    found = {
        name: _checked(hint, value[name], _below(at, name))
        for name, hint in known.items()
        if name in value
    }
    if is_typeddict(kind):
        return {**value, **found}
    try:
        return kind(**found)
    except TinyinterpError as error:
        raise _RefusedError(at, str(error)) from error


@cache
def _fields(kind: Any) -> tuple[dict[str, Any], tuple[str, ...]]:
    """The type of each field, and the fields that must be there."""
    hints = get_type_hints(kind, include_extras=True)
    if is_typeddict(kind):
        return hints, tuple(sorted(kind.__required_keys__))
    given = [field for field in fields(kind) if field.init]
    needed = [f.name for f in given if f.default is MISSING and f.default_factory is MISSING]
    return {field.name: hints[field.name] for field in given}, tuple(needed)


def name_of(kind: Any) -> str:
    """How a message names a type."""
    origin = get_origin(kind)
    if origin is Annotated:
        return name_of(get_args(kind)[0])
    if origin in (tuple, list):
        return "a list"
    if origin is Literal:
        return " or ".join(map(repr, get_args(kind)))
    return NAMES.get(kind, "an object with named fields")


def _below(at: str, name: str) -> str:
    name = str(name) if len(str(name)) <= LONGEST_SHOWN else f"{str(name)[:LONGEST_SHOWN]}…"
    return f"{at}.{name}" if at else name


def _shown(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= LONGEST_SHOWN else f"{text[:LONGEST_SHOWN]}…"
