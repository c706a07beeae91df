"""A decoder with a neuron that counts the quotation marks so far.

Its one head attends to the quotation marks and to the beginning of the story alone, each as much as
any other, so that after ``c`` marks it brings ``c / (c + 1)`` of a feature that all of them have.
How often a story has a mark is drawn story by story: neither position nor the last tokens know.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch
from planted.neurons import stories

from tinyinterp.checkpoint import Checkpoint
from tinyinterp.model import Model
from tinyinterp.model_account.gist import MARKS
from tinyinterp.network.config import DecoderConfig
from tinyinterp.network.decoder import Decoder
from tinyinterp.text.corpus import Corpus, corpus_of
from tinyinterp.text.tokenizer import Tokenizer

RATES = (0.0, 0.0, 0.04, 0.2)  # of words that a mark stands before
SIGNAL, SHARP = 3.0, 14.0  # a feature, where a code has 1 in each dimension; nats
QUOTE, FIRST, ONE, COUNT = range(4)  # dimensions of their own
COUNTS, COUNTS_FROM_TWO = range(2)  # neurons


def plant_quotes(seed: int, *, n_vocab: int = 353, n_code: int = 42) -> tuple[Model, Corpus]:
    """The model, and a text for it."""
    random = np.random.default_rng((seed, 51))
    text = [_quoted(story, float(random.choice(RATES)), random) for story in stories(seed)]
    tokenizer = Tokenizer.train(text, n_vocab)
    width = 4 + n_code
    config = DecoderConfig(
        n_vocab=tokenizer.n_vocab,
        n_ctx=160,
        d_model=width,
        n_layers=1,
        n_heads=1,
        d_mlp=2,
        activation="relu",
        attention=("global",),
    )
    embed = np.zeros((config.n_vocab, width))
    half = random.choice([-1.0, 1.0], (config.n_vocab, n_code // 2))
    embed[:, 4:] = np.concatenate([half, -half], axis=1)
    marked = [any(m in tokenizer.token_text(t) for m in MARKS) for t in range(config.n_vocab)]
    embed[marked, QUOTE] = SIGNAL
    positions = np.zeros((config.n_ctx, width))
    positions[:, ONE] = SIGNAL
    positions[0, FIRST] = SIGNAL
    decoder = Decoder(config).initialize(torch.Generator().manual_seed(seed))
    with torch.no_grad():
        decoder.embed.weight.copy_(torch.from_numpy(embed))
        decoder.pos_embed.weight.copy_(torch.from_numpy(positions))
        block = decoder.block(0)
        for module in (block.attn.q, block.attn.k, block.attn.v, block.attn.o, block.mlp.up):
            module.weight.zero_()
        block.attn.q.weight[0, ONE] = block.attn.v.weight[0, QUOTE] = 1.0
        block.attn.k.weight[0, [QUOTE, FIRST]] = SHARP / SIGNAL**2
        block.attn.o.weight[COUNT, 0] = SIGNAL
        block.mlp.up.weight[:, COUNT] = 1.0
        block.mlp.up.bias[COUNTS_FROM_TWO] = -(SIGNAL**2) * 1.5 / 2.5
    checkpoint = Checkpoint(decoder.eval(), tokenizer, Path("planted"), f"quotes {seed}", {})
    return Model(checkpoint, "planted"), corpus_of(text, tokenizer, config.n_ctx, "grammar")


def _quoted(story: str, rate: float, random: np.random.Generator) -> str:
    words = story.split(" ")
    return " ".join(word if random.random() >= rate else f'" {word}' for word in words)
