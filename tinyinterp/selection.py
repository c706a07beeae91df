"""Layers, heads and neurons as people give them: one number or several, counted from 0."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from operator import index
from typing import SupportsIndex

from tinyinterp.errors import SelectionError

Index = SupportsIndex  # a Python or numpy integer; bool, which has an index too, is refused
Indices = SupportsIndex | Iterable[SupportsIndex]


def choose_one(what: str, given: Index, count: int, *, of: str = "this model") -> int:
    """The one layer, head or neuron that was asked for.

    Args:
        what: is counted: ``layer``, ``head``, ``neuron``.
        given: its number.
        count: how many there are.
        of: where, for the message.

    Raises:
        SelectionError: it is no whole number, or there is none of that number.
    """
    number = _whole(given)
    if number is None:
        raise SelectionError(f"{what} is {given!r:.80}; expected {_range(count)}")
    if not 0 <= number < count:
        raise SelectionError(
            f"there is no {what} {number}; {of} has {count}, counted from 0 to {count - 1}"
        )
    return number


def choose_among(what: str, given: Index, known: Collection[int], *, of: str) -> int:
    """The one layer, head or neuron that was asked for, of those that something holds.

    Raises:
        SelectionError: it is no whole number, or not among ``known``.
    """
    number = _whole(given)
    if number is None or number not in known:
        listed = ", ".join(map(str, known))
        raise SelectionError(f"{what} {given!r:.80} is not in {of}; choose one of {listed}")
    return number


def choose(
    what: str, given: Indices | None, count: int, *, of: str = "this model"
) -> tuple[int, ...]:
    """The layers, heads or neurons that were asked for, in the order given, each once.

    Args:
        what: is counted: ``layer``, ``head``, ``neuron``.
        given: one number, several, or None for all.
        count: how many there are.
        of: where, for the message.

    Raises:
        SelectionError: one of them is no whole number or does not exist, or none was given.
    """
    if given is None:
        return tuple(range(count))
    number = _whole(given)
    if number is not None:
        return (choose_one(what, number, count, of=of),)
    several = None if isinstance(given, (str, bytes)) else _elements(given)
    if several is None:
        raise SelectionError(f"{what} is {given!r:.80}; expected {_range(count)}, or several")
    chosen = tuple(dict.fromkeys(choose_one(what, each, count, of=of) for each in several))
    if not chosen:
        raise SelectionError(f"no {what} was given; give at least one, {_range(count)}")
    return chosen


def at_least_one(what: str, given: Index) -> int:
    """How many of something were asked for.

    Raises:
        SelectionError: it is no whole number, or below 1.
    """
    number = _whole(given)
    if number is None or number < 1:
        raise SelectionError(f"{what} is {given!r:.80}; expected a whole number, at least 1")
    return number


def _whole(given: object) -> int | None:
    """The number that ``given`` is; None if it is no whole number."""
    if isinstance(given, bool) or "bool" in str(getattr(given, "dtype", "")):
        return None
    try:
        return index(given)  # pyright: ignore[reportArgumentType] - whatever has none is refused
    except TypeError:
        return None


def _elements(given: object) -> list[SupportsIndex] | None:
    try:
        return list(given)  # pyright: ignore[reportArgumentType]
    except TypeError:  # an array without axes can be iterated by its type alone
        return None


def _range(count: int) -> str:
    return f"a whole number from 0 to {count - 1}"
