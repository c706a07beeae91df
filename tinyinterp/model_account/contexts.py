"""The contexts that a prediction may know: a token, the token before it, and so on, with back-off.

Contexts are the nodes of a tree. Below the root are the tokens; a pair is a child of its last
token, a trigram a child of its last pair. A context longer than a token is a node only if FIT holds
it ``LEAST`` times. Every position belongs to its longest known context of at most a given order:

    root ─► [show] ─► [to show] ─► [wanted to show]
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Int

LEAST = 4  # times that FIT must hold a context of two tokens or more
ROOT = 0


@dataclass(frozen=True)
class Contexts:
    """A tree of contexts. Nodes are numbered from the root, order by order.

    Args:
        n_vocab: of the tokenizer.
        keys: for each order, the sorted numbers ``parent * n_vocab + token`` of its nodes, where
            the token is the one farthest back.
        parents: of each node; the root is its own.
        counts: how often FIT holds each node's context; the root's are all tokens.
    """

    n_vocab: int
    keys: tuple[Int[np.ndarray, "_"], ...]
    parents: Int[np.ndarray, " node"]
    counts: Int[np.ndarray, " node"]

    @property
    def order(self) -> int:
        """Tokens of the longest contexts."""
        return len(self.keys)

    def sizes(self) -> list[int]:
        """How many contexts of each order there are, from one token up."""
        return [len(keys) for keys in self.keys]

    def first(self, order: int) -> int:
        """The number of the first node of an order."""
        return 1 + sum(self.sizes()[: order - 1])

    def nodes(
        self, tokens: Int[np.ndarray, "*batch position"]
    ) -> Int[np.ndarray, "order *batch position"]:
        """The longest known context of at most each order, at every position of sequences.

        A token that FIT does not hold belongs to the root.
        """
        found = np.full((self.order, *tokens.shape), ROOT)
        reached = np.ones(tokens.shape, dtype=bool)  # positions whose node is of the order before
        for order in range(1, self.order + 1):
            before = found[order - 2] if order > 1 else found[0]
            back = _shifted(tokens, order - 1)
            node, known = self._child(order, before, back)
            reached = reached & known & (back >= 0)
            found[order - 1] = np.where(reached, node, before)
        return found

    def _child(
        self, order: int, parents: Int[np.ndarray, "*shape"], tokens: Int[np.ndarray, "*shape"]
    ) -> tuple[Int[np.ndarray, "*shape"], Bool[np.ndarray, "*shape"]]:
        keys = self.keys[order - 1]
        wanted = parents * self.n_vocab + tokens
        at = np.minimum(np.searchsorted(keys, wanted), max(len(keys) - 1, 0))
        known = keys[at] == wanted if len(keys) else np.zeros(wanted.shape, dtype=bool)
        return self.first(order) + at, known


def find_contexts(
    sequences: Iterable[Int[np.ndarray, "_"]],
    n_vocab: int,
    order: int,
    least: int = LEAST,
) -> Contexts:
    """The contexts of FIT.

    Args:
        sequences: the tokens of each, end-of-text first; no context reaches beyond its beginning.
        n_vocab: of the tokenizer.
        order: tokens of the longest contexts.
        least: times that FIT must hold a context of two tokens or more.
    """
    given = list(sequences)
    tokens = np.concatenate([np.asarray(each, dtype=np.int64) for each in given])
    positions = np.concatenate([np.arange(len(each)) for each in given])
    node = np.full(len(tokens), ROOT)
    alive = np.arange(len(tokens))  # positions whose node is of the order before
    keys: list[Int[np.ndarray, " node"]] = []
    parents, counts = [np.array([ROOT])], [np.array([len(tokens)])]
    first = 1
    for reach in range(order):
        alive = alive[positions[alive] >= reach]
        key = node[alive] * n_vocab + tokens[alive - reach]
        found, inverse, times = np.unique(key, return_inverse=True, return_counts=True)
        kept = times >= (least if reach else 1)
        number = np.cumsum(kept) - 1
        keys.append(found[kept])
        parents.append(found[kept] // n_vocab)
        counts.append(times[kept])
        stays = kept[inverse]
        alive = alive[stays]
        node[alive] = first + number[inverse[stays]]
        first += int(kept.sum())
    return Contexts(n_vocab, tuple(keys), np.concatenate(parents), np.concatenate(counts))


def _shifted(
    tokens: Int[np.ndarray, "*batch position"], by: int
) -> Int[np.ndarray, "*batch position"]:
    """The token so many positions back; -1 before the beginning."""
    if not by:
        return tokens
    back = np.full(tokens.shape, -1)
    back[..., by:] = tokens[..., :-by]
    return back
