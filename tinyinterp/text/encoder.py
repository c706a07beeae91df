"""Text to ids, where the name of a special token is text and what has no token is counted."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property

from tokenizers import Tokenizer as Backend

from tinyinterp.errors import CorpusError
from tinyinterp.text.pieces import BYTE, Encoding, kind_of
from tinyinterp.text.rust import refusing
from tinyinterp.text.unknown import count_unknown, has_all_bytes, unknown_tokens


class Encoder:
    """What a tokenizer of the ``tokenizers`` library makes of texts.

    Args:
        backend: of that library; from now on it reads the names of special tokens as text.
        unknown_from: ids from this one on are all given as this one; None: they stay.
    """

    def __init__(self, backend: Backend, unknown_from: int | None) -> None:
        backend.encode_special_tokens = True
        self._backend = backend
        self._unknown_from = unknown_from

    def encode_batch(self, texts: Sequence[str]) -> list[Encoding]:
        """Tokens of several texts, in parallel.

        Raises:
            CorpusError: one holds half of a surrogate pair, which no token stands for.
        """
        try:
            with refusing("the tokenizer cannot read a text"):
                encoded = self._backend.encode_batch(list(texts), add_special_tokens=False)
        except TypeError as error:
            raise CorpusError(
                "a text is not a string, or holds half of a surrogate pair; give whole characters, "
                "decoded as UTF-8"
            ) from error
        return [
            Encoding(self._clamp(e.ids), e.offsets)
            if self._special.isdisjoint(e.ids)
            else self._spelled_out(text, e.ids, e.offsets)
            for text, e in zip(texts, encoded, strict=True)
        ]

    def unknown_characters(self, text: str, encoding: Encoding) -> int:
        """How many characters of ``text`` its tokens do not stand for, white space aside."""
        return 0 if self._says_everything else count_unknown(text, encoding, self._unknown)

    @cached_property
    def _special(self) -> frozenset[int]:
        """Tokens that no text stands for: special ones, but for the unknown token and bytes."""
        added = self._backend.get_added_tokens_decoder().items()
        special = {n for n, t in added if t.special and not BYTE.fullmatch(t.content)}
        return frozenset(special - self._unknown)

    def _spelled_out(self, text: str, ids: list[int], offsets: list[tuple[int, int]]) -> Encoding:
        """Where the model itself takes a special token's name for a piece: its characters alone."""
        spelled: list[tuple[int, tuple[int, int]]] = []
        for token, (start, end) in zip(ids, offsets, strict=True):
            if token not in self._special:
                spelled.append((token, (start, end)))
                continue
            spelled += [
                (piece.id, (at, at + 1))
                for at in range(start, end)
                for piece in self._backend.model.tokenize(text[at])
            ]
        return Encoding(self._clamp([n for n, _ in spelled]), [span for _, span in spelled])

    @cached_property
    def _unknown(self) -> frozenset[int]:
        return unknown_tokens(self._backend) | {n for n in [self._unknown_from] if n is not None}

    @cached_property
    def _says_everything(self) -> bool:
        """Whether every character has tokens, so that none need be looked for."""
        lossless = kind_of(self._backend) == "byte-level" and self._unknown_from is None
        return lossless and has_all_bytes(self._backend)

    def _clamp(self, ids: list[int]) -> list[int]:
        if self._unknown_from is None:
            return ids
        return [min(token, self._unknown_from) for token in ids]
