"""Tokens shown as text while they are still coming."""

from __future__ import annotations

from tinyinterp.text.tokenizer import Tokenizer


class TextStream:
    """Turns tokens into text as they come; half a character waits for its other half.

    >>> tokenizer = Tokenizer.train(["a story, a story"], n_vocab=257)
    >>> stream, tokens = TextStream(tokenizer), tokenizer.encode("é!").ids
    >>> [stream.feed(token) for token in tokens]
    ['', 'é', '!']
    """

    def __init__(self, tokenizer: Tokenizer) -> None:
        self._tokenizer = tokenizer
        self._waiting: list[int] = []

    def feed(self, token: int) -> str:
        """What can be shown now that ``token`` has come."""
        self._waiting.append(token)
        text = self._tokenizer.decode(self._waiting)
        if self._tokenizer.pieces.unfinished(text):
            return ""
        self._waiting = []
        return text

    def close(self) -> str:
        """What is left: bytes that never became a character."""
        text = self._tokenizer.decode(self._waiting) if self._waiting else ""
        self._waiting = []
        return text
