"""Byte-level BPE tokenizers: trained here, or opened from a model's folder.

A thin face over the ``tokenizers`` library that keeps what analyses need: the character span of
every token, a readable name for every token (also for half an emoji), and the end-of-text token
that separates stories. :mod:`tinyinterp.text.reduction` cuts another tokenizer's vocabulary.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tokenizers import Tokenizer as Backend
from tokenizers import decoders, models, pre_tokenizers, processors, trainers

from tinyinterp.errors import CorpusError, TokenizerError
from tinyinterp.io.files import make_folder, write_text

END_OF_TEXT = "<|endoftext|>"
CLAMP_KEY = "tinyinterp_unknown_from"  # in tokenizer_config.json: ids from here on are one unknown


@dataclass(frozen=True)
class Encoding:
    """Tokens of one text: ids, and the characters ``[start, end)`` that each covers."""

    ids: list[int]
    offsets: list[tuple[int, int]]


class Tokenizer:
    """Text to token ids and back.

    Args:
        backend: a byte-level BPE of the ``tokenizers`` library.
        end_of_text: the token that separates stories.
        unknown_from: ids from this one on are all read as this one (the published way to cut a
            vocabulary, which loses text); None for a tokenizer that loses nothing.
    """

    def __init__(
        self, backend: Backend, end_of_text: str = END_OF_TEXT, unknown_from: int | None = None
    ) -> None:
        found = backend.token_to_id(end_of_text)
        if found is None:
            raise TokenizerError(
                f"the tokenizer has no {end_of_text!r} token; stories could not be separated"
            )
        self.backend = backend
        self.end_of_text: int = found
        self.end_of_text_name = end_of_text
        self.unknown_from = unknown_from

    @classmethod
    def open(cls, folder: Path) -> Tokenizer:
        """Open ``tokenizer.json``, or ``vocab.json`` with ``merges.txt``, of a model folder.

        Raises:
            TokenizerError: neither is there, or they cannot be read.
        """
        settings = _read_settings(folder / "tokenizer_config.json")
        files = [folder / name for name in ("tokenizer.json", "vocab.json", "merges.txt")]
        whole, vocabulary, merges = (path.is_file() for path in files)
        if not whole and not (vocabulary and merges):
            raise TokenizerError(
                f"{folder} holds no tokenizer: "
                "expected tokenizer.json, or vocab.json and merges.txt"
            )
        try:
            if whole:
                backend = Backend.from_file(str(files[0]))
            else:
                backend = _byte_level(models.BPE.from_file(str(files[1]), str(files[2])))
        # Bare Exception is all that the Rust library raises, whatever is wrong with a file.
        except Exception as error:
            raise TokenizerError(f"cannot read the tokenizer in {folder}: {error}") from error
        if not whole:
            backend.add_special_tokens([END_OF_TEXT])
        backend.no_padding()
        backend.no_truncation()
        end_of_text = settings.get("eos_token") or END_OF_TEXT
        if isinstance(end_of_text, dict):  # older files store the token with its flags
            end_of_text = end_of_text["content"]
        return cls(backend, end_of_text, settings.get(CLAMP_KEY))

    @classmethod
    def train(cls, texts: Iterable[str], n_vocab: int) -> Tokenizer:
        """Train a byte-level BPE of exactly ``n_vocab`` tokens, end-of-text and bytes included.

        Raises:
            TokenizerError: ``n_vocab`` is below 257, or the texts do not hold that many tokens.
        """
        alphabet = pre_tokenizers.ByteLevel.alphabet()
        if n_vocab < len(alphabet) + 1:
            raise TokenizerError(
                f"a vocabulary of {n_vocab} cannot hold the 256 bytes and end-of-text; "
                f"ask for at least {len(alphabet) + 1}"
            )
        backend = _byte_level(models.BPE())
        trainer = trainers.BpeTrainer(
            vocab_size=n_vocab,
            special_tokens=[END_OF_TEXT],
            initial_alphabet=sorted(alphabet),
            show_progress=False,
        )
        backend.train_from_iterator(texts, trainer)
        if backend.get_vocab_size() != n_vocab:
            raise TokenizerError(
                f"the texts yield {backend.get_vocab_size()} tokens, {n_vocab} were asked for; "
                "give more text or ask for fewer"
            )
        return cls(backend)

    @property
    def n_vocab(self) -> int:
        """Number of token ids that :meth:`encode` can give."""
        if self.unknown_from is not None:
            return self.unknown_from + 1
        return self.backend.get_vocab_size()

    def encode(self, text: str) -> Encoding:
        """Tokens of ``text``, without an end-of-text token added.

        Raises:
            CorpusError: it holds half of a surrogate pair, which no token stands for.
        """
        return self.encode_batch([text])[0]

    def encode_batch(self, texts: Sequence[str]) -> list[Encoding]:
        """Tokens of several texts, in parallel.

        Raises:
            CorpusError: one holds half of a surrogate pair, which no token stands for.
        """
        try:
            encoded = self.backend.encode_batch(list(texts), add_special_tokens=False)
        except TypeError as error:
            raise CorpusError(
                "a text is not a string, or holds half of a surrogate pair; give whole characters, "
                "decoded as UTF-8"
            ) from error
        return [Encoding(self._clamp(e.ids), e.offsets) for e in encoded]

    def _clamp(self, ids: list[int]) -> list[int]:
        if self.unknown_from is None:
            return ids
        return [min(token, self.unknown_from) for token in ids]

    def decode(self, ids: Sequence[int]) -> str:
        """Text of ``ids``; end-of-text stays visible."""
        return self.backend.decode(list(ids), skip_special_tokens=False)

    def decode_batch(self, batch: Sequence[Sequence[int]]) -> list[str]:
        """Text of each, as :meth:`decode` gives it, in parallel."""
        return self.backend.decode_batch([list(ids) for ids in batch], skip_special_tokens=False)

    def token_text(self, token: int) -> str:
        """What one token stands for: its text, or ``<0xF0>`` for bytes of half a character."""
        text = self.decode([token])
        if "\ufffd" not in text:
            return text
        name = self.backend.id_to_token(token) or ""
        inverse = {char: byte for byte, char in byte_characters().items()}
        if any(char not in inverse for char in name):
            return name
        raw = bytes(inverse[char] for char in name)
        return text if raw.decode("utf-8", "replace") != text else _hexadecimal(raw)

    def save(self, folder: Path) -> None:
        """Write ``tokenizer.json`` and ``tokenizer_config.json`` as ``transformers`` reads them."""
        make_folder(folder)
        write_text(folder / "tokenizer.json", self.backend.to_str(pretty=False))
        settings = {
            "tokenizer_class": "PreTrainedTokenizerFast",
            "bos_token": self.end_of_text_name,
            "eos_token": self.end_of_text_name,
            "unk_token": self.end_of_text_name,
            "clean_up_tokenization_spaces": False,
            "add_prefix_space": False,
        }
        if self.unknown_from is not None:
            settings[CLAMP_KEY] = self.unknown_from
        write_text(folder / "tokenizer_config.json", json.dumps(settings, indent=2) + "\n")


def byte_characters() -> dict[int, str]:
    """The printable character that byte-level BPE writes for each byte (GPT-2's table)."""
    printable = [*range(0x21, 0x7F), *range(0xA1, 0xAD), *range(0xAE, 0x100)]
    others = [byte for byte in range(256) if byte not in printable]
    table = {byte: chr(byte) for byte in printable}
    return table | {byte: chr(256 + index) for index, byte in enumerate(others)}


def _hexadecimal(raw: bytes) -> str:
    return "".join(f"<0x{byte:02X}>" for byte in raw)


def _byte_level(model: models.Model) -> Backend:
    backend = Backend(model)
    backend.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    backend.decoder = decoders.ByteLevel()
    backend.post_processor = processors.ByteLevel(trim_offsets=False)
    return backend


def _read_settings(path: Path) -> dict[str, Any]:
    if not path.is_file():
        return {}
    try:
        settings = json.loads(path.read_text("utf-8"))
    except (OSError, ValueError) as error:
        raise TokenizerError(f"cannot read {path}: {error}") from error
    if not isinstance(settings, dict):
        raise TokenizerError(f"{path} should hold a JSON object")
    return settings
