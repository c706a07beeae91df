"""Trains a byte-level BPE: the tokenizer of a model that is trained here."""

from __future__ import annotations

from collections.abc import Iterable

from tokenizers import Tokenizer as Backend
from tokenizers import models, pre_tokenizers, trainers

from tinyinterp.errors import TokenizerError
from tinyinterp.text.opening import END_OF_TEXT, byte_level


def train_byte_pairs(texts: Iterable[str], n_vocab: int) -> Backend:
    """A byte-level BPE of exactly ``n_vocab`` tokens, end-of-text and bytes included.

    Raises:
        TokenizerError: ``n_vocab`` is below 257, or the texts do not hold that many tokens.
    """
    alphabet = pre_tokenizers.ByteLevel.alphabet()
    if n_vocab < len(alphabet) + 1:
        raise TokenizerError(
            f"a vocabulary of {n_vocab} cannot hold the 256 bytes and end-of-text; "
            f"ask for at least {len(alphabet) + 1}"
        )
    backend = byte_level(models.BPE())
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
    return backend
