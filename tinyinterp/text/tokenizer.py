"""Tokenizers: trained here, or opened from a model's folder.

A thin face over the ``tokenizers`` library that keeps what analyses need: the character span of
every token, a readable text for every token (also for half an emoji), the token that ends a text
and the one that a story starts with. :mod:`tinyinterp.text.reduction` cuts another tokenizer's
vocabulary, :mod:`tinyinterp.text.pieces` knows how each kind of tokenizer joins tokens to words.

Ids are those of ``AutoTokenizer`` without special tokens, but for two differences on purpose. The
name of a special token inside a story (``He typed <|endoftext|> twice``) is text, as with
``split_special_tokens=True``. And what is put in front of a story is decided once, by ``start``:
a token that ``AutoTokenizer`` adds at the end of a text is left out.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, get_args

from tokenizers import Tokenizer as Backend
from tokenizers import pre_tokenizers

from tinyinterp.errors import TokenizerError
from tinyinterp.io.files import make_folder, write_text
from tinyinterp.io.progress import say
from tinyinterp.text.byte_pairs import train_byte_pairs
from tinyinterp.text.encoder import Encoder
from tinyinterp.text.opening import (
    CLAMP_KEY,
    END_OF_TEXT,
    open_with_transformers,
    read_tokenizer,
    special_token,
)
from tinyinterp.text.pieces import Encoding, Pieces
from tinyinterp.text.rust import refusing
from tinyinterp.text.start import Start, choose_start
from tinyinterp.text.unknown import unknown_note

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase

PROBE = "Once upon a time, “Zoë” saw 3 dogs. 🐶"  # words, marks and bytes that are rare


class Tokenizer:
    """Text to token ids and back.

    Args:
        backend: a byte-level, SentencePiece or WordPiece tokenizer of the ``tokenizers`` library.
        end_of_text: the token that separates stories; None: there is none.
        unknown_from: ids from this one on are all read as this one (the published way to cut a
            vocabulary, which loses text); None for a tokenizer that loses nothing.
        bos: the token that begins a text, if that is another; None: ``end_of_text``.
        start: what is put in front of a story: ``bos``, ``eos`` (``end_of_text``) or nothing.
        folder: that it was opened from.
        as_stored: whether ``tokenizer.json`` there is taken as it is; otherwise ``AutoTokenizer``
            made it.
        notes: what its reader should know about how texts are read.

    Raises:
        TokenizerError: it lacks a token that was named, or is of none of the three kinds.
    """

    def __init__(
        self,
        backend: Backend,
        end_of_text: str | None = END_OF_TEXT,
        unknown_from: int | None = None,
        *,
        bos: str | None = None,
        start: Start = "eos",
        folder: Path | None = None,
        as_stored: bool = True,
        notes: tuple[str, ...] = (),
    ) -> None:
        for name in (end_of_text, bos):
            if name is not None and backend.token_to_id(name) is None:
                raise TokenizerError(
                    f"the tokenizer has no {name!r} token; stories could not be separated"
                )
        if start not in get_args(Start):
            raise TokenizerError(f"start is {start!r}; choose one of {', '.join(get_args(Start))}")
        self.backend = backend
        self.pieces = Pieces(backend)
        self._encoder = Encoder(backend, unknown_from)
        self.eos, self.bos = end_of_text, bos or end_of_text
        self.unknown_from = unknown_from
        self.folder, self.as_stored, self.notes = folder, as_stored, notes
        self.start: Start = start
        self.start_name = {"none": None, "bos": self.bos, "eos": self.eos}[start]
        if start != "none" and self.start_name is None:
            raise TokenizerError(
                f"the tokenizer names no {start} token to put in front of a story; "
                "--start none (in Python, start='none') reads stories without one"
            )

    @classmethod
    def open(
        cls,
        folder: Path,
        *,
        start: Start | None = None,
        model: Path | None = None,
        n_rows: int | None = None,
    ) -> Tokenizer:
        """Open the tokenizer of a model folder, as ``AutoTokenizer`` opens it.

        Args:
            folder: with ``tokenizer.json``, or whatever else ``transformers`` reads.
            start: what is put in front of a story; None: what the configuration says, or, where it
                says nothing and texts begin and end with the same token, that token, because it
                stands between texts in training.
            model: the folder of the checkpoint, if that is another; its ``config.json`` may name
                the token that ends a text.
            n_rows: of the model's embedding. Tokens without a row (a ``[PAD]`` that was added) are
                never given.

        Raises:
            TokenizerError: there is none, or it cannot be read.
        """
        with refusing(f"cannot read the tokenizer in {folder}"):
            stored = read_tokenizer(folder)
            # Some damage shows only here.
            stored.backend.decode(stored.backend.encode(PROBE).ids, skip_special_tokens=False)
        model = model or folder
        eos = special_token(stored.backend, "eos", stored.eos, model, n_rows)
        bos = special_token(stored.backend, "bos", stored.bos, model, n_rows)
        ours = any((place / "training.json").is_file() for place in (folder, model))
        chosen, notes = choose_start(stored, bos, eos, start, ours=ours)
        return cls(
            stored.backend,
            eos,
            stored.unknown_from,
            bos=bos,
            start=chosen,
            folder=folder,
            as_stored=stored.as_stored,
            notes=notes,
        )

    @classmethod
    def train(cls, texts: Iterable[str], n_vocab: int) -> Tokenizer:
        """Train a byte-level BPE of exactly ``n_vocab`` tokens, end-of-text and bytes included.

        Raises:
            TokenizerError: ``n_vocab`` is below 257, or the texts do not hold that many tokens.
        """
        return cls(train_byte_pairs(texts, n_vocab))

    @cached_property
    def n_vocab(self) -> int:
        """Number of token ids, from 0 to the highest."""
        if self.unknown_from is not None:
            return self.unknown_from + 1
        return max(self.backend.get_vocab().values(), default=-1) + 1

    @property
    def end_of_text(self) -> int:
        """The token that ends a text.

        Raises:
            TokenizerError: there is none.
        """
        if self.end is None:
            raise TokenizerError("the tokenizer names no token that ends a text")
        return self.end

    @property
    def end(self) -> int | None:
        """The token that ends a text, if there is one."""
        return None if self.eos is None else self.backend.token_to_id(self.eos)

    @property
    def begin(self) -> int | None:
        """The token that begins a text, if there is one."""
        return None if self.bos is None else self.backend.token_to_id(self.bos)

    @property
    def padding(self) -> int:
        """A token for what is masked out anyway."""
        return self.end or 0

    @property
    def front(self) -> list[int]:
        """What stands in front of every story: one token or none."""
        token = {"none": None, "bos": self.begin, "eos": self.end}[self.start]
        return [] if token is None else [token]

    def reads_like(self, other: Tokenizer) -> bool:
        """Whether both make the same tokens of every text, in front of a story too."""
        return self is other or (
            self.backend.to_str() == other.backend.to_str()
            and self.unknown_from == other.unknown_from
            and self.front == other.front
        )

    def without_row(self, n_rows: int) -> list[str]:
        """Tokens that a text may give but that an embedding of so many rows lacks.

        A special token is none of them: its name in a text is text.
        """
        if self.n_vocab <= n_rows:
            return []
        added = self.backend.get_added_tokens_decoder()
        special = {token.content for token in added.values() if token.special}
        ids = self.backend.get_vocab().items()
        return [name for name, token in ids if token >= n_rows and name not in special]

    def encode(self, text: str) -> Encoding:
        """Tokens of ``text``, with nothing added in front or at the end.

        Raises:
            CorpusError: it holds half of a surrogate pair, which no token stands for.
        """
        return self.encode_batch([text])[0]

    def encode_batch(self, texts: Sequence[str]) -> list[Encoding]:
        """Tokens of several texts, in parallel.

        Raises:
            CorpusError: one holds half of a surrogate pair, which no token stands for.
        """
        return self._encoder.encode_batch(texts)

    def encode_prompt(self, prompt: str) -> list[int]:
        """The start token and the tokens of ``prompt``; what it has no token for is said.

        Raises:
            CorpusError: it holds half of a surrogate pair, which no token stands for.
        """
        encoding = self.encode(prompt)
        if lost := self.unknown_characters(prompt, encoding):
            say(f"note: prompt: {unknown_note(lost)}")
        return [*self.front, *encoding.ids]

    def unknown_characters(self, text: str, encoding: Encoding) -> int:
        """How many characters of ``text`` its tokens do not stand for, white space aside.

        Either the unknown token stands for them, or no token at all.
        """
        return self._encoder.unknown_characters(text, encoding)

    def decode(self, ids: Sequence[int]) -> str:
        """Text of ``ids`` anywhere in a text: the space before a word stays; end-of-text shows."""
        with refusing("the tokenizer cannot write a text"):
            return self.pieces.decode(ids)

    def decode_batch(self, batch: Sequence[Sequence[int]]) -> list[str]:
        """Text of each, as :meth:`decode` gives it, in parallel."""
        with refusing("the tokenizer cannot write a text"):
            return self.pieces.decode_batch(batch)

    def decode_whole(self, ids: Sequence[int]) -> str:
        """Text of ``ids`` from the beginning of a text, without a space that was added there."""
        text = self.decode(ids)
        return text.removeprefix(" ") if self.pieces.leads_with_space else text

    def token_text(self, token: int) -> str:
        """What one token stands for: its text, or ``<0xF0>`` for bytes of half a character.

        It starts with a space if the token starts a word after a space, for every kind of
        tokenizer.
        """
        with refusing("the tokenizer cannot write a token"):
            return self.pieces.text(token)

    def to_transformers(self) -> PreTrainedTokenizerBase:
        """The tokenizer as ``transformers`` opens it: what ``AutoTokenizer`` gives for the folder.

        Raises:
            TokenizerError: it was not opened from a folder, or ``transformers`` cannot open it.
        """
        if self.folder is None:
            raise TokenizerError("the tokenizer was not opened from a folder; save it first")
        return open_with_transformers(self.folder, as_stored=self.as_stored)

    def save(self, folder: Path) -> None:
        """Write ``tokenizer.json`` and ``tokenizer_config.json`` as ``transformers`` reads them."""
        make_folder(folder)
        write_text(folder / "tokenizer.json", self.backend.to_str(pretty=False))
        settings: dict[str, Any] = {"tokenizer_class": "PreTrainedTokenizerFast"}
        if self.eos is not None:
            settings |= {"bos_token": self.bos, "eos_token": self.eos}
        unknown = getattr(self.backend.model, "unk_token", None) or self.eos
        if unknown is not None:
            settings["unk_token"] = unknown
        settings["clean_up_tokenization_spaces"] = False
        if self.pieces.kind == "byte-level":
            splitter = self.backend.pre_tokenizer
            prefix = isinstance(splitter, pre_tokenizers.ByteLevel) and splitter.add_prefix_space
            settings["add_prefix_space"] = bool(prefix)
        if self.unknown_from is not None:
            settings[CLAMP_KEY] = self.unknown_from
        write_text(folder / "tokenizer_config.json", json.dumps(settings, indent=2) + "\n")
