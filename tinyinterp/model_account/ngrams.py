"""n-gram models of FIT: an account that does not beat them says no more than the language does.

Interpolated with the weights of Witten and Bell (1991; Chen and Goodman 1998): a context that was
seen ``c`` times, with ``t`` different tokens after it, gives its own counts the weight
``c / (c + t)`` and the rest to the context one token shorter. Below the unigram model stands the
uniform distribution.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Int

from tinyinterp.model_account.contexts import ROOT, Contexts, find_contexts
from tinyinterp.text.sequences import N_BLOCKS, MicroBatch

ORDERS = 5


@dataclass(frozen=True)
class NGrams:
    """Interpolated n-gram models of every order up to :data:`ORDERS`, of the same text.

    Args:
        contexts: what may stand before a token.
        totals: tokens that followed each context.
        kinds: how many different tokens these were.
        grams: sorted numbers ``context * n_vocab + token``.
        counts: how often each came.
    """

    contexts: Contexts
    totals: Int[np.ndarray, " node"]
    kinds: Int[np.ndarray, " node"]
    grams: Int[np.ndarray, " gram"]
    counts: Int[np.ndarray, " gram"]

    @property
    def orders(self) -> int:
        """Tokens of the longest n-grams."""
        return self.contexts.order + 1

    def parameters(self, order: int) -> int:
        """Numbers that the model of an order stores: its n-grams, and those of all lower orders."""
        end = self.contexts.first(order) * self.contexts.n_vocab
        return int(np.searchsorted(self.grams, end))

    def losses(self, tokens: Int[np.ndarray, " position"]) -> Float[np.ndarray, "order predicted"]:
        """Loss of every token of a sequence but the first, under the model of each order; nats."""
        wanted = tokens[1:].astype(np.int64)
        n_vocab = self.contexts.n_vocab
        contexts = self.contexts.nodes(tokens)[:, :-1]
        probability = np.full(len(wanted), 1 / n_vocab)
        found = []
        for order in range(1, self.orders + 1):
            if order == 1:
                node, known = np.full(len(wanted), ROOT), np.ones(len(wanted), dtype=bool)
            else:
                node = contexts[order - 2]
                known = node >= self.contexts.first(order - 1)
            total, kinds = self.totals[node], self.kinds[node]
            mixed = (self._count(node * n_vocab + wanted) + kinds * probability) / np.maximum(
                total + kinds, 1
            )
            probability = np.where(known & (total > 0), mixed, probability)
            found.append(-np.log(probability))
        return np.array(found)

    def _count(self, grams: Int[np.ndarray, " gram"]) -> Int[np.ndarray, " gram"]:
        at = np.minimum(np.searchsorted(self.grams, grams), len(self.grams) - 1)
        return np.where(self.grams[at] == grams, self.counts[at], 0)


def count_ngrams(
    sequences: Sequence[Int[np.ndarray, "_"]], n_vocab: int, orders: int = ORDERS
) -> NGrams:
    """The n-gram models of these sequences.

    Args:
        sequences: the tokens of each, end-of-text first, which is a context and never predicted.
        n_vocab: of the tokenizer.
        orders: tokens of the longest n-grams, 2 or more.
    """
    contexts = find_contexts(sequences, n_vocab, orders - 1, least=1)
    grams = []
    for tokens in sequences:
        wanted = tokens[1:].astype(np.int64)
        found = contexts.nodes(tokens)[:, :-1]
        for order, nodes in enumerate(found, start=1):
            exact = nodes >= contexts.first(order)  # near the beginning there is none so long
            grams.append(nodes[exact] * n_vocab + wanted[exact])
        grams.append(ROOT * n_vocab + wanted)
    keys, counts = np.unique(np.concatenate(grams), return_counts=True)
    node = keys // n_vocab
    size = len(contexts.parents)
    totals = np.bincount(node, weights=counts, minlength=size).astype(np.int64)
    return NGrams(contexts, totals, np.bincount(node, minlength=size), keys, counts)


def block_losses(ngrams: NGrams, batches: Iterable[MicroBatch]) -> Float[np.ndarray, "order block"]:
    """Summed loss of the model of each order on sequences, by their block; nats."""
    losses = np.zeros((ngrams.orders, N_BLOCKS))
    for batch in batches:
        for sequence in batch.sequences:
            losses[:, sequence.block] += ngrams.losses(sequence.tokens).sum(1)
    return losses
