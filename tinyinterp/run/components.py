"""Heads and neurons by name: ``L6H7`` is head 7 of layer 6, ``L4N428`` neuron 428 of layer 4."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

from tinyinterp.errors import SelectionError
from tinyinterp.network.config import DecoderConfig
from tinyinterp.selection import choose_one

NAME = re.compile(r"\s*#?\s*(?:L\s*)?(\d{1,6})\s*([HN.])\s*(\d{1,9})\s*", re.IGNORECASE)


@dataclass(frozen=True, order=True)
class Head:
    """A head, by layer and number, both counted from 0."""

    layer: int
    head: int

    def __str__(self) -> str:
        return f"L{self.layer}H{self.head}"


@dataclass(frozen=True, order=True)
class Neuron:
    """A neuron, by layer and number, both counted from 0."""

    layer: int
    neuron: int

    def __str__(self) -> str:
        return f"L{self.layer}N{self.neuron}"


Component = Head | Neuron


def head(layer: int, head: int) -> Head:
    """Head ``head`` of layer ``layer``, both counted from 0."""
    return Head(layer, head)


def neuron(layer: int, neuron: int) -> Neuron:
    """Neuron ``neuron`` of layer ``layer``, both counted from 0."""
    return Neuron(layer, neuron)


def parse(name: str) -> Component:
    """The head or neuron of a name.

    >>> parse("L6H7"), parse("#L4N428"), parse("6.7")
    (Head(layer=6, head=7), Neuron(layer=4, neuron=428), Head(layer=6, head=7))

    Raises:
        SelectionError: it names neither.
    """
    match = NAME.fullmatch(name)
    if match is None:
        raise SelectionError(
            f"{name!r:.80} names no head or neuron: write L6H7 for head 7 of layer 6, "
            "L4N428 for neuron 428 of layer 4"
        )
    layer, number = int(match[1]), int(match[3])
    return Neuron(layer, number) if match[2] in "Nn" else Head(layer, number)


def choose_components(
    given: Component | str | Iterable[Component | str], config: DecoderConfig
) -> tuple[Component, ...]:
    """The heads and neurons that were asked for, sorted, each once.

    Args:
        given: one or several, as made by :func:`head` and :func:`neuron` or by name.
        config: the model's.

    Raises:
        SelectionError: one of them is neither, or the model has none of that number.
    """
    several = (given,) if isinstance(given, (Head, Neuron, str)) else given
    try:
        listed = list(several)
    except TypeError:
        raise SelectionError(
            f"{given!r:.80} is no head or neuron: write head(6, 7), neuron(4, 428) or 'L6H7'"
        ) from None
    chosen = {_checked(each, config) for each in listed}
    return tuple(sorted(chosen, key=lambda each: (isinstance(each, Neuron), each)))


def _checked(given: object, config: DecoderConfig) -> Component:
    if isinstance(given, str):
        given = parse(given)
    if not isinstance(given, (Head, Neuron)):
        raise SelectionError(
            f"{given!r:.80} is no head or neuron: write head(6, 7), neuron(4, 428) or 'L6H7'"
        )
    layer = choose_one("layer", given.layer, config.n_layers)
    if isinstance(given, Head):
        return Head(layer, choose_one("head", given.head, config.n_heads))
    return Neuron(layer, choose_one("neuron", given.neuron, config.d_mlp))
