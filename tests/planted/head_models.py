"""Checkpoints of planted heads: drawn by plan, written, and opened again as any other."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from planted.features import Features
from planted.grammar import drawn_words, grammar_stories
from planted.heads import Forge, Head

from tinyinterp import checkpoint
from tinyinterp.model import Model
from tinyinterp.network.config import Architecture, AttentionKind, DecoderConfig
from tinyinterp.network.decoder import Decoder
from tinyinterp.text.corpus import Corpus, corpus_of
from tinyinterp.text.tokenizer import Tokenizer


@dataclass(frozen=True)
class Plan:
    """What is to be built; see :func:`build`."""

    seed: int
    n_vocab: int = 337
    n_heads: int = 11
    d_head: int = 29
    n_ctx: int = 97
    architecture: Architecture = "gpt_neo"
    attention: tuple[AttentionKind, ...] = ("global", "local", "global")
    window: int = 13
    noise: float = 0.0  # deviation of what is added to every score, in nats
    sentences: tuple[int, int] = (2, 5)
    n_stories: int = 110
    n_words: int = 7
    dtype: torch.dtype = torch.float32


@dataclass(frozen=True)
class PlantedHeads:
    """A model with the heads it has by construction, and a text for it."""

    model: Model
    corpus: Corpus
    heads: list[list[Head]]


def draw_heads(forge: Forge, plan: Plan) -> list[list[Head]]:
    """A layer's worth of every sort that the layer can have, in random order and with random sizes.

    With fewer heads than sorts, a random choice of them; layer 0 always copies token codes.
    """
    random = np.random.default_rng((plan.seed, 13))
    layers = []
    for layer, kind in enumerate(plan.attention):
        reach = plan.window - 5 if kind == "local" else 9
        offsets = 2 + random.permutation(reach - 2)
        classes = random.permutation(forge.features.classes)[:2]
        sorts = [
            forge.offset(0),
            forge.offset(int(offsets[0])),
            forge.decay(random.uniform(2, 3)),
            forge.uniform(),
            *(forge.word_class(str(name)) for name in classes[:1]),
        ]
        if kind == "global":
            sorts += [
                forge.offset(int(offsets[1])),
                forge.decay(random.uniform(3, 6)),
                forge.sink(),
                forge.half_sink(1),
                forge.place(int(random.integers(2, 6))),
                forge.duplicate(),
                *(forge.word_class(str(name)) for name in classes[1:]),
            ]
        if kind == "global" and {"DET", "NOUN"} <= set(forge.features.classes):
            sorts.append(forge.from_to("DET", "NOUN"))
        if kind == "global" and layer:
            sorts += [forge.induction()] * 2
        chosen = [forge.offset(1, copies=layer == 0)]
        while len(chosen) < plan.n_heads:
            chosen += [sorts[at] for at in random.permutation(len(sorts))]
        chosen = chosen[: plan.n_heads]
        layers.append([chosen[at] for at in random.permutation(plan.n_heads)])
    return layers


def build(
    folder: Path, plan: Plan, heads: Sequence[Sequence[Head]] | None = None, *, forge: Forge
) -> PlantedHeads:
    """Write the checkpoint of ``plan`` into ``folder`` and open it again.

    Args:
        heads: by layer; left out: :func:`draw_heads`.
    """
    layers = [list(layer) for layer in heads] if heads else draw_heads(forge, plan)
    features = forge.features
    config, tokenizer = features.config, features.tokenizer
    random = np.random.default_rng((plan.seed, 14))
    basis = basis_of(config.d_model, features.size, random)
    decoder = Decoder(config).initialize(torch.Generator().manual_seed(plan.seed))
    with torch.no_grad():
        _put(decoder.embed.weight, features.of_tokens @ basis.T)
        _put(decoder.pos_embed.weight, features.of_positions @ basis.T)
        for layer, planted in enumerate(layers):
            norm = np.sqrt(6 + (layer > 0))  # of the stream: token, position, a code copied
            read = basis.T * norm / np.sqrt(config.d_model)
            write_layer(decoder, layer, planted, features, read, basis, plan.noise, random)
    checkpoint.save(folder, decoder, tokenizer, {"planted": plan.seed}, plan.dtype)
    model = Model(checkpoint.load(folder), f"planted {plan.seed}")
    return PlantedHeads(model, corpus_for(plan, tokenizer), layers)


def forge_for(plan: Plan) -> Forge:
    """The features, and what makes heads of them, for a model of ``plan``."""
    tokenizer = Tokenizer.train(_texts(plan), plan.n_vocab)
    config = DecoderConfig(
        n_vocab=tokenizer.n_vocab,
        n_ctx=plan.n_ctx,
        d_model=plan.n_heads * plan.d_head,
        n_layers=len(plan.attention),
        n_heads=plan.n_heads,
        d_mlp=7,
        architecture=plan.architecture,
        attention=plan.attention,
        window=plan.window,
    )
    words = drawn_words(plan.seed, plan.n_words)
    return Forge(Features(config, tokenizer, plan.seed, words))


def corpus_for(plan: Plan, tokenizer: Tokenizer) -> Corpus:
    """The text of ``plan``."""
    return corpus_of(_texts(plan), tokenizer, plan.n_ctx, "grammar")


def _texts(plan: Plan) -> list[str]:
    return grammar_stories(
        plan.seed, n_stories=plan.n_stories, sentences=plan.sentences, n_words=plan.n_words
    )


def basis_of(d_model: int, size: int, random: np.random.Generator) -> np.ndarray:
    """Orthonormal columns that all sum to 0, so that layer norm takes away no mean."""
    drawn = random.standard_normal((d_model, size + 1))
    drawn[:, 0] = 1
    return np.linalg.qr(drawn)[0][:, 1:]


def write_layer(
    decoder: Decoder,
    layer: int,
    planted: list[Head],
    features: Features,
    read: np.ndarray,
    basis: np.ndarray,
    noise: float,
    random: np.random.Generator,
) -> None:
    """The weights of one layer; heads that copy nothing and the MLP write nothing."""
    config, at = features.config, features.index
    width, n_code = config.d_head, features.n_code
    q, k = np.zeros((2, config.d_model, features.size))
    v = np.zeros((config.d_model, features.size))
    o = np.zeros((config.d_model, config.d_model))
    copying = sum(head.copies for head in planted)
    x = _sample(features, random, copied=layer > 0)
    for number, head in enumerate(planted):
        own = slice(number * width, (number + 1) * width)
        q[own], k[own] = _noisy(*_joined(head, features), noise, x, random)
        if head.copies:
            copied = number * width + np.arange(n_code)
            v[copied, at["token"]] = 1
            o[:, copied] = basis[:, at["before"]] / copying
    block = decoder.block(layer)
    scale = np.sqrt(width) if config.scale_scores else 1.0
    for module, weights in ((block.attn.q, q * scale), (block.attn.k, k), (block.attn.v, v)):
        _put(module.weight, weights @ read)
    _put(block.attn.o.weight, o)
    block.mlp.down.weight.zero_()


def _sample(features: Features, random: np.random.Generator, *, copied: bool) -> np.ndarray:
    """What a layer reads at random positions, under random tokens."""
    n, at = 400, features.index
    tokens = random.integers(features.config.n_vocab, size=(2, n))
    positions = random.integers(features.config.n_ctx, size=n)
    x = features.of_tokens[tokens[0]] + features.of_positions[positions]
    if copied:
        x[:, at["before"]] = features.of_tokens[tokens[1]][:, at["token"]]
    return x


def _joined(head: Head, features: Features) -> tuple[np.ndarray, np.ndarray]:
    """Query and key rows of all terms of a head, gains shared between the two."""
    q, k = np.zeros((2, features.config.d_head, features.size))
    row = 0
    for gain, query, key in head.terms:
        rows = slice(row, row + len(query))
        q[rows], k[rows] = np.sign(gain) * np.sqrt(abs(gain)) * query, np.sqrt(abs(gain)) * key
        row += len(query)
    return q, k


def _noisy(
    q: np.ndarray, k: np.ndarray, noise: float, x: np.ndarray, random: np.random.Generator
) -> tuple[np.ndarray, np.ndarray]:
    """Random weights added, as large as make the scores of a query deviate by ``noise`` nats.

    ``x`` is a sample of what the layer reads.
    """
    if not noise:
        return q, k
    added_q, added_k = random.standard_normal((2, *q.shape))
    before = (x @ q.T) @ (x @ k.T).T
    low, high = 1e-6, 10.0
    for _ in range(40):
        size = np.sqrt(low * high)
        scores = (x @ (q + size * added_q).T) @ (x @ (k + size * added_k).T).T
        deviation = np.sqrt((scores - before).var(axis=1).mean())  # softmax sees differences only
        low, high = (low, size) if deviation > noise else (size, high)
    return q + low * added_q, k + low * added_k


def _put(parameter: torch.nn.Parameter, values: np.ndarray) -> None:
    parameter.copy_(torch.from_numpy(values))
