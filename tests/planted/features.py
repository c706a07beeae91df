"""What the residual stream of a planted decoder holds: features of the token and of the position.

Of the position a constant, a ramp, a mark on position 0 and a code of sines and cosines; of the
token a random code and its part of speech. Fillers keep the stream's norm the same everywhere, so
that layer norm does nothing but multiply.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from planted.grammar import CLASSES, MARK

from tinyinterp.network.config import DecoderConfig
from tinyinterp.text.tokenizer import Tokenizer

PAIRS = 5  # of a sine and a cosine in the code of a position
GAP = 12.0  # nats between what a sharp head looks at and anything else, at least


@dataclass(frozen=True)
class Features:
    """Where each feature lies, and what every token and every position has of each."""

    config: DecoderConfig
    tokenizer: Tokenizer
    seed: int
    words: dict[str, list[str]]  # of each class, those that the text has

    @property
    def n_code(self) -> int:
        """Dimensions of a token's code: what the position's code and one more leave of a head."""
        return self.config.d_head - 2 * PAIRS - 1

    @property
    def index(self) -> dict[str, np.ndarray]:
        """The coordinates of each feature."""
        sizes = {"one": 1, "ramp": 1, "first": 1, "place": 2 * PAIRS, "token": self.n_code}
        sizes |= dict.fromkeys(CLASSES, 1)
        sizes |= {"before": self.n_code, "fill token": 1, "fill place": 1}
        ends = np.cumsum(list(sizes.values()))
        return {
            name: np.arange(end - size, end)
            for (name, size), end in zip(sizes.items(), ends, strict=True)
        }

    @property
    def size(self) -> int:
        """Coordinates in all."""
        return 1 + int(self.index["fill place"][0])

    @cached_property
    def frequencies(self) -> np.ndarray:
        """Of many drawn, those under which the code of a place is least like any other's."""
        drawn = np.random.default_rng((self.seed, 11)).uniform(0.2, np.pi, (400, PAIRS))
        return drawn[self._likeness(drawn).argmin()]

    @cached_property
    def sharp(self) -> float:
        """The gain that puts ``GAP`` nats between one place and any other."""
        return GAP / (1 - float(self._likeness(self.frequencies[None])[0]))

    def _likeness(self, frequencies: np.ndarray) -> np.ndarray:
        distance = np.arange(1, self.config.n_ctx)
        return np.cos(frequencies[:, :, None] * distance).mean(1).max(-1)

    def place_codes(self, shift: int = 0) -> np.ndarray:
        """Codes of norm 1 of all positions, each moved by ``shift``."""
        angle = (np.arange(self.config.n_ctx)[:, None] - shift) * self.frequencies
        return np.concatenate([np.cos(angle), np.sin(angle)], axis=1) / np.sqrt(PAIRS)

    def turn(self, shift: int) -> np.ndarray:
        """The matrix that takes the code of position i to that of ``i - shift``."""
        c, s = np.diag(np.cos(self.frequencies * shift)), np.diag(np.sin(self.frequencies * shift))
        return np.block([[c, s], [-s, c]])

    @cached_property
    def of_positions(self) -> np.ndarray:
        n_ctx, at = self.config.n_ctx, self.index
        values = np.zeros((n_ctx, self.size))
        values[:, at["one"]] = 1
        values[:, at["ramp"]] = np.linspace(0, 1, n_ctx)[:, None]
        values[0, at["first"]] = 1
        values[1:, at["place"]] = self.place_codes()[1:]  # a sink has nothing but its mark
        values[:, at["fill place"]] = _left(4, values)
        return values

    @cached_property
    def of_tokens(self) -> np.ndarray:
        n_vocab, at = self.config.n_vocab, self.index
        values = np.zeros((n_vocab, self.size))
        codes = np.random.default_rng((self.seed, 12)).standard_normal((n_vocab, self.n_code))
        values[:, at["token"]] = codes / np.linalg.norm(codes, axis=1, keepdims=True)
        for token, name in self._class_of_token().items():
            values[token, at[name]] = 1
        values[:, at["fill token"]] = _left(2, values)
        return values

    @cached_property
    def classes(self) -> list[str]:
        """Classes of content words, every word of which begins with a token of the class alone."""
        known = self._class_of_token()
        return [
            name
            for name in ("NOUN", "VERB", "DET")
            if all(self._tokens(word)[0] in known for word in self.words[name])
        ]

    def _class_of_token(self) -> dict[int, str]:
        """Tokens that only ever begin a word of one class."""
        begins: dict[int, set[str]] = {}
        for name, words in {**self.words, "": ["and"]}.items():
            for first, *rest in map(self._tokens, words):
                begins.setdefault(first, set()).add(name)
                for token in rest:
                    begins.setdefault(token, set()).add("")
        classes = {token: next(iter(names)) for token, names in begins.items() if len(names) == 1}
        (stop,) = self.tokenizer.encode(".").ids
        return {token: name for token, name in classes.items() if name} | {stop: MARK}

    def _tokens(self, word: str) -> list[int]:
        return self.tokenizer.encode(" " + word).ids


def _left(total: float, values: np.ndarray) -> np.ndarray:
    """What a filler must be for the squares of each row to sum to ``total``."""
    return np.sqrt(np.maximum(total - (values**2).sum(1, keepdims=True), 0))
