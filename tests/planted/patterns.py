"""A fake engine whose attention patterns are known: it computes them from the rule of each head.

It has the places that the head census listens to, and nothing else of a decoder. Texts for it are
random words, so that nothing but a head's own rule makes its pattern.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor, nn

from tinyinterp.network.attention import Tap, allowed_keys
from tinyinterp.network.config import AttentionKind, DecoderConfig
from tinyinterp.text.corpus import Corpus, corpus_of
from tinyinterp.text.tokenizer import Tokenizer

# Tokens [batch key] and who may see whom [query key] to rows that sum to 1 [batch query key].
Rule = Callable[[Tensor, Tensor], Tensor]
LETTERS = np.array(list("abdefghiklmnoprstuw"))


@dataclass(frozen=True)
class Planted:
    """A head's rule with the kind and the role that it must get."""

    rule: Rule
    kind: str
    role: str = ""


def normalised(weights: Tensor, allowed: Tensor) -> Tensor:
    """Rows that sum to 1; where nothing is wanted, key 0, or the query where 0 is out of sight."""
    n = allowed.shape[0]
    weights = weights.double() * allowed
    first = torch.zeros(n, n).index_fill_(1, torch.tensor([0]), 1)
    fallback = torch.where(allowed[:, :1], first, torch.eye(n)).double()
    total = weights.sum(-1, keepdim=True)
    return torch.where(total > 0, weights / total.clamp_min(1e-300), fallback)


def distances(tokens: Tensor) -> Tensor:
    position = torch.arange(tokens.shape[1])
    return (position[:, None] - position[None, :]).expand(len(tokens), -1, -1)


def by_distance(weight: Callable[[Tensor], Tensor]) -> Rule:
    return lambda tokens, allowed: normalised(weight(distances(tokens)), allowed)


def offset(n: int) -> Rule:
    return by_distance(lambda d: d == n)


def decay(scale: float) -> Rule:
    return by_distance(lambda d: torch.exp(-d / scale))


def uniform(window: int | None = None) -> Rule:
    """Alike to the last ``window`` keys, or to all."""
    return by_distance(lambda d: d >= 0 if window is None else d < window)


def place(position: int) -> Rule:
    """Always the same absolute position."""

    def rule(tokens: Tensor, allowed: Tensor) -> Tensor:
        weights = torch.zeros(len(tokens), *allowed.shape)
        weights[..., position] = 1
        return normalised(weights, allowed)

    return rule


def sink(share: float, rest: Rule) -> Rule:
    """``share`` on key 0 where it can be seen."""

    def rule(tokens: Tensor, allowed: Tensor) -> Tensor:
        left = torch.where(allowed[:, :1], 1 - share, 1.0)
        pattern = rest(tokens, allowed) * left
        pattern[..., 0] += 1 - left[:, 0]
        return pattern

    return rule


def duplicate(tokens: Tensor, allowed: Tensor) -> Tensor:
    """The same token earlier on."""
    same = tokens[:, :, None] == tokens[:, None, :]
    return normalised(same & (distances(tokens) > 0), allowed)


def induction(tokens: Tensor, allowed: Tensor) -> Tensor:
    """What came after the same token earlier on."""
    after_same = torch.zeros(len(tokens), *allowed.shape, dtype=torch.bool)
    after_same[:, :, 1:] = tokens[:, :, None] == tokens[:, None, :-1]
    return normalised(after_same & (distances(tokens) >= 0), allowed)


def content(strength: float, seed: int = 0) -> Rule:
    """Each token type attracts by a fixed random score of its own."""
    scores = torch.randn(1000, generator=torch.Generator().manual_seed(seed))

    def rule(tokens: Tensor, allowed: Tensor) -> Tensor:
        wanted = torch.exp(strength * scores[tokens])
        return normalised(wanted[:, None, :].expand(-1, len(allowed), -1), allowed)

    return rule


def mixture(share: float, one: Rule, other: Rule) -> Rule:
    """``share`` of ``one``, the rest of ``other``."""
    return lambda tokens, allowed: (
        share * one(tokens, allowed) + (1 - share) * other(tokens, allowed)
    )


class _Attention(nn.Module):
    def __init__(self, rules: Sequence[Rule], window: int | None, noise: float, d_head: int):
        super().__init__()
        self.rules, self.window, self.noise, self.d_head = rules, window, noise, d_head
        self.hook_pattern, self.hook_z = Tap(), Tap()

    def forward(self, tokens: Tensor) -> None:
        n = tokens.shape[1]
        allowed = allowed_keys(n, n, self.window)
        pattern = torch.stack([rule(tokens, allowed) for rule in self.rules], dim=1)
        if self.noise:
            generator = torch.Generator().manual_seed(int(tokens.sum()))
            pattern *= torch.exp(self.noise * torch.randn(pattern.shape, generator=generator))
            pattern /= pattern.sum(-1, keepdim=True)
        self.hook_pattern(pattern.float())
        self.hook_z(torch.ones(len(tokens), n, len(self.rules), self.d_head))


class _Block(nn.Module):
    def __init__(self, attn: _Attention):
        super().__init__()
        self.attn = attn

    def forward(self, tokens: Tensor) -> Tensor:
        self.attn(tokens)
        return tokens


class PatternEngine(nn.Module):
    """Emits the patterns of its rules at ``blocks.{l}.attn.hook_pattern``; every z is 1.

    Args:
        layers: the rules of each layer, as many in one as in another.
        attention: each layer's kind; all global if left out.
        noise: deviation of the logarithm of a factor on every weight.
    """

    def __init__(
        self,
        layers: Sequence[Sequence[Rule]],
        *,
        attention: tuple[AttentionKind, ...] = (),
        window: int = 256,
        n_vocab: int = 281,
        n_ctx: int = 512,
        noise: float = 0.0,
    ) -> None:
        super().__init__()
        n_heads, d_head = len(layers[0]), 3
        self.config = DecoderConfig(
            n_vocab=n_vocab,
            n_ctx=n_ctx,
            d_model=n_heads * d_head,
            n_layers=len(layers),
            n_heads=n_heads,
            attention=attention or ("global",) * len(layers),
            window=window,
        )
        self.somewhere = nn.Parameter(torch.zeros(1))  # so that its device is known
        self.blocks = nn.ModuleList(
            _Block(_Attention(rules, self.config.window_of(layer), noise, d_head))
            for layer, rules in enumerate(layers)
        )

    def forward(self, tokens: Tensor) -> None:
        for block in self.blocks:
            block(tokens)


def random_words(n_words: int, seed: int = 0) -> list[str]:
    """Different words of three to six letters."""
    random = np.random.default_rng((seed, 0))
    words: dict[str, None] = {}
    while len(words) < n_words:
        words["".join(random.choice(LETTERS, size=random.integers(3, 7)))] = None
    return list(words)


def random_corpus(
    *,
    n_stories: int,
    shortest: int,
    longest: int,
    n_vocab: int = 281,
    n_ctx: int = 512,
    n_words: int = 40,
    seed: int = 0,
) -> Corpus:
    """Stories of ``shortest`` to ``longest`` random words, under a tokenizer trained on them."""
    random = np.random.default_rng((seed, 1))
    words = np.array(random_words(n_words, seed))
    stories = [
        " ".join(random.choice(words, size=random.integers(shortest, longest + 1)))
        for _ in range(n_stories)
    ]
    return corpus_of(stories, Tokenizer.train(stories, n_vocab), n_ctx)
