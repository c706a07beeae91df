"""Tiny models and checkpoints for tests: every axis another prime, every weight of consequence."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any

import torch

from tinyinterp import checkpoint
from tinyinterp.checkpoint import Checkpoint, CompressorCheckpoint
from tinyinterp.network.compressor import Compressor, CompressorConfig
from tinyinterp.network.config import Architecture, DecoderConfig
from tinyinterp.network.decoder import Decoder
from tinyinterp.text.tokenizer import Tokenizer

N_VOCAB = 281
N_CTX = 97
WINDOW = 7
STORIES = (
    "Once upon a time there was a little dog named Tim. Tim liked to run and play in the park.",
    "One day, Lily saw a big red ball. “I want the ball!” she said. Her mom smiled and said yes.",
    "The sun was warm and the cat was happy. She sat by the old tree and looked at the birds.",
)


@cache
def tiny_tokenizer() -> Tokenizer:
    """A byte-level BPE of ``N_VOCAB`` tokens, trained on ``STORIES``."""
    return Tokenizer.train(STORIES, N_VOCAB)


def tiny_config(
    architecture: Architecture = "gpt_neo", *, tied: bool = True, **changes: Any
) -> DecoderConfig:
    """Three layers, two heads; a GPT-Neo is global, local, global; heads of a Llama share keys."""
    shape: dict[str, Any] = {
        "n_vocab": N_VOCAB,
        "n_ctx": N_CTX,
        "d_model": 26,
        "n_layers": 3,
        "n_heads": 2,
        "d_mlp": 31,
    }
    shape |= {
        "gpt_neo": {"window": WINDOW},
        "llama": {"d_head": 6, "n_key_value_heads": 1},  # rotates pairs of dimensions
    }.get(architecture, {})
    return DecoderConfig(**(shape | changes), architecture=architecture, tied=tied)


def tiny_decoder(
    architecture: Architecture = "gpt_neo",
    *,
    tied: bool = True,
    seed: int = 0,
    scale: float = 0.2,
    **changes: Any,
) -> Decoder:
    """A decoder in evaluation mode whose every parameter, biases and norms included, is random.

    ``scale`` is the deviation of what is added to fresh weights: enough for patterns to be uneven.
    ``changes`` go to the configuration.
    """
    generator = torch.Generator().manual_seed(seed)
    decoder = Decoder(tiny_config(architecture, tied=tied, **changes)).initialize(generator)
    with torch.no_grad():
        for parameter in decoder.parameters():
            parameter.add_(torch.randn(parameter.shape, generator=generator), alpha=scale)
    return decoder.eval().requires_grad_(requires_grad=False)


def tiny_compressor(*, tied: bool = True, seed: int = 0, **changes: Any) -> Compressor:
    """A compressor of two layers, in evaluation mode, whose every parameter is random."""
    shape: dict[str, Any] = {
        "n_vocab": N_VOCAB,
        "n_ctx": N_CTX,
        "d_model": 26,
        "n_layers": 2,
        "n_heads": 2,
        "d_mlp": 31,
    }
    generator = torch.Generator().manual_seed(seed)
    config = CompressorConfig(**(shape | changes), tied=tied)
    compressor = Compressor(config).initialize(generator)
    with torch.no_grad():
        for parameter in compressor.parameters():
            parameter.add_(torch.randn(parameter.shape, generator=generator), alpha=0.2)
    return compressor.eval().requires_grad_(requires_grad=False)


def tiny_checkpoint(
    folder: Path,
    architecture: Architecture = "gpt_neo",
    *,
    tied: bool = True,
    seed: int = 0,
    dtype: torch.dtype = torch.float32,
    **changes: Any,
) -> Checkpoint:
    """Write a tiny decoder with its tokenizer into ``folder`` and open it again."""
    decoder = tiny_decoder(architecture, tied=tied, seed=seed, **changes)
    checkpoint.save(folder, decoder, tiny_tokenizer(), {"step": 3}, dtype)
    return checkpoint.load(folder)


def tiny_compressor_checkpoint(folder: Path, **changes: Any) -> CompressorCheckpoint:
    """Write a tiny compressor with its tokenizer into ``folder`` and open it again."""
    checkpoint.save(folder, tiny_compressor(**changes), tiny_tokenizer(), {"step": 5})
    opened = checkpoint.load_any(folder)
    assert isinstance(opened, CompressorCheckpoint)
    return opened


def random_tokens(n_sequences: int = 3, n_positions: int = 43, seed: int = 0) -> torch.Tensor:
    """Token ids of shape [n_sequences, n_positions]."""
    generator = torch.Generator().manual_seed(seed)
    return torch.randint(N_VOCAB, (n_sequences, n_positions), generator=generator)
