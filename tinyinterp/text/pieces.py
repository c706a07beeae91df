"""What tokens stand for: one account of how three kinds of tokenizers write text as pieces.

``byte-level``
    GPT-2, GPT-NeoX: a printable character for each byte, ``Ġdog`` for `` dog``.
``metaspace``
    SentencePiece, Llama: ``▁dog`` for `` dog``; a character without a token may fall back to
    bytes, ``<0xC3><0xA9>``.
``wordpiece``
    BERT: ``dog`` for `` dog``, ``##s`` for what continues a word. The spaces are not in the text:
    every piece that continues nothing has one, but for marks that stand close up.

Whatever the kind, a token's text starts with a space if and only if it starts a word after a space,
and the texts of tokens one after another are the text. Everything that shows tokens or asks where a
word starts goes by these texts, or by the characters that tokens cover.
"""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Literal

from tokenizers import Tokenizer as Backend
from tokenizers import decoders, models

from tinyinterp.errors import TokenizerError

Kind = Literal["byte-level", "metaspace", "wordpiece"]
METASPACE = "\N{LOWER ONE EIGHTH BLOCK}"
BYTE = re.compile(r"<0x([0-9A-F]{2})>")
CLOSE_UP = frozenset(".?!,;:)]}%") | {"n't", "'m", "'s", "'ve", "'re", "'ll", "'d"}
HALF_A_CHARACTER = "\N{REPLACEMENT CHARACTER}"
APOSTROPHE = " '"  # as WordPiece writes the one of "don ' t"


def kind_of(backend: Backend) -> Kind:
    """The kind of a tokenizer.

    Raises:
        TokenizerError: it is of none of the three; the message has its parts.
    """
    parts = [_described(part) for part in (backend.decoder, backend.pre_tokenizer)]
    decoder, splitter = parts
    types = {part["type"] for described in parts for part in _flat(described)}
    if "ByteLevel" in types:
        return "byte-level"
    rewritten = json.dumps([*parts, _described(backend.normalizer)], ensure_ascii=False)
    if "Metaspace" in types or METASPACE in rewritten:
        return "metaspace"
    if isinstance(backend.model, models.WordPiece):
        return "wordpiece"
    model = type(backend.model).__name__
    how = f"split by {splitter.get('type', 'nothing')}, joined by {decoder.get('type', 'nothing')}"
    raise TokenizerError(
        f"the tokenizer ({model}, {how}) is neither byte-level BPE (GPT-2, GPT-NeoX), nor "
        "SentencePiece (Llama), nor WordPiece (BERT): how its tokens join to words is not known"
    )


@dataclass(frozen=True)
class Encoding:
    """Tokens of one text: ids, and the characters ``[start, end)`` that each covers."""

    ids: list[int]
    offsets: list[tuple[int, int]]


class Pieces:
    """Texts of tokens, alone and one after another.

    Args:
        backend: of the ``tokenizers`` library.

    Raises:
        TokenizerError: it is of none of the three kinds.
    """

    def __init__(self, backend: Backend) -> None:
        self.kind = kind_of(backend)
        self._backend = backend
        if self.kind == "byte-level" and backend.decoder is None:
            backend.decoder = decoders.ByteLevel()

    def decode(self, ids: Sequence[int]) -> str:
        """The text of tokens that stand anywhere in a text: a leading space stays."""
        if self.kind == "byte-level":
            return self._backend.decode(list(ids), skip_special_tokens=False)
        if self.kind == "wordpiece":
            return "".join(map(self._of_word, ids)).replace(f"{APOSTROPHE} ", "'")
        return self._of_metaspace(ids)

    def decode_batch(self, batch: Sequence[Sequence[int]]) -> list[str]:
        """The text of each, as :meth:`decode` gives it."""
        if self.kind == "byte-level":
            whole = [list(ids) for ids in batch]
            return self._backend.decode_batch(whole, skip_special_tokens=False)
        return [self.decode(ids) for ids in batch]

    def text(self, token: int) -> str:
        """The text of one token; ``<0xF0>`` for bytes that are no character by themselves."""
        name = self.name(token)
        if self.kind == "byte-level":
            return self._of_bytes(token, name)
        if self.kind == "metaspace" and (byte := BYTE.fullmatch(name)):
            character = chr(int(byte[1], 16))
            spelled = character.isascii() and self._backend.token_to_id(character) is None
            return character if spelled and character != " " else name
        return self.decode([token])

    def name(self, token: int) -> str:
        """What the vocabulary calls a token; ``<id 7>`` for a number that it does not have."""
        return self._backend.id_to_token(token) or f"<id {token}>"

    def unfinished(self, text: str) -> bool:
        """Whether the next token may change how ``text`` ends."""
        return text.endswith(HALF_A_CHARACTER) or (
            self.kind == "wordpiece" and text.endswith(APOSTROPHE)
        )

    @cached_property
    def leads_with_space(self) -> bool:
        """Whether the first token of a text has a space in front that the text has not."""
        ids = self._backend.encode("a", add_special_tokens=False).ids
        return self.decode(ids)[:1] == " "

    @cached_property
    def added(self) -> frozenset[str]:
        """Tokens that were added to the vocabulary; their names are their texts."""
        return frozenset(
            token.content for token in self._backend.get_added_tokens_decoder().values()
        )

    def _of_metaspace(self, ids: Sequence[int]) -> str:
        text: list[str] = []
        raw = bytearray()
        for name in map(self.name, ids):
            if byte := BYTE.fullmatch(name):
                raw.append(int(byte[1], 16))
                continue
            text.append(raw.decode("utf-8", "replace"))
            raw.clear()
            text.append(name if name in self.added else name.replace(METASPACE, " "))
        return "".join([*text, raw.decode("utf-8", "replace")])

    @cached_property
    def _prefix(self) -> str:
        return str(getattr(self._backend.model, "continuing_subword_prefix", "##"))

    def _of_word(self, token: int) -> str:
        name = self.name(token)
        if name in self.added and name != self._backend.model.unk_token:
            return name
        if name.startswith(self._prefix) and name != self._prefix:
            return name.removeprefix(self._prefix)
        return name if name in CLOSE_UP else f" {name}"

    def _of_bytes(self, token: int, name: str) -> str:
        text = self.decode([token]) if self._backend.id_to_token(token) is not None else name
        if HALF_A_CHARACTER not in text or any(char not in _BYTES for char in name):
            return text if HALF_A_CHARACTER not in text else name
        raw = bytes(_BYTES[char] for char in name)
        return text if raw.decode("utf-8", "replace") != text else _hexadecimal(raw)


def byte_characters() -> dict[int, str]:
    """The printable character that byte-level BPE writes for each byte (GPT-2's table)."""
    printable = [*range(0x21, 0x7F), *range(0xA1, 0xAD), *range(0xAE, 0x100)]
    others = [byte for byte in range(256) if byte not in printable]
    table = {byte: chr(byte) for byte in printable}
    return table | {byte: chr(256 + index) for index, byte in enumerate(others)}


def _hexadecimal(raw: bytes) -> str:
    return "".join(f"<0x{byte:02X}>" for byte in raw)


def _described(part: Any) -> dict[str, Any]:
    """A part of a tokenizer as ``tokenizer.json`` describes it; empty for none."""
    return {} if part is None else json.loads(part.__getstate__())


def _flat(described: dict[str, Any]) -> list[dict[str, Any]]:
    """A part, or the parts that it is a sequence of."""
    if not described:
        return []
    inner = [*described.get("decoders", []), *described.get("pretokenizers", [])]
    return [described, *(each for part in inner for each in _flat(part))]


_BYTES = {char: byte for byte, char in byte_characters().items()}
