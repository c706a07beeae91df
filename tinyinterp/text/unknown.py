"""Characters that a tokenizer has no token for: counted, because a model never sees them."""

from __future__ import annotations

import json

from tokenizers import Tokenizer as Backend
from tokenizers import models

from tinyinterp.text.pieces import Encoding, byte_characters


def count_unknown(text: str, encoding: Encoding, unknown: frozenset[int]) -> int:
    """How many characters of ``text`` no token stands for, white space aside.

    Args:
        text: that was encoded.
        encoding: its tokens.
        unknown: tokens that stand for whatever has none.
    """
    reached = count = 0
    for token, (start, end) in zip(encoding.ids, encoding.offsets, strict=True):
        if start > reached:
            count += _marks(text[reached:start])
        if token in unknown:
            count += _marks(text[max(start, reached) : end])
        reached = max(reached, end)
    return count + _marks(text[reached:])


def unknown_tokens(backend: Backend) -> frozenset[int]:
    """The token that a tokenizer gives for what it has no token for, if there is one."""
    model = backend.model
    if isinstance(model, models.Unigram):
        number = json.loads(backend.to_str())["model"].get("unk_id")
    else:
        name = getattr(model, "unk_token", None)
        number = None if name is None else backend.token_to_id(name)
    return frozenset() if number is None else frozenset({number})


def has_all_bytes(backend: Backend) -> bool:
    """Whether a byte-level tokenizer has a token for each byte, and changes no text."""
    whole = all(backend.token_to_id(char) is not None for char in byte_characters().values())
    return whole and backend.normalizer is None


def unknown_note(n: int) -> str:
    """What to say of characters that a tokenizer has no token for."""
    return (
        f"the tokenizer has no token for {n:,} character{'s' if n > 1 else ''}; the model reads "
        "the unknown token in their place, or nothing"
    )


def _marks(text: str) -> int:
    """Characters that are no white space."""
    return len("".join(text.split()))
