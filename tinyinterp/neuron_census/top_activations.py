"""The largest and smallest activations of every neuron over a whole text, and their contexts."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Int

from tinyinterp.neuron_census.activations import token_ids
from tinyinterp.neuron_census.kernels import STORY_SHIFT
from tinyinterp.processes import Processes
from tinyinterp.tagging import NO_TAG, TagReader
from tinyinterp.text.corpus import Corpus
from tinyinterp.text.sequences import Sequence

UNFILLED = np.iinfo(np.int64).max  # the id of an entry of a list that no token has taken
CONTEXT = 5  # tokens on each side of a hit


class Extremes:
    """Running lists of the ``k`` largest and smallest activations of each neuron, with token ids.

    Exact, and independent of the order and grouping in which tokens arrive: of equal values the one
    with the smallest id comes first. Lists start at minus infinity, not at 0, so that a neuron that
    is never above zero fills them, too. The smallest are kept negated; the compiled loops of
    :mod:`tinyinterp.neuron_census.kernels` fill both.

    Args:
        n_neurons: of the layer.
        k: entries of each list.
        per_story: a story has at most one entry in each list.
    """

    def __init__(self, n_neurons: int, k: int, *, per_story: bool = False) -> None:
        shape = (n_neurons, k)
        self.per_story = per_story
        self.high: Float[np.ndarray, "neuron k"] = np.full(shape, -np.inf, np.float32)
        self.high_ids: Int[np.ndarray, "neuron k"] = np.full(shape, UNFILLED, np.int64)
        self.negated_low: Float[np.ndarray, "neuron k"] = self.high.copy()
        self.low_ids: Int[np.ndarray, "neuron k"] = self.high_ids.copy()
        self.upper = np.full(n_neurons, -np.inf, np.float32)  # at least this enters the list
        self.lower = np.full(n_neurons, np.inf, np.float32)  # at most this enters the list

    @property
    def low(self) -> Float[np.ndarray, "neuron k"]:
        """The smallest values, smallest first."""
        return 0.0 - self.negated_low  # no minus zero

    @property
    def largest(self) -> Float[np.ndarray, " neuron"]:
        """The largest value of all."""
        return self.high[:, 0]

    @property
    def smallest(self) -> Float[np.ndarray, " neuron"]:
        """The smallest value of all."""
        return self.low[:, 0]

    @property
    def lists(
        self,
    ) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
        """What the compiled loops fill, in the order of their arguments."""
        high, low = (self.high, self.high_ids), (self.negated_low, self.low_ids)
        return *high, *low, self.upper, self.lower

    def merge(self, processes: Processes) -> None:
        """Take in the lists of other processes; what is in several of them counts once."""
        for values, ids, last, sign in (
            (self.high, self.high_ids, self.upper, 1),
            (self.negated_low, self.low_ids, self.lower, -1),
        ):
            all_values, all_ids = (
                np.concatenate(processes.gather(part), axis=1) for part in (values, ids)
            )
            values[...], ids[...] = _largest(
                all_values, all_ids, values.shape[1], per_story=self.per_story
            )
            last[...] = sign * values[:, -1]

    def arrays(self) -> dict[str, np.ndarray]:
        """Its whole state, by name."""
        names = ("high", "high_ids", "negated_low", "low_ids", "upper", "lower")
        return {name: getattr(self, name) for name in names}


def _largest(
    values: Float[np.ndarray, "neuron entry"],
    ids: Int[np.ndarray, "neuron entry"],
    k: int,
    *,
    per_story: bool,
) -> tuple[Float[np.ndarray, "neuron k"], Int[np.ndarray, "neuron k"]]:
    """The ``k`` largest of each row, of equals the smallest id first, no token or story twice."""
    order = np.lexsort((ids, -values), axis=-1)
    values, ids = (np.take_along_axis(part, order, 1) for part in (values, ids))
    same = ids >> STORY_SHIFT if per_story else ids
    by_name = np.argsort(same, axis=1, kind="stable")  # the first of each name is its largest
    sorted_names = np.take_along_axis(same, by_name, 1)
    again = np.zeros_like(ids, dtype=bool)
    repeated = sorted_names[:, 1:] == sorted_names[:, :-1]
    np.put_along_axis(again, by_name[:, 1:], repeated, 1)
    again |= ids == UNFILLED
    first = np.argsort(again, axis=1, kind="stable")[:, :k]  # keeps the order of the others
    values, ids, again = (np.take_along_axis(part, first, 1) for part in (values, ids, again))
    return np.where(again, -np.inf, values).astype(np.float32), np.where(again, UNFILLED, ids)


@dataclass(frozen=True, slots=True)
class Hit:
    """A token in its context, as text."""

    token: str
    before: str
    after: str
    tag: str  # "" where the token is not scored
    story: int
    position: int  # in the story as the model reads it: the start token is at 0


def find_hits(
    corpus: Corpus, tag_reader: TagReader, ids: Int[np.ndarray, " hit"]
) -> dict[int, Hit]:
    """The tokens with these ids, each with up to five tokens of its sequence on either side."""
    wanted = np.unique(ids)
    found: dict[int, Hit] = {}
    texts: dict[int, str] = {}
    for sequence in corpus.sequences():
        present = token_ids(sequence)
        first, last = np.searchsorted(wanted, (present[0], present[-1] + 1))
        if first < last:
            found |= _hits(corpus, tag_reader, sequence, wanted[first:last], texts)
    return found


def _hits(
    corpus: Corpus,
    tag_reader: TagReader,
    sequence: Sequence,
    ids: Int[np.ndarray, " hit"],
    texts: dict[int, str],
) -> dict[int, Hit]:
    """The hits in one sequence; ``texts`` caches the text of single tokens."""
    tokens, tags = sequence.tokens.tolist(), tag_reader.tokens(sequence).tags.tolist()
    positions = (ids - int(token_ids(sequence)[0]) + 1).tolist()
    pieces = [tokens[max(sequence.front, i - CONTEXT) : i] for i in positions]
    pieces += [tokens[i + 1 : i + 1 + CONTEXT] for i in positions]
    contexts = corpus.tokenizer.decode_batch(pieces)
    if sequence.start == 0 and corpus.tokenizer.pieces.leads_with_space:
        for index, position in enumerate(positions):
            if position - CONTEXT <= sequence.front:  # from the beginning of the story
                contexts[index] = contexts[index].removeprefix(" ")
    found = {}
    for index, (number, position) in enumerate(zip(ids.tolist(), positions, strict=True)):
        token, tag = tokens[position], tags[position]
        if token not in texts:
            texts[token] = corpus.tokenizer.token_text(token)
        found[number] = Hit(
            token=texts[token],
            before=contexts[index],
            after=contexts[len(positions) + index],
            tag="" if tag == NO_TAG else tag_reader.tag_set.names[tag],
            story=number >> STORY_SHIFT,
            position=number & ((1 << STORY_SHIFT) - 1),
        )
    return found
