"""The best examples of what each head looks at: its largest attention to that, in context.

At most one example from a sequence, so that three examples are three stories or pieces. The query's
own token is never an example: attention to it shows nothing.
"""

from __future__ import annotations

from bisect import insort
from typing import NamedTuple

import torch
from jaxtyping import Float
from torch import Tensor

from tinyinterp.head_census.key_classes import BatchClasses, Candidate, ClassReader
from tinyinterp.head_census.looked_at import queries_of
from tinyinterp.head_census.patterns import Pattern
from tinyinterp.network.config import DecoderConfig
from tinyinterp.processes import Processes
from tinyinterp.text.sequences import MicroBatch, Sequence

KEPT = 3
BEFORE, AFTER = 5, 2  # tokens of context around key and query
LEAST = 0.01  # attention below this is no example


class _Ranked(NamedTuple):
    """An example by its rank: the largest weight first, then the order of the text."""

    minus_weight: float
    story: int
    start: int
    text: str


class ExampleAccumulator:
    """Keeps, on TEST, the largest attention of each head to what it looks at.

    Args:
        chosen: what each head looks at, by layer and head.
    """

    def __init__(
        self, config: DecoderConfig, reader: ClassReader, chosen: list[list[Candidate]]
    ) -> None:
        self.config, self.reader, self.chosen = config, reader, chosen
        self._kept: list[list[list[_Ranked]]] = [[[] for _ in layer] for layer in chosen]

    def take(self, batch: MicroBatch, layer: int, pattern: Pattern) -> None:
        width = pattern.raw.shape[-1]
        classes = self.reader.read(batch, pattern.raw.device)
        tops = [
            _of_candidate(pattern.clean.weights[:, head], candidate, classes).flatten(1).max(dim=1)
            for head, candidate in enumerate(self.chosen[layer])
        ]
        best, indices = (torch.stack(part).tolist() for part in zip(*tops, strict=True))
        for head, kept in enumerate(self._kept[layer]):
            pairs = zip(
                batch.sequences, best[head], indices[head], strict=True
            )  # the first of equals
            for sequence, weight, index in pairs:
                rank = (-weight, sequence.number, sequence.start)
                if weight >= LEAST and (len(kept) < KEPT or rank < kept[-1][:3]):
                    query, key = divmod(index, width)
                    insort(kept, _Ranked(*rank, in_context(sequence, query, key)))
                    del kept[KEPT:]

    def merge(self, processes: Processes) -> None:
        everything = processes.gather(self._kept)
        for layer, heads in enumerate(self._kept):
            for head in range(len(heads)):
                found = sorted(one for kept in everything for one in kept[layer][head])
                heads[head] = found[:KEPT]

    def examples(self, layer: int, head: int) -> list[str]:
        """The head's examples, the strongest first, each with its weight before it."""
        return [f"{-one.minus_weight:.2f} {one.text}" for one in self._kept[layer][head]]


def in_context(sequence: Sequence, query: int, key: int) -> str:
    """The text around both, the key in ``[brackets]``, the query in ``{braces}``, on one line."""
    last = len(sequence.tokens) - 1
    parts = [(max(1, key - BEFORE), key - 1, "{}"), (key, key, "[{}]")]
    if query - key - 1 <= AFTER + BEFORE:
        parts.append((key + 1, query - 1, "{}"))
    else:
        parts += [(key + 1, key + AFTER, "{} … "), (query - BEFORE, query - 1, "{}")]
    parts += [(query, query, "{{{}}}"), (query + 1, min(last, query + AFTER), "{}")]
    shown = "".join(_marked(sequence, *part) for part in parts)
    return " ".join(shown.split())


def _marked(sequence: Sequence, first: int, last: int, form: str) -> str:
    """The characters of tokens ``first`` to ``last`` in ``form``, a space in front left outside."""
    if last < first:
        return ""
    text = sequence.story[sequence.offsets[first][0] : sequence.offsets[last][1]]
    space = " " if text[:1].isspace() else ""
    return space + form.format(text.lstrip() if form != "{}" else text)


def _of_candidate(
    weights: Float[Tensor, "batch query key"], candidate: Candidate, classes: BatchClasses
) -> Float[Tensor, "batch query key"]:
    """Attention of the candidate's queries to its keys, the query's own token left out."""
    asking = queries_of(candidate, classes)[..., None]
    keys = classes.same if candidate.column < 0 else classes.keys[:, None, :, candidate.column]
    return torch.tril(weights * asking * keys, diagonal=-1)
