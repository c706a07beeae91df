"""A decoder whose neurons fire on what a rule can say: a token, a pair of tokens, a pair of tags.

Its one layer is local with a window of two, and its attention is uniform, so that it brings half of
the previous token's features into dimensions of their own (and half of the token's own, which the
neurons subtract again). A neuron fires where all that it asks for is there.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from planted.neurons import ADJECTIVES, ARTICLES, NOUNS, NUMBERS, VERBS, stories

from tinyinterp.network.config import DecoderConfig
from tinyinterp.network.decoder import Decoder
from tinyinterp.text.corpus import Corpus, corpus_of
from tinyinterp.text.tokenizer import Tokenizer

CLASSES = (NOUNS, VERBS, ADJECTIVES)
N_CODE = 106  # random dimensions that keep the norm of every token nearly the same


@dataclass(frozen=True)
class Asked:
    """What a neuron asks for: one of these words after one of those (none: after anything)."""

    here: tuple[str, ...]
    before: tuple[str, ...] = ()


@dataclass(frozen=True)
class PlantedRules:
    """A model and a text, with the rules that each neuron must get."""

    decoder: Decoder
    corpus: Corpus
    rules: list[set[str]]


def plant_rules(seed: int, n_vocab: int = 353, n_code: int = N_CODE) -> PlantedRules:
    """One neuron of each sort."""
    random = np.random.default_rng(seed)
    text = stories(seed, 400)
    tokenizer = Tokenizer.train(text, n_vocab)
    whole = [[w for w in words if len(tokenizer.encode(f" {w}").ids) == 1] for words in CLASSES]
    nouns, verbs, adjectives = (random.permutation(words).tolist() for words in whole)
    article = str(random.choice(ARTICLES))
    few = [nouns[0], nouns[1], verbs[0], adjectives[0], adjectives[1], str(random.choice(NUMBERS))]
    neurons: list[tuple[Asked, set[str]]] = [
        (Asked((nouns[2],)), {nouns[2]}),
        (Asked((nouns[3], verbs[3])), {nouns[3], verbs[3]}),
        (Asked((nouns[4],), (article,)), {f"{article} [{nouns[4]}]"}),
        (Asked(("the",), tuple(verbs)), {"[VERB] [the]"}),
        (Asked(NOUNS, ARTICLES), {"[DET] [NOUN]"}),
        (Asked(tuple(few)), set(few)),
        (Asked(()), set()),
    ]
    config = DecoderConfig(
        n_vocab=tokenizer.n_vocab,
        n_ctx=128,
        d_model=3 * len(neurons) + n_code,
        n_layers=1,
        n_heads=1,
        d_mlp=len(neurons),
        activation="relu",
        architecture="gpt_neo",
        attention=("local",),
        window=2,
    )
    n = len(neurons)
    here, before, brought = slice(0, n), slice(n, 2 * n), slice(2 * n, 3 * n)
    embed = np.zeros((config.n_vocab, config.d_model))
    half = random.choice([-1.0, 1.0], (config.n_vocab, n_code // 2))
    embed[:, 3 * n :] = np.concatenate([half, -half], axis=1)  # layer norm's mean is nearly 0
    for number, (asked, _) in enumerate(neurons):
        for side, words in ((here, asked.here), (before, asked.before)):
            for word in words:
                (token,) = tokenizer.encode(" " + word).ids
                embed[token, side.start + number] = 1.0
    up = np.zeros((n, config.d_model))
    bias = np.zeros(n)
    for number, (asked, _) in enumerate(neurons):
        up[number, here.start + number] = 1.0
        if asked.before:
            up[number, brought.start + number] = 2.0
            up[number, before.start + number] = -1.0
        bias[number] = -1.5 if asked.before else -0.5
    spread = np.sqrt(n_code / config.d_model)  # what layer norm divides by, nearly
    decoder = Decoder(config).initialize(torch.Generator().manual_seed(seed))
    with torch.no_grad():
        attention = decoder.block(0).attn
        for matrix in (attention.q.weight, attention.v.weight, attention.o.weight):
            matrix.zero_()
        attention.v.weight[brought, before] = spread * torch.eye(n)
        attention.o.weight[brought, brought] = torch.eye(n)
        decoder.embed.weight.copy_(torch.from_numpy(embed))
        decoder.pos_embed.weight.zero_()
        decoder.block(0).mlp.up.weight.copy_(torch.from_numpy(up))
        decoder.block(0).mlp.up.bias.copy_(torch.from_numpy(bias / spread))
    corpus = corpus_of(text, tokenizer, config.n_ctx, "grammar")
    return PlantedRules(decoder.eval(), corpus, [rules for _, rules in neurons])
