"""Decoders whose neurons are known: each reads one feature that was written into the embeddings.

Stories are random sentences from a fixed grammar. Every token's embedding holds a random code and,
in dimensions of their own, the features that the planted neurons read, beside some of the code.
Attention does nothing, or it mixes the codes of the tokens before into the code of each, so that a
neuron's noise differs from place to place.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch

from tinyinterp.checkpoint import Checkpoint
from tinyinterp.model import Model
from tinyinterp.network.config import DecoderConfig
from tinyinterp.network.decoder import Decoder
from tinyinterp.text.corpus import Corpus, corpus_of
from tinyinterp.text.tokenizer import Tokenizer

NOUNS = ("dog", "cat", "bird", "tree", "ball", "house", "boy", "girl", "cake", "car", "hat", "boat")
NAMES = ("Tim", "Lily", "Tom", "Mia", "Ben", "Sue", "Max", "Anna", "Jack", "Lucy", "Sam", "Amy")
VERBS = ("saw", "found", "wanted", "took", "heard", "kept", "lost", "held", "met", "liked")
ADJECTIVES = ("big", "small", "red", "happy", "nice", "old")
OWNERS = ("his", "her", "my", "their")
ARTICLES = ("the", "a", "this")
NUMBERS = ("one", "two")
BEFORE_NOUN = (*ADJECTIVES, *OWNERS, *ARTICLES, *NUMBERS)
PRONOUNS = ("he", "she", "they")
SIGNAL = 3.0  # size of a feature, where a code has 1 in each dimension
POSITIONS = slice(4, 8)


def stories(
    seed: int, n_stories: int = 160, n_sentences: int = 6, nouns: tuple[str, ...] = NOUNS
) -> list[str]:
    """``he saw the dog and her cat then found red cake .`` and the like.

    Of many lengths, so that a part of speech has no place of its own.
    """
    random = np.random.default_rng(seed)

    def noun_phrase() -> str:
        before = random.choice([random.choice(g) for g in (ADJECTIVES, OWNERS, ARTICLES, NUMBERS)])
        return f"{before} {random.choice(nouns)}"

    def sentence() -> str:
        pronoun, verb, other = random.choice(PRONOUNS), random.choice(VERBS), random.choice(VERBS)
        more = "".join(f" and {noun_phrase()}" for _ in range(random.integers(1, 4)))
        end = f" then {other} {noun_phrase()}" if random.random() < 0.8 else ""
        return f"{pronoun} {verb} {noun_phrase()}{more}{end}."

    return [
        "There " + " ".join(sentence() for _ in range(random.integers(3, n_sentences + 1)))
        for _ in range(n_stories)
    ]


@dataclass(frozen=True)
class Planted:
    """A model and a text, with the kind that every neuron must get."""

    model: Model
    corpus: Corpus
    kinds: list[str]  # "noise": any but those that claim a pattern
    tags: list[str | None]  # the best tag that a neuron must get, where that is known


def plant(
    seed: int,
    *,
    n_code: int = 43,
    noise: float = 0.05,
    n_vocab: int = 353,
    context: float = 0.0,
    names: bool = False,
) -> Planted:
    """One neuron of each sort.

    Args:
        n_code: dimensions of the tokens' random codes.
        noise: weight of each code dimension in what a neuron reads, against 1 for its feature.
        n_vocab: tokens; at 353 all words are whole.
        context: size of what attention adds to each dimension of the code, which has 1 there.
        names: put names among the nouns and let the first neuron fire on them alone; what the third
            must get is then unknown.
    """
    random = np.random.default_rng(seed)
    text = stories(seed, nouns=(*NOUNS, *NAMES) if names else NOUNS)
    tokenizer = Tokenizer.train(text, n_vocab)
    mixture = [random.choice(words, 4, replace=False) for words in (NOUNS, VERBS, ADJECTIVES)]
    features: list[tuple[str, str | None, Callable[[], Iterable[str]]]] = [
        ("part-of-speech", "PROPN", lambda: NAMES)
        if names
        else ("part-of-speech", "NOUN", lambda: NOUNS),
        ("part-of-speech", "VERB", lambda: VERBS),
        ("next-word", "NOUN", lambda: BEFORE_NOUN),
        ("word", None, lambda: [random.choice(NOUNS)]),
        ("word", None, lambda: [random.choice(NOUNS), random.choice(VERBS)]),
        ("mixed", None, lambda: np.concatenate(mixture)),
    ]
    kinds = [kind for kind, _, _ in features] + ["position", "dead", "dead", "dead", "noise"]
    tags = [tag for _, tag, _ in features] + [None] * 5
    n_features = len(features) + 1
    config = DecoderConfig(
        n_vocab=tokenizer.n_vocab,
        n_ctx=128,
        d_model=n_features + n_code,
        n_layers=1,
        n_heads=1,
        d_mlp=len(kinds),
        activation="relu",
    )
    embed = np.zeros((config.n_vocab, config.d_model))
    embed[:, n_features:] = random.choice([-1.0, 1.0], (config.n_vocab, n_code))
    for feature, (_, _, words) in enumerate(features):
        for word in words():
            for written in (word, " " + word):
                tokens = tokenizer.encode(written).ids
                embed[tokens[0], feature] = SIGNAL if len(tokens) == 1 else 0.0
    up = np.zeros((config.d_mlp, config.d_model))
    up[:n_features, :n_features] = np.eye(n_features)
    up[:n_features, n_features:] = noise * random.standard_normal((n_features, n_code))
    up[-1, n_features:] = random.standard_normal(n_code) / np.sqrt(n_code)  # the code, no feature
    positions = np.zeros((config.n_ctx, config.d_model))
    positions[POSITIONS, n_features - 1] = SIGNAL
    decoder = Decoder(config).initialize(torch.Generator().manual_seed(seed))
    with torch.no_grad():
        attention = decoder.block(0).attn
        attention.o.weight.zero_()
        attention.q.weight.zero_()  # attends to all alike
        attention.v.weight[n_features:, n_features:] = torch.eye(n_code)
        mixed = np.linalg.qr(random.standard_normal((n_code, n_code)))[0]
        attention.o.weight[n_features:, n_features:] = context * torch.from_numpy(mixed)
        decoder.embed.weight.copy_(torch.from_numpy(embed))
        decoder.pos_embed.weight.copy_(torch.from_numpy(positions))
        decoder.block(0).mlp.up.weight.copy_(torch.from_numpy(up))
        # never; always the same; the same but below zero before the activation
        decoder.block(0).mlp.up.bias.copy_(
            torch.tensor([0.0] * n_features + [-99.0, 0.7, 0.0, 0.0])
        )
    checkpoint = Checkpoint(decoder.eval(), tokenizer, Path("planted"), f"planted {seed}", {})
    corpus = corpus_of(text, tokenizer, config.n_ctx, "grammar")
    return Planted(Model(checkpoint, "planted"), corpus, kinds, tags)
