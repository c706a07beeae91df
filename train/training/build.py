"""From a recipe: its model, randomly initialised, and the sampler of its batches."""

from __future__ import annotations

import numpy as np
import torch

from tinyinterp.network.compressor import Compressor, CompressorConfig
from tinyinterp.network.decoder import Decoder
from tinyinterp.text.tokenizer import Tokenizer

from ..data.batches import Sampler, WindowSampler
from ..data.contrast import ContrastSampler
from ..data.story_batches import PackedSampler, StorySampler
from ..data.tokens import TokenFile
from .recipe import Recipe


def build_model(recipe: Recipe) -> Decoder | Compressor:
    """The recipe's model, randomly initialised with its seed."""
    generator = torch.Generator().manual_seed(recipe.run.seed)
    if isinstance(recipe.model, CompressorConfig):
        return Compressor(recipe.model).initialize(generator)
    return Decoder(recipe.model).initialize(generator)


def build_sampler(recipe: Recipe, file: TokenFile, tokenizer: Tokenizer) -> Sampler:
    """The recipe's sampler over ``file``, with shuffled stories where its objective wants them."""
    settings, n_ctx, seed = recipe.data, recipe.model.n_ctx, recipe.run.seed
    story_only = settings.loss == "story"
    sampler: Sampler
    if settings.sampler == "stories":
        sampler = StorySampler(file, n_ctx, settings.batch_tokens, seed, story_only=story_only)
    elif settings.sampler == "packed":
        sampler = PackedSampler(file, n_ctx, settings.batch_size, seed, story_only=story_only)
    else:
        sampler = WindowSampler(file, n_ctx, settings.batch_size, seed, story_only=story_only)
    if recipe.objective.name == "contrastive":
        sampler = ContrastSampler(sampler, tokenizer, recipe.objective.shuffled, seed)
    return sampler


def attend_by_blocks(model: Decoder | Compressor) -> None:
    """Attend by blocks of queries: faster in 16 bits on a CPU, where the fused backward is slow."""
    for layer in range(model.config.n_layers):
        model.block(layer).attn.form = "blocked"


def seed_of(seed: int, micro_batch: int) -> int:
    """The random seed of micro-batch number ``micro_batch`` (its dropout)."""
    return int(np.random.SeedSequence((seed, micro_batch)).generate_state(1, np.uint64)[0] >> 1)
