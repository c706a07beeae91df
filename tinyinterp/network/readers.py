"""Reading a text as it grows: what was read is kept, so that a new token costs one position.

    read(tokens) ─► what the output head reads to predict the token that follows

A decoder keeps the keys and values of every layer, a compressor those of its trunk, the embedded
tokens and the newest latent. All sequences of a batch are of one length at any time.
"""

from __future__ import annotations

from typing import Protocol, runtime_checkable

import torch
from jaxtyping import Float, Int
from torch import Tensor

from tinyinterp.errors import ConfigError
from tinyinterp.network.attention import KeyValueCache
from tinyinterp.network.compressor import Compressor
from tinyinterp.network.decoder import Decoder


@runtime_checkable
class Reader(Protocol):
    """A model and what it has read of a batch of sequences."""

    def read(self, tokens: Int[Tensor, "batch new"]) -> Float[Tensor, "batch d_model"]:
        """Features that predict the token after ``tokens``, which follow what was read before."""
        ...

    def keep(self, rows: Int[Tensor, " kept"]) -> None:
        """Continue with these rows of the batch only; a row may be repeated."""
        ...


class DecoderReader:
    """A decoder and the keys and values of what it has read."""

    def __init__(self, decoder: Decoder) -> None:
        self._decoder = decoder
        self._cache = KeyValueCache()

    def read(self, tokens: Int[Tensor, "batch new"]) -> Float[Tensor, "batch d_model"]:
        """See :class:`Reader`."""
        return self._decoder.features(tokens, self._cache)[:, -1]

    def keep(self, rows: Int[Tensor, " kept"]) -> None:
        """See :class:`Reader`."""
        self._cache.keep(rows)


class CompressorReader:
    """A compressor, the keys and values of its trunk, and the tokens and latent it goes on from."""

    def __init__(self, compressor: Compressor) -> None:
        self._compressor = compressor
        self._cache = KeyValueCache()
        self._text = torch.empty(0)  # [batch position d_model], embedded
        self._latent = torch.empty(0)  # [batch 1 d_model], the newest

    def read(self, tokens: Int[Tensor, "batch new"]) -> Float[Tensor, "batch d_model"]:
        """See :class:`Reader`.

        Raises:
            ConfigError: the text does not fit in the context.
        """
        model, embedded = self._compressor, self._compressor.embed(tokens)
        text = embedded if not len(self._cache) else torch.cat((self._text, embedded), dim=1)
        n_positions = text.shape[1]
        if n_positions > model.config.n_ctx:
            raise ConfigError(
                f"{n_positions} positions were given, the context holds {model.config.n_ctx}; "
                "shorten the text"
            )
        if (n_positions + 1) // 2 > len(self._cache):
            self._latent = model.latents(text, self._cache)[:, -1:]
        self._text = text
        first, second = model.decoder(self._latent, text[:, -1:]).unbind(dim=1)
        return model.ln_final(first if n_positions % 2 else second)

    def keep(self, rows: Int[Tensor, " kept"]) -> None:
        """See :class:`Reader`."""
        self._cache.keep(rows)
        self._text, self._latent = self._text[rows], self._latent[rows]


def reader_of(model: Decoder | Compressor) -> Reader:
    """A reader that has read nothing yet."""
    return DecoderReader(model) if isinstance(model, Decoder) else CompressorReader(model)
