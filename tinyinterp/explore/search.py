"""Heads and neurons by name, kind, role, needs, tag, token or rule; all words must fit."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from functools import cached_property
from typing import Any

from tinyinterp.errors import SelectionError
from tinyinterp.explore.tables import Row, Tables
from tinyinterp.network.config import DecoderConfig
from tinyinterp.run import Component, Head, Neuron, parse

MOST_FOUND = 60
MOST_WORDS = 12
HEAD_WORDS = ("kind", "role", "needs", "looks_at", "drawn_to", "raises")
NEURON_WORDS = ("kind", "best_tag", "needs", "family", "rules", "words", "raises")
APART = re.compile(r"[\s,;·→>]+")


class Index:
    """What the tables say of every head and neuron, as text.

    Args:
        tables: of censuses and an account.
        config: the model's.
    """

    def __init__(self, tables: Tables, config: DecoderConfig) -> None:
        self._tables, self._config = tables, config

    def find(self, query: str) -> tuple[list[Component], int]:
        """The first parts that fit, and how many there are.

        A name (``L6H7``, ``6.7``) finds that part; of other words each must begin one of the words
        that are said of the part.

        Raises:
            SelectionError: nothing was asked, or too much.
        """
        wanted = [word for word in APART.split(query.lower().replace("␣", " ")) if word]
        if not 1 <= len(wanted) <= MOST_WORDS:
            raise SelectionError(f"the search has {len(wanted)} words; give 1 to {MOST_WORDS}")
        named = list(self._named(query))
        found = [
            part
            for part, text in self._texts
            if part not in named and all(f" {word}" in text for word in wanted)
        ]
        return [*named, *found][:MOST_FOUND], len(named) + len(found)

    def _named(self, query: str) -> Iterator[Component]:
        try:
            named = parse(query)
        except SelectionError:
            return
        config = self._config
        numbers = named.layer, named.head if isinstance(named, Head) else named.neuron
        both = "." in query
        if numbers[0] >= config.n_layers:
            return
        if (both or isinstance(named, Head)) and numbers[1] < config.n_heads:
            yield Head(*numbers)
        if (both or isinstance(named, Neuron)) and numbers[1] < config.d_mlp:
            yield Neuron(*numbers)

    @cached_property
    def _texts(self) -> list[tuple[Component, str]]:
        config, tables = self._config, self._tables
        heads = [Head(i, j) for i in range(config.n_layers) for j in range(config.n_heads)]
        known = range(config.n_layers) if tables.accounted_neurons else tables.layers
        neurons = [Neuron(i, j) for i in known for j in range(config.d_mlp)]
        return [
            *((one, _text("head", tables.head(one.layer, one.head), HEAD_WORDS)) for one in heads),
            *(
                (one, _text("neuron", tables.neuron(one.layer, one.neuron), NEURON_WORDS))
                for one in neurons
            ),
        ]


def _text(what: str, row: Row, names: Iterable[str]) -> str:
    """What a row says, as words that each have a space in front."""
    said = [what, *(word for name in names for word in _words(row.get(name)))]
    return " " + " ".join(APART.sub(" ", word).strip() for word in said).lower()


def _words(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
        yield from re.findall(r"\w+", value)  # 'dog' is found by dog
    elif isinstance(value, (list, tuple)):
        for each in value:
            yield from _words(each)
