"""The hits of neurons, in context: from a census, or from a text that is read now."""

from __future__ import annotations

from dataclasses import dataclass
from heapq import nlargest
from math import nan
from typing import TYPE_CHECKING

import pyarrow.compute as pc
import torch

from tinyinterp.io.progress import progress
from tinyinterp.model import Model, Text
from tinyinterp.network.packed import packed
from tinyinterp.neuron_census.top_activations import CONTEXT
from tinyinterp.run import value_at
from tinyinterp.selection import Index, Indices, at_least_one, choose, choose_one

if TYPE_CHECKING:
    from tinyinterp.neuron_census import NeuronCensus

READ_TOKENS = 20_000  # of a text that is read now
BEFORE, AFTER = 16, 8  # tokens of context


@dataclass(frozen=True)
class HitInContext:
    """The pieces of text around a hit, and their activations; NaN where unknown."""

    tokens: list[str]
    values: list[float]
    note: str


def hits_of_census(
    census: NeuronCensus, layer: Index, neuron: Indices, k: int
) -> dict[int, list[HitInContext]]:
    """The largest activations in a census, by neuron, largest first.

    Raises:
        SelectionError: there is no such layer or neuron, or ``k`` is below 1.
    """
    k = at_least_one("k", k)
    found = census.layer(layer)
    hits = {}
    for number in choose("neuron", neuron, len(found.table), of="this layer"):
        rows = found.top.filter(pc.field("neuron") == number).to_pylist()
        hits[number] = [
            HitInContext(
                [
                    _cut(row["before"], cut=row["position"] > CONTEXT + 1),
                    row["token"],
                    row["after"],
                ],
                [nan, row["activation"], nan],
                f"{row['activation']:.3g}, story {row['story']}"
                + (f", {row['tag']}" if row["tag"] else ""),
            )
            for row in sorted(rows, key=lambda row: row["rank"])[:k]
        ]
    return hits


def hits_of_model(
    model: Model, layer: Index, neuron: Indices, k: int, text: Text
) -> dict[int, list[HitInContext]]:
    """The largest activations on a text, by neuron, largest first; of equal ones the earlier first.

    The end-of-text in front of a story does not count.

    Raises:
        CorpusError: the text cannot be read.
        SelectionError: there is no such layer or neuron, or ``k`` is below 1.
    """
    k = at_least_one("k", k)
    layer = choose_one("layer", layer, model.config.n_layers)
    numbers = choose("neuron", neuron, model.config.d_mlp)
    corpus = model.corpus(text, max_tokens=READ_TOKENS)
    kept: dict[int, list[tuple[float, int, int, HitInContext]]] = {number: [] for number in numbers}
    total = corpus.survey().tokens
    with packed(model.decoder), progress("largest activations", total) as bar:
        for order, sequence in enumerate(corpus.sequences()):
            ids = torch.from_numpy(sequence.tokens)
            activations = value_at(model.decoder, ids, f"blocks.{layer}.mlp.hook_post")
            names = [model.tokenizer.token_text(int(token)) for token in sequence.tokens]
            for number in numbers:
                values = activations[:, number].tolist()
                for at in nlargest(k, range(1, len(values)), key=lambda i: (values[i], -i)):
                    around = slice(max(0, at - BEFORE), at + AFTER + 1)
                    note = f"{values[at]:.3g}, story {sequence.number}"
                    words = [_cut(names[around.start], cut=around.start > 0), *names[around][1:]]
                    hit = HitInContext(words, values[around], note)
                    kept[number].append((values[at], -order, -at, hit))
                kept[number] = nlargest(k, kept[number], key=lambda item: item[:3])
            bar.advance(len(sequence.tokens))
    return {number: [item[3] for item in items] for number, items in kept.items()}


def _cut(text: str, *, cut: bool) -> str:
    """The beginning of a context, marked where the story began before it."""
    return f"…{text}" if cut else text
