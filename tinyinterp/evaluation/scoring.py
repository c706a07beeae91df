"""The log-probability that a model gives to continuations as a whole."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from tinyinterp.errors import ConfigError
from tinyinterp.evaluation.loss import ScoredWindow, score_windows
from tinyinterp.model import AnyModel


def continuation_nats(model: AnyModel, pairs: Sequence[tuple[str, str]]) -> list[float]:
    """For each prompt and continuation, minus the log-probability of the continuation, in nats.

    A continuation's nats are those of its tokens, summed; the text is tokenised as one, and a token
    that has characters of both sides is counted with the continuation. Nothing is asked of what
    comes after the continuation.

    Args:
        model: an open decoder or compressor.
        pairs: prompt and continuation, the space between them in front of the continuation.

    Raises:
        ConfigError: a text does not fit in the context.
    """
    tokenizer, n_ctx = model.tokenizer, model.config.n_ctx
    encodings = tokenizer.encode_batch([prompt + after for prompt, after in pairs])
    windows = []
    for (prompt, after), encoding in zip(pairs, encodings, strict=True):
        before = sum(end <= len(prompt) for _, end in encoding.offsets)
        first = max(1, len(tokenizer.front) + before)
        tokens = [*tokenizer.front, *encoding.ids]
        if len(tokens) > n_ctx + 1:
            raise ConfigError(
                f"{prompt[:60]!r} and {after!r:.60} have {len(tokens)} tokens, the context holds "
                f"{n_ctx}; shorten the prompt"
            )
        windows.append(ScoredWindow(tokens, first))
    nats = np.zeros(len(windows))
    for number, of_tokens in score_windows(model.network, windows):
        nats[number] = of_tokens.sum()
    return nats.tolist()
