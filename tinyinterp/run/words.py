"""A text as the model reads it."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from jaxtyping import Int
from torch import Tensor

from tinyinterp.errors import CorpusError
from tinyinterp.text.tokenizer import Tokenizer


@dataclass(frozen=True)
class Read:
    """A text's tokens, with end-of-text in front, as at the start of a story."""

    ids: Int[Tensor, " position"]
    tokens: list[str]  # the text of each; half a character as <0xF0>


def read_text(tokenizer: Tokenizer, n_ctx: int, text: str) -> Read:
    """The tokens of ``text``.

    Raises:
        CorpusError: it is no text, is empty, or is longer than the context.
    """
    if not isinstance(text, str):
        raise CorpusError(
            f"the text is {text!r:.80}; expected a string, such as 'Once upon a time'"
        )
    if not text.strip():
        raise CorpusError("the text is empty; give at least one word")
    ids = [tokenizer.end_of_text, *tokenizer.encode(text).ids]
    if len(ids) > n_ctx:
        raise CorpusError(
            f"the text has {len(ids) - 1} tokens; the context holds {n_ctx}, one of them "
            f"end-of-text: give at most {n_ctx - 1}"
        )
    return Read(torch.tensor(ids), [tokenizer.token_text(token) for token in ids])
