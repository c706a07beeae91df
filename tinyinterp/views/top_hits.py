"""Where a neuron fires most, with its context: from a census, or read from a text."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from heapq import nlargest
from math import nan
from typing import TYPE_CHECKING, SupportsIndex

import pyarrow.compute as pc
import torch

from tinyinterp.errors import SelectionError
from tinyinterp.io.progress import progress
from tinyinterp.model import Model, Text
from tinyinterp.network.packed import packed
from tinyinterp.views.one_text import check_layer, choose, read_activations

if TYPE_CHECKING:
    from tinyinterp.neuron_census import NeuronCensus

READ_TOKENS = 20_000  # of a text, for a look
BEFORE, AFTER = 16, 8  # tokens of context


@dataclass(frozen=True)
class Hit:
    """A token on which a neuron fires, and its context; values that are not known are NaN."""

    tokens: list[str]
    values: list[float]
    note: str


def hits_of_census(
    census: NeuronCensus, layer: int, neuron: SupportsIndex | Sequence[SupportsIndex], k: int
) -> dict[int, list[Hit]]:
    """The largest activations that a census kept, by neuron, largest first.

    Raises:
        SelectionError: there is no such layer or neuron, or ``k`` is below 1.
    """
    _check(k)
    if layer not in census.layers:
        raise SelectionError(
            f"layer {layer} is not in this census; it has {', '.join(map(str, census.layers))}"
        )
    found = census.layers[layer]
    contexts = {}
    for number in choose("neuron", neuron, len(found.table)):
        hits = found.top.filter(pc.field("neuron") == number).to_pylist()
        contexts[number] = [
            Hit(
                [hit["before"], hit["token"], hit["after"]],
                [nan, hit["activation"], nan],
                f"{hit['activation']:.3g}, story {hit['story']}"
                + (f", {hit['tag']}" if hit["tag"] else ""),
            )
            for hit in sorted(hits, key=lambda hit: hit["rank"])[:k]
        ]
    return contexts


def hits_of_model(
    model: Model, layer: int, neuron: SupportsIndex | Sequence[SupportsIndex], k: int, text: Text
) -> dict[int, list[Hit]]:
    """The largest activations on a text, by neuron, largest first; the earlier of two equal ones.

    The end-of-text in front of a story does not count.

    Raises:
        CorpusError: the text cannot be read.
        SelectionError: there is no such layer or neuron, or ``k`` is below 1.
    """
    _check(k)
    check_layer(model, layer)
    numbers = choose("neuron", neuron, model.config.d_mlp)
    corpus = model.corpus(text, max_tokens=READ_TOKENS)
    kept: dict[int, list[tuple[float, int, int, Hit]]] = {number: [] for number in numbers}
    total = corpus.survey().tokens
    with packed(model.decoder), progress("largest activations", total) as bar:
        for order, sequence in enumerate(corpus.sequences()):
            activations = read_activations(model, torch.from_numpy(sequence.tokens), layer)
            names = [model.tokenizer.token_text(int(token)) for token in sequence.tokens]
            for number in numbers:
                values = activations[:, number].tolist()
                for at in nlargest(k, range(1, len(values)), key=lambda i: (values[i], -i)):
                    around = slice(max(0, at - BEFORE), at + AFTER + 1)
                    note = f"{values[at]:.3g}, story {sequence.number}"
                    found = Hit(names[around], values[around], note)
                    kept[number].append((values[at], -order, -at, found))
                kept[number] = nlargest(k, kept[number], key=lambda item: item[:3])
            bar.advance(len(sequence.tokens))
    return {number: [item[3] for item in items] for number, items in kept.items()}


def _check(k: int) -> None:
    if k < 1:
        raise SelectionError(f"k is {k}; it must be at least 1")
