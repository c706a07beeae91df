"""Heads that are known: query and key weights written by hand, as products of a few features.

A head is a sum of *terms*, each of which multiplies features of the query (see ``features``) with
features of the key. A previous-token head of layer 0 may copy token codes one position on, which
induction heads read.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from planted.features import GAP, PAIRS, Features

SIGNAL = 10.0  # nats between keys of a class and other keys


@dataclass(frozen=True)
class Head:
    """A head's terms, and the label that it must get."""

    name: str
    kind: str
    role: str = ""
    # each a gain, and what is read of the query and of the key: rows of coordinates
    terms: tuple[tuple[float, np.ndarray, np.ndarray], ...] = ()
    copies: bool = False  # writes the token code of what it looks at, for induction


class Forge:
    """Makes heads of each sort for one set of features."""

    def __init__(self, features: Features) -> None:
        self.features = features

    def uniform(self) -> Head:
        return Head("uniform", "diffuse")

    def offset(self, shift: int, *, copies: bool = False) -> Head:
        role = {0: "current-token", 1: "previous-token"}.get(shift, f"offset-{shift}")
        return Head(role, "positional", role, (self._look_back(shift),), copies)

    def decay(self, scale: float) -> Head:
        ramp = (self.features.config.n_ctx - 1) / scale
        return Head(
            f"decay {scale:.1f}", "positional", "local-decay", (self._term(ramp, "one", "ramp"),)
        )

    def place(self, position: int) -> Head:
        rows = np.zeros((2 * PAIRS, self.features.size))
        rows[:, self.features.index["one"][0]] = self.features.place_codes()[position]
        term = (self.features.sharp, rows, self._read("place"))
        return Head(f"place {position}", "positional", "absolute", (term,))

    def sink(self) -> Head:
        return Head("sink", "sink", "", (self._term(GAP, "one", "first"),))

    def half_sink(self, shift: int, share: float = 0.7) -> Head:
        """``share`` on key 0, the rest ``shift`` back."""
        head = self.offset(shift)
        gain = self.features.sharp + np.log(share / (1 - share))
        sink = self._term(gain, "one", "first")
        return replace(head, name=f"sink and {head.role}", terms=(*head.terms, sink))

    def duplicate(self) -> Head:
        """The same token, but not itself; where there is none, key 0."""
        itself = self._term(-1.5 * GAP, "place", "place")  # more would hide what is like itself
        terms = (self._term(4 * GAP, "token", "token"), itself)
        sink = self._term(3 * GAP, "one", "first")
        return Head("duplicate", "semantic", "duplicate-token", (*terms, sink))

    def induction(self) -> Head:
        """What came after the same token; where there is none, key 0."""
        terms = (self._term(4 * GAP, "token", "before"), self._term(3 * GAP, "one", "first"))
        return Head("induction", "semantic", "induction", terms)

    def word_class(self, key: str) -> Head:
        return Head(key, "semantic", key, (self._term(SIGNAL, "one", key),))

    def from_to(self, query: str, key: str) -> Head:
        """Only queries of one class look at keys of another; all others at key 0."""
        terms = (self._term(GAP + 4, query, key), self._term(GAP, "one", "first"))
        return Head(f"{query}->{key}", "semantic", f"{query}->{key}", terms)

    def mixture(self, share: float, scale: float, key: str) -> Head:
        """``share`` of the scores of a decaying head, the rest of those of a word-class head."""
        (ramp,), (klass,) = self.decay(scale).terms, self.word_class(key).terms
        terms = ((share * ramp[0], *ramp[1:]), ((1 - share) * klass[0], *klass[1:]))
        return Head(f"{share} decay, {key}", "", "", terms)

    def _look_back(self, shift: int) -> tuple[float, np.ndarray, np.ndarray]:
        key = self._read("place")
        return self.features.sharp, self.features.turn(shift) @ key, key

    def _read(self, name: str) -> np.ndarray:
        return np.eye(self.features.size)[self.features.index[name]]

    def _term(self, gain: float, query: str, key: str) -> tuple[float, np.ndarray, np.ndarray]:
        return gain, self._read(query), self._read(key)
