"""Text from a model: greedy, or drawn with temperature, top-k and top-p.

    prompts ─► logits ─► / temperature ─► keep top k ─► keep top p ─► draw ─► next token ─┐
                 ▲                                                                        │
                 └────────────── a model reads only the new token, with its cache ────────┘

Each sample has its own random generator, seeded by ``(seed, sample)``, so that sample 3 is the same
whether 4 or 400 are asked for (unless rounding in the model tips a choice).

Prompts of different lengths go into one batch without padding: all sequences start at position 0,
and the rows of the longer prompts are given their own next token where the others are given what
was drawn. So each row reads exactly what it would read alone, in every family of models.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from tinyinterp.devices import fp64_device
from tinyinterp.errors import ConfigError
from tinyinterp.network.choice import choose
from tinyinterp.network.compressor import Compressor
from tinyinterp.network.decoder import Decoder
from tinyinterp.network.readers import reader_of
from tinyinterp.network.sampling import Sampling

ROWS_AT_ONCE = 128  # no sample depends on it
CACHE_BYTES = 1 << 30  # of keys and values, at most, unless a single row takes more


@dataclass(frozen=True)
class Continuation:
    """What a model wrote after a prompt. The last token is end-of-text if it ended there."""

    prompt: int  # its place among the prompts
    sample: int
    tokens: list[int]


@dataclass(frozen=True, eq=False)
class _Row:
    prompt: int
    sample: int
    given: Sequence[int]  # the tokens of the prompt
    room: int  # tokens to be written, at most
    random: np.random.Generator


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
    rows = _rows(model, [prompt], [settings.seed], settings, n_samples)
    for batch in _batches(model, rows):
        for row, token in _stream_batch(model, batch, settings, end_of_text):
            yield row.sample, token


def continue_prompts(
    model: Decoder | Compressor,
    prompts: Sequence[Sequence[int]],
    *,
    settings: Sampling,
    seeds: Sequence[int] | None = None,
    end_of_text: int | None = None,
    n_samples: int = 1,
) -> Iterator[Continuation]:
    """Continue many prompts side by side; each comes when its batch is done, shortest first.

    The memory of keys and values is bounded, see ``CACHE_BYTES``.

    Args:
        model: a decoder or a compressor, in evaluation mode.
        prompts: token ids of each.
        settings: how tokens are chosen, and how many.
        seeds: of each prompt, in place of the one in ``settings``. A prompt gets what
            :func:`generate` gives for it and its seed, whatever the other prompts are.
        end_of_text: the token that ends a sample; None where nothing does.
        n_samples: continuations of each prompt.

    Raises:
        ConfigError: a prompt is empty, holds no token of the model, or leaves no room for one.
    """
    seeds = [settings.seed] * len(prompts) if seeds is None else seeds
    for batch in _batches(model, _rows(model, prompts, seeds, settings, n_samples)):
        written: dict[_Row, list[int]] = {row: [] for row in batch}
        for row, token in _stream_batch(model, batch, settings, end_of_text):
            written[row].append(token)
        for row, tokens in written.items():
            yield Continuation(row.prompt, row.sample, tokens)


def _rows(
    model: Decoder | Compressor,
    prompts: Sequence[Sequence[int]],
    seeds: Sequence[int],
    settings: Sampling,
    n_samples: int,
) -> list[_Row]:
    """A row for each sample of each prompt, checked; the shortest prompts first."""
    if n_samples < 1:
        raise ConfigError(f"{n_samples} samples were asked for; expected at least 1")
    rows = []
    for number, (prompt, seed) in enumerate(zip(prompts, seeds, strict=True)):
        name = "the prompt" if len(prompts) == 1 else f"prompt {number} (the first is 0)"
        room = _room(model, prompt, name)
        room = room if settings.max_tokens is None else min(room, settings.max_tokens)
        rows += [
            _Row(number, sample, prompt, room, np.random.default_rng((seed, sample)))
            for sample in range(n_samples)
        ]
    return sorted(rows, key=lambda row: len(row.given))


def _room(model: Decoder | Compressor, prompt: Sequence[int], name: str) -> int:
    """How many tokens fit after a prompt."""
    n_ctx, n_vocab = model.config.n_ctx, model.config.n_vocab
    if not prompt:
        raise ConfigError(f"{name} is empty; give at least the end-of-text token")
    if not all(0 <= token < n_vocab for token in prompt):
        raise ConfigError(f"{name} holds a token outside of the model's vocabulary of {n_vocab}")
    if len(prompt) >= n_ctx:
        raise ConfigError(
            f"{name} has {len(prompt)} tokens, the context holds {n_ctx}, and at least one "
            "must be left to write; shorten the prompt"
        )
    return n_ctx - len(prompt)


def _batches(model: Decoder | Compressor, rows: list[_Row]) -> Iterator[list[_Row]]:
    config = model.config if isinstance(model, Decoder) else model.config.trunk
    number_bytes = model.embed.weight.element_size()
    position = 2 * config.n_layers * config.n_key_value_heads * config.d_head * number_bytes
    most = max(1, min(ROWS_AT_ONCE, CACHE_BYTES // (position * config.n_ctx)))
    for first in range(0, len(rows), most):
        yield rows[first : first + most]


def _stream_batch(
    model: Decoder | Compressor,
    rows: list[_Row],
    settings: Sampling,
    end_of_text: int | None,
) -> Iterator[tuple[_Row, int]]:
    """Each token as it is chosen, and the row it belongs to."""
    device, reader = model.embed.weight.device, reader_of(model)
    n_read = min(len(row.given) for row in rows)
    beginnings = [tuple(row.given[:n_read]) for row in rows]
    number = {tokens: place for place, tokens in enumerate(dict.fromkeys(beginnings))}
    written = dict.fromkeys(rows, 0)
    with torch.inference_mode():
        features = reader.read(torch.tensor(list(number), device=device))  # each is read once
        repeated = torch.tensor([number[tokens] for tokens in beginnings], device=device)
        reader.keep(repeated)
        features = features[repeated]  # [batch d_model]
    while True:
        with torch.inference_mode():
            tokens = _next_tokens(model, features, rows, n_read, settings)
        going = []
        for place, (row, token) in enumerate(zip(rows, tokens, strict=True)):
            if len(row.given) > n_read:
                going.append(place)
                continue
            yield row, token
            written[row] += 1
            ended = settings.stop_at_end and token == end_of_text
            if not ended and written[row] < row.room:
                going.append(place)
        if not going:
            return
        if len(going) < len(rows):
            rows, tokens = [rows[place] for place in going], [tokens[place] for place in going]
            reader.keep(torch.tensor(going, device=device))
        with torch.inference_mode():
            features = reader.read(torch.tensor(tokens, device=device)[:, None])
        n_read += 1


def _next_tokens(
    model: Decoder | Compressor,
    features: Tensor,
    rows: list[_Row],
    n_read: int,
    settings: Sampling,
) -> list[int]:
    """The next token of each row: the prompt's own as long as there is one, then chosen."""
    tokens = [row.given[n_read] if len(row.given) > n_read else -1 for row in rows]
    free = [place for place, token in enumerate(tokens) if token < 0]
    if free:
        device = fp64_device(features.device)  # where the choice is made
        some = features
        if len(free) < len(rows):
            some = features[torch.tensor(free, device=features.device)]
        drawn = [rows[place].random.random() for place in free]
        draws = torch.tensor(drawn, dtype=torch.float64, device=device)
        chosen = choose(model.unembed(some).to(device), draws, settings).tolist()
        for place, token in zip(free, chosen, strict=True):
            tokens[place] = token
    return tokens
