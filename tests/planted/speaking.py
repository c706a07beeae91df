"""Planted heads that matter for the loss: the model itself writes the text that it is read with.

Every head but a silent one writes what it looks at, turned by a rotation of its own, into
dimensions that only the output head reads; the head that looks at names writes it unturned and so
moves them. The text is drawn from the model, so that no change to a head can lower its loss, but by
chance.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import torch
from planted.features import Features
from planted.head_models import Plan, basis_of, write_layer
from planted.heads import Forge, Head

from tinyinterp.checkpoint import Checkpoint
from tinyinterp.model import Model
from tinyinterp.network.attention import KeyValueCache
from tinyinterp.network.config import DecoderConfig
from tinyinterp.network.decoder import Decoder
from tinyinterp.text.corpus import Corpus, corpus_of
from tinyinterp.text.tokenizer import Tokenizer

NAMES = ("Tim", "Lily", "Tom", "Mia", "Ben", "Sue", "Max", "Anna", "Jack", "Lucy", "Sam", "Amy")
VERBS = ("saw", "found", "wanted", "took", "heard", "kept", "lost", "held", "met", "liked")
ADJECTIVES = ("big", "small", "red", "happy", "nice", "old", "new", "green", "tall", "sad")
ARTICLES = ("the", "a", "this", "every")
CLASSES = {"NOUN": NAMES, "VERB": VERBS, "ADJ": ADJECTIVES, "DET": ARTICLES}
NAME = "NOUN"  # the class of names
SILENT = "uniform"  # the head that writes nothing
SAID = 0.05  # size of what a head writes for the output head, beside a code of 1
NEVER = -25.0  # nats, of tokens that the model never writes
LOUDER, LOUD_ROLES = 1.6, ("induction", "VERB", "ADJ")  # that would do little for the loss
FIRST = "a"  # of every story: a single token


@dataclass(frozen=True)
class Speaking:
    """A model, a text that it wrote, and its heads."""

    model: Model
    corpus: Corpus
    heads: list[list[Head]]


def speaking_plan(seed: int, **changes: object) -> Plan:
    """Two global layers of six heads."""
    plan = Plan(seed, n_vocab=337, n_heads=6, attention=("global", "global"), n_stories=600)
    return replace(plan, **changes)  # pyright: ignore[reportArgumentType]


def speak(plan: Plan, n_words: int = 4, loud: float = 3.0) -> Speaking:
    """The model of ``plan`` with one head of each sort whose rung is known.

    Args:
        plan: its ``n_words`` and ``sentences`` count for nothing.
        n_words: of each class, at most.
        loud: nats that a head adds to the logit of a token of which it looks at nothing else.
    """
    random = np.random.default_rng((plan.seed, 41))

    drawn = [word for of in CLASSES.values() for word in of]
    salad = [" ".join([FIRST, *random.choice(drawn, 40)]) + "." for _ in range(80)]
    tokenizer = Tokenizer.train(salad, plan.n_vocab)
    words = {
        name: [w for w in random.permutation(of).tolist() if is_whole(tokenizer, w)][:n_words]
        for name, of in CLASSES.items()
    }
    known = [word for of in words.values() for word in of]
    config = DecoderConfig(
        n_vocab=tokenizer.n_vocab,
        n_ctx=plan.n_ctx,
        d_model=plan.n_heads * plan.d_head,
        n_layers=2,
        n_heads=plan.n_heads,
        d_mlp=7,
        architecture=plan.architecture,
        attention=plan.attention,
        tied=False,
    )
    features = Features(config, tokenizer, plan.seed, words)
    forge = Forge(features)
    names, verbs, silent = forge.word_class(NAME), forge.word_class("VERB"), forge.uniform()
    layers = [
        [forge.offset(1, copies=True), forge.duplicate(), names, forge.offset(3), verbs, silent],
        [
            forge.induction(),
            forge.offset(2),
            forge.duplicate(),
            forge.decay(2.5),
            forge.word_class("ADJ"),
            silent,
        ],
    ]
    layers = [[layer[at] for at in random.permutation(len(layer))] for layer in layers]
    decoder = Decoder(config).initialize(torch.Generator().manual_seed(plan.seed))
    basis = basis_of(config.d_model, features.size + features.n_code, random)
    inner, said = basis[:, : features.size], basis[:, features.size :]
    with torch.no_grad():
        decoder.embed.weight.copy_(torch.from_numpy(features.of_tokens @ inner.T))
        decoder.pos_embed.weight.copy_(torch.from_numpy(features.of_positions @ inner.T))
        for layer, heads in enumerate(layers):
            norm = np.sqrt(6 + (layer > 0))
            read = inner.T * norm / np.sqrt(config.d_model)
            write_layer(decoder, layer, heads, features, read, inner, plan.noise, random)
            _speak(decoder, layer, heads, features, read, said, random)
        written = [tokenizer.encode(text).ids[0] for text in (*(f" {w}" for w in known), ".")]
        codes = features.of_tokens[:, features.index["token"]]
        output = loud / SAID * codes @ said.T
        silent = np.setdiff1d(np.arange(config.n_vocab), written)
        output[silent] += NEVER * inner[:, features.index["one"][0]]
        final = np.sqrt(7.0 / config.d_model)
        decoder.unembed.weight.copy_(torch.from_numpy(output * final))
    decoder.eval().requires_grad_(requires_grad=False)
    opened = Checkpoint(decoder, tokenizer, Path("planted"), f"planted {plan.seed}", {})
    model = Model(opened, f"speaking {plan.seed}")
    text = _written(decoder, tokenizer, plan)
    return Speaking(model, corpus_of(text, tokenizer, plan.n_ctx, "written"), layers)


def is_whole(tokenizer: Tokenizer, word: str) -> bool:
    """Whether a word with the space before it is one token."""
    return len(tokenizer.encode(f" {word}").ids) == 1


def _speak(
    decoder: Decoder,
    layer: int,
    heads: list[Head],
    features: Features,
    read: np.ndarray,
    said: np.ndarray,
    random: np.random.Generator,
) -> None:
    """Let every head write the code of what it looks at, turned, where the output head reads."""
    attn, width, n_code = decoder.block(layer).attn, features.config.d_head, features.n_code
    for number, head in enumerate(heads):
        if head.name == SILENT:
            continue
        own = number * width + np.arange(n_code)
        turn = np.linalg.qr(random.standard_normal((n_code, n_code)))[0]
        if head.name == NAME:
            turn = np.eye(n_code)
        if head.role in LOUD_ROLES:
            turn *= LOUDER
        attn.v.weight[own] = torch.from_numpy(read[features.index["token"]]).float()
        attn.o.weight[:, own] += torch.from_numpy(SAID * said @ turn).float()


def _written(decoder: Decoder, tokenizer: Tokenizer, plan: Plan) -> list[str]:
    """Stories drawn from the model, each of another length."""
    generator = torch.Generator().manual_seed(plan.seed)
    tokens = torch.tensor([[tokenizer.end_of_text, *tokenizer.encode(FIRST).ids]])
    tokens = tokens.repeat(plan.n_stories, 1)
    with torch.inference_mode():
        cache = KeyValueCache()
        while tokens.shape[1] < plan.n_ctx:
            odds = decoder(tokens[:, len(cache) :], cache)[:, -1].softmax(-1)
            tokens = torch.cat([tokens, torch.multinomial(odds, 1, generator=generator)], 1)
    random = np.random.default_rng((plan.seed, 42))
    lengths = random.integers(plan.n_ctx // 2, plan.n_ctx, plan.n_stories)
    return [
        "".join(tokenizer.token_text(int(token)) for token in row[1:length])
        for row, length in zip(tokens, lengths, strict=True)
    ]
