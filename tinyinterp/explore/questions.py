"""What the page asks, read from JSON and checked; whatever is wrong is one sentence."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal, cast

from tinyinterp.errors import SelectionError
from tinyinterp.io.bounded import parse_json

Question = Mapping[str, Any]
Stands = Literal["mean", "zero"]
MOST_OFF = 4096  # parts that one question switches off


@dataclass(frozen=True)
class Asked:
    """A text and what is switched off in it.

    Args:
        text: as it was typed.
        off: heads and neurons by name, sorted.
        instead: what takes their place.
    """

    text: str
    off: tuple[str, ...] = ()
    instead: Stands = "mean"


def question(body: bytes) -> Question:
    """The JSON object of a request.

    Raises:
        SelectionError: it is none.
    """
    try:
        read = parse_json(body, "the request", SelectionError, halves=True)
    except SelectionError as error:
        raise SelectionError(f"{error}; expected an object") from error
    if not isinstance(read, dict):
        raise SelectionError(f"the request is {read!r:.80}; expected a JSON object")
    return read


def asked(given: Question) -> Asked:
    """The text and the switches of a question.

    Raises:
        SelectionError: one of them is missing or of another type.
    """
    off = given.get("off", [])
    if not isinstance(off, list) or not all(isinstance(each, str) for each in off):
        raise SelectionError(f"off is {off!r:.80}; expected a list of names such as 'L6H7'")
    if len(off) > MOST_OFF:
        raise SelectionError(f"{len(off):,} parts are switched off; give at most {MOST_OFF:,}")
    instead = given.get("instead", "mean")
    if instead not in ("mean", "zero"):
        raise SelectionError(f"instead is {instead!r:.80}; expected 'mean' or 'zero'")
    return Asked(words(given, "text"), tuple(sorted(set(off))), cast("Stands", instead))


def words(given: Question, name: str) -> str:
    """A string of a question, in which half a surrogate pair is no character.

    Raises:
        SelectionError: it is none.
    """
    value = given.get(name)
    if not isinstance(value, str):
        raise SelectionError(f"{name} is {value!r:.80}; expected a string")
    return value.encode("utf-16", "surrogatepass").decode("utf-16", "replace")


def whole(given: Question, name: str, otherwise: int | None = None) -> int:
    """A whole number of a question.

    Raises:
        SelectionError: it is none.
    """
    value = given.get(name, otherwise)
    if isinstance(value, bool) or not isinstance(value, int):
        raise SelectionError(f"{name} is {value!r:.80}; expected a whole number")
    return value


def real(given: Question, name: str, otherwise: float) -> float:
    """A number of a question.

    Raises:
        SelectionError: it is none.
    """
    value = given.get(name, otherwise)
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        raise SelectionError(f"{name} is {value!r:.80}; expected a number")
    return float(value)
