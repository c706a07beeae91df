"""A text as the model reads it."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from jaxtyping import Int
from torch import Tensor

from tinyinterp.errors import CorpusError
from tinyinterp.io.progress import say
from tinyinterp.text.tokenizer import Tokenizer
from tinyinterp.text.unknown import unknown_note


@dataclass(frozen=True)
class Read:
    """A text as the model reads it at the start of a story, behind its start token if any."""

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
    encoding, front = tokenizer.encode(text), tokenizer.front
    ids, most = [*front, *encoding.ids], n_ctx - len(front)
    if len(ids) > n_ctx:
        start = f", one of them {tokenizer.start_name}" if front else ""
        raise CorpusError(
            f"the text has {len(encoding.ids)} tokens; the context holds {n_ctx}{start}: give at "
            f"most {most}"
        )
    if lost := tokenizer.unknown_characters(text, encoding):
        say(f"note: {unknown_note(lost)}")
    return Read(torch.tensor(ids), [tokenizer.token_text(token) for token in ids])
