"""Loss on a text, in nats per token and in bits per byte, comparable between tokenizers."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice

import numpy as np
import torch
from jaxtyping import Float, Int
from torch import Tensor
from torch.nn import functional as F

from tinyinterp.errors import CorpusError
from tinyinterp.io.progress import Progress, say
from tinyinterp.network.compressor import Compressor
from tinyinterp.network.decoder import Decoder
from tinyinterp.text.sequences import IGNORED
from tinyinterp.text.tokenizer import Tokenizer
from tinyinterp.text.unknown import unknown_note

BATCH_TOKENS = 8192  # of a forward pass, at most; only memory and speed depend on it
BATCH_LOGITS = 1 << 26  # of a forward pass, at most
LARGEST_MEAN = 700.0  # nats whose exponential is still a number
STORIES_AT_ONCE = 256  # windowed, and sorted by length, together


@dataclass(frozen=True)
class Loss:
    """Loss over whole stories; neither a start token nor the end of a story is scored.

    Without a start token the first token of a story is not scored either, nor are its bytes.
    """

    nats_per_token: float
    bits_per_byte: float
    perplexity: float
    tokens: int
    bytes: int
    stories: int


@dataclass(frozen=True)
class ScoredWindow:
    """A window of a story. Targets before ``first`` were scored in the window before it."""

    tokens: list[int]  # one more than the model reads: the last is only a target
    first: int


def story_windows(tokens: list[int], n_ctx: int, first: int = 1) -> Iterator[ScoredWindow]:
    """Windows over one story behind its start token, so that each token is scored once.

    Tokens before ``first`` are read and not scored.

    Windows of ``n_ctx`` tokens overlap by half. A target that two windows hold is scored in the
    earlier one; so every target after the first window has ``n_ctx // 2`` or more tokens before it.
    """
    start, scored = 0, first
    while scored < len(tokens):
        window = tokens[start : start + n_ctx + 1]
        if scored < start + len(window):
            yield ScoredWindow(window, first=scored - start)
        scored = max(scored, start + len(window))
        start += max(1, n_ctx // 2)


def measure_text_loss(
    model: Decoder | Compressor,
    tokenizer: Tokenizer,
    stories: Iterable[str],
    report: Progress | None = None,
) -> Loss:
    """Loss of ``model`` over the texts of stories, read as they come.

    ``report`` advances by the UTF-8 bytes of the stories.

    Raises:
        CorpusError: there is no story.
    """
    return measure_loss(model, encode_stories(tokenizer, stories), report)


def measure_loss(
    model: Decoder | Compressor,
    stories: Iterable[tuple[list[int], int, int]],
    report: Progress | None = None,
) -> Loss:
    """Loss of ``model`` over stories: tokens (with their start token), UTF-8 bytes, first scored.

    That is 1 for a whole story; the bytes are those of what is scored.

    Stories are taken ``STORIES_AT_ONCE``, so that memory does not grow with the text. Sums are in
    fp64; the order of stories changes nothing but rounding. ``report`` advances by bytes.

    Raises:
        CorpusError: there is no story, or none has a token to score.
    """
    nats, n_tokens, n_bytes, n_stories = 0.0, 0, 0, 0
    iterator = iter(stories)
    while chunk := list(islice(iterator, STORIES_AT_ONCE)):
        n_ctx = model.config.n_ctx
        windows = [w for tokens, _, first in chunk for w in story_windows(tokens, n_ctx, first)]
        chunk_nats, chunk_tokens = _score(model, windows)
        size = sum(size for _, size, _ in chunk)
        nats, n_tokens = nats + chunk_nats, n_tokens + chunk_tokens
        n_bytes, n_stories = n_bytes + size, n_stories + len(chunk)
        if report is not None:
            report.advance(size)
    if not n_tokens or not n_bytes:
        raise CorpusError("there is no story to measure the loss on; give at least one")
    mean = nats / n_tokens
    perplexity = math.exp(mean) if mean < LARGEST_MEAN else math.inf
    return Loss(mean, nats / math.log(2) / n_bytes, perplexity, n_tokens, n_bytes, n_stories)


def encode_stories(
    tokenizer: Tokenizer, stories: Iterable[str]
) -> Iterator[tuple[list[int], int, int]]:
    """What :func:`measure_loss` takes, of texts; characters that become unknown are noted once."""
    iterator, unknown = iter(stories), 0
    while batch := list(islice(iterator, STORIES_AT_ONCE)):
        for story, encoding in zip(batch, tokenizer.encode_batch(batch), strict=True):
            unknown += tokenizer.unknown_characters(story, encoding)
            scored = story
            if not tokenizer.front:  # the first token is only read
                scored = story[encoding.offsets[0][1] :] if encoding.offsets else ""
            yield [*tokenizer.front, *encoding.ids], len(scored.encode("utf-8")), 1
    if unknown:
        say(f"note: {unknown_note(unknown)}")


def _score(model: Decoder | Compressor, windows: list[ScoredWindow]) -> tuple[float, int]:
    """Summed nats of the scored targets, and how many they are."""
    nats, n_tokens = 0.0, 0
    for _, of_tokens in score_windows(model, windows):
        nats, n_tokens = nats + float(of_tokens.sum()), n_tokens + len(of_tokens)
    return nats, n_tokens


def score_windows(
    model: Decoder | Compressor, windows: Sequence[ScoredWindow]
) -> Iterator[tuple[int, Float[np.ndarray, " scored"]]]:
    """The number of each window with the nats of its scored targets, in fp64; shortest first."""
    device = model.embed.weight.device
    most = max(1, min(BATCH_TOKENS, BATCH_LOGITS // model.config.n_vocab))
    numbered = sorted(enumerate(windows), key=lambda each: len(each[1].tokens))
    for batch in _batches(numbered, most):
        inputs, targets = (t.to(device) for t in _pad([window for _, window in batch]))
        with torch.inference_mode():
            logits = model(inputs).flatten(0, 1)
            logits = logits.to(torch.promote_types(logits.dtype, torch.float32))
            losses = F.cross_entropy(
                logits, targets.flatten(), ignore_index=IGNORED, reduction="none"
            )
            nats = losses.cpu().double().view(targets.shape).numpy()
        for (number, window), row in zip(batch, nats, strict=True):
            yield number, row[window.first - 1 : len(window.tokens) - 1]


def _batches(
    numbered: list[tuple[int, ScoredWindow]], most: int
) -> Iterator[list[tuple[int, ScoredWindow]]]:
    """Windows of ascending length, as many at a time as fit into so many tokens."""
    batch: list[tuple[int, ScoredWindow]] = []
    for number, window in numbered:
        if batch and len(window.tokens) * (len(batch) + 1) > most:
            yield batch
            batch = []
        batch.append((number, window))
    if batch:
        yield batch


def _pad(
    batch: list[ScoredWindow],
) -> tuple[Int[Tensor, "batch position"], Int[Tensor, "batch position"]]:
    width = max(len(w.tokens) for w in batch) - 1
    inputs = torch.zeros(len(batch), width, dtype=torch.int64)
    targets = torch.full((len(batch), width), IGNORED)
    for row, window in enumerate(batch):
        tokens = torch.tensor(window.tokens)
        n = len(tokens) - 1
        inputs[row, :n] = tokens[:-1]
        targets[row, window.first - 1 : n] = tokens[window.first :]
    return inputs, targets
