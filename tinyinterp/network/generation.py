"""Text from a model: greedy, or drawn with temperature, top-k and top-p.

    prompt ─► logits ─► / temperature ─► keep top k ─► keep top p ─► draw ─► next token ─┐
                ▲                                                                        │
                └───────── a decoder reads only the new token, with its cache ───────────┘

Each sample has its own random generator, seeded by ``(seed, sample)``, so that sample 3 is the same
whether 4 or 400 are asked for (unless rounding in the model tips a choice). A compressor keeps no
cache: it reads the whole text again for each token.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
import torch
from jaxtyping import Float, Int
from torch import Tensor

from tinyinterp.errors import ConfigError
from tinyinterp.network.attention import KeyValueCache
from tinyinterp.network.compressor import Compressor
from tinyinterp.network.decoder import Decoder
from tinyinterp.network.sampling import Sampling

SAMPLES_AT_ONCE = 32  # bounds the memory of keys and values; no sample depends on it


def generate(
    model: Decoder | Compressor,
    prompt: Sequence[int],
    *,
    settings: Sampling,
    end_of_text: int | None = None,
    n_samples: int = 1,
) -> list[list[int]]:
    """Continue ``prompt``; the prompt is not repeated in what is returned.

    Args:
        model: a decoder or a compressor, in evaluation mode.
        prompt: token ids, end-of-text first where a story starts there.
        settings: how tokens are chosen, and how many.
        end_of_text: the token that ends a sample; None where nothing does.
        n_samples: continuations, each with its own random generator.

    Returns:
        The new tokens of each sample; the last is ``end_of_text`` if the sample ended there.

    Raises:
        ConfigError: the prompt is empty, holds no token of the model, or leaves no room for one.
    """
    samples: list[list[int]] = [[] for _ in range(n_samples)]
    for sample, token in stream(
        model, prompt, settings=settings, end_of_text=end_of_text, n_samples=n_samples
    ):
        samples[sample].append(token)
    return samples


def stream(
    model: Decoder | Compressor,
    prompt: Sequence[int],
    *,
    settings: Sampling,
    end_of_text: int | None = None,
    n_samples: int = 1,
) -> Iterator[tuple[int, int]]:
    """The same as :func:`generate`, as pairs of sample and token in the order they are made."""
    room = _room(model, prompt, n_samples)
    if settings.max_tokens is not None:
        room = min(room, settings.max_tokens)
    for first in range(0, n_samples, SAMPLES_AT_ONCE):
        alive = list(range(first, min(first + SAMPLES_AT_ONCE, n_samples)))
        yield from _stream_batch(model, prompt, settings, end_of_text, alive, room)


def _room(model: Decoder | Compressor, prompt: Sequence[int], n_samples: int) -> int:
    """How many tokens fit after the prompt."""
    n_ctx, n_vocab = model.config.n_ctx, model.config.n_vocab
    if n_samples < 1:
        raise ConfigError(f"{n_samples} samples were asked for; expected at least 1")
    if not prompt:
        raise ConfigError("the prompt is empty; give at least the end-of-text token")
    if not all(0 <= token < n_vocab for token in prompt):
        raise ConfigError(
            f"the prompt holds a token outside of the model's vocabulary of {n_vocab}"
        )
    if len(prompt) >= n_ctx:
        raise ConfigError(
            f"the prompt has {len(prompt)} tokens, the context holds {n_ctx}, and at least one "
            "must be left to write; shorten the prompt"
        )
    return n_ctx - len(prompt)


class _CachedReader:
    """A decoder and the keys and values of what it has read."""

    def __init__(self, decoder: Decoder) -> None:
        self._decoder = decoder
        self._cache = KeyValueCache()

    def read(self, tokens: Int[Tensor, "batch new"]) -> Float[Tensor, "batch n_vocab"]:
        """Logits for the token after ``tokens``, which follow what was read before."""
        return self._decoder(tokens, self._cache)[:, -1]

    def keep(self, rows: Int[Tensor, " kept"]) -> None:
        """Continue with these rows of the batch only; a row may be repeated."""
        self._cache.keep(rows)


class _WholeReader:
    """A compressor and the text so far; the same methods as :class:`_CachedReader`."""

    def __init__(self, compressor: Compressor) -> None:
        self._compressor = compressor
        self._text: Tensor | None = None

    def read(self, tokens: Int[Tensor, "batch new"]) -> Float[Tensor, "batch n_vocab"]:
        self._text = tokens if self._text is None else torch.cat((self._text, tokens), dim=1)
        last = self._compressor.features(self._text)[:, -1]
        return self._compressor.unembed(last)

    def keep(self, rows: Int[Tensor, " kept"]) -> None:
        if self._text is not None:
            self._text = self._text[rows]


def _stream_batch(
    model: Decoder | Compressor,
    prompt: Sequence[int],
    settings: Sampling,
    end_of_text: int | None,
    alive: list[int],
    room: int,
) -> Iterator[tuple[int, int]]:
    device = model.embed.weight.device
    generators = {sample: np.random.default_rng((settings.seed, sample)) for sample in alive}
    reader = _CachedReader(model) if isinstance(model, Decoder) else _WholeReader(model)
    unread = torch.tensor([list(prompt)], device=device)  # [batch position]
    rows = torch.zeros(len(alive), dtype=torch.int64, device=device)  # the prompt is read once
    for step in range(room):
        with torch.inference_mode():
            logits = reader.read(unread)  # [batch n_vocab]
            if step == 0:
                reader.keep(rows)
                logits = logits[rows]
        draws = torch.tensor(
            [generators[sample].random() for sample in alive], dtype=torch.float64, device=device
        )
        tokens = choose(logits, draws, settings)
        chosen = tokens.tolist()
        yield from zip(alive, chosen, strict=True)
        going = [
            row
            for row, token in enumerate(chosen)
            if not (settings.stop_at_end and token == end_of_text)
        ]
        if not going:
            return
        if len(going) < len(alive):
            kept = torch.tensor(going, device=device)
            reader.keep(kept)
            tokens = tokens[kept]
            alive = [alive[row] for row in going]
        unread = tokens[:, None]


def choose(
    logits: Float[Tensor, "batch n_vocab"], draws: Float[Tensor, " batch"], settings: Sampling
) -> Int[Tensor, " batch"]:
    """A token a row: the likeliest, or the one at which the cumulative distribution passes a draw.

    Draws are uniform in [0, 1), in fp64. Tokens share that interval, the most likely first.
    """
    if settings.temperature == 0:
        return logits.argmax(dim=-1)
    kept, order = distribution(logits, settings)
    cumulative = kept.cumsum(dim=-1)
    rank = torch.searchsorted(cumulative, draws[:, None] * cumulative[:, -1:], right=True)
    n_kept = (kept > 0).sum(dim=-1, keepdim=True)
    return order.gather(1, rank.minimum(n_kept - 1))[:, 0]


def distribution(
    logits: Float[Tensor, "batch n_vocab"], settings: Sampling
) -> tuple[Float[Tensor, "batch n_vocab"], Int[Tensor, "batch n_vocab"]]:
    """Probabilities in fp64, largest first, and the tokens they belong to.

    Tokens that ``top_k`` or ``top_p`` exclude have 0, the others their share before exclusion.
    ``top_p`` keeps the smallest set whose mass reaches it, taken after ``top_k``; ties keep the
    lower token.
    """
    scaled = logits.double() / settings.temperature
    ranked, order = (scaled - scaled.amax(dim=-1, keepdim=True)).sort(
        dim=-1, descending=True, stable=True
    )
    if settings.top_k is not None:
        ranked[:, settings.top_k :] = -torch.inf
    probabilities = ranked.softmax(dim=-1)
    if settings.top_p is not None:
        before = probabilities.cumsum(dim=-1) - probabilities  # mass of the likelier tokens
        probabilities = probabilities.masked_fill(before >= settings.top_p, 0)
    return probabilities, order
