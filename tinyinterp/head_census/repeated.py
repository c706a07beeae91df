"""Induction and duplicate-token scores, on random tokens that are repeated once.

A sequence is the start token (end-of-text for most models; a random token for those without one), L
different random tokens, the same L tokens again (Olsson et al. 2022). In the second half an
*induction head* looks from each token to the one after its earlier occurrence, a *duplicate-token
head* to the earlier occurrence itself. Nothing but the repetition is predictable there, so the raw
attention is the score.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Float, Int
from torch import Tensor, nn

from tinyinterp.head_census.patterns import layer_of, pattern_hook
from tinyinterp.network.config import DecoderConfig
from tinyinterp.scan import scan
from tinyinterp.text.sequences import MicroBatch, Sequence, Side

SHORTEST, LONGEST = 30, 60  # tokens that are repeated
N_LENGTHS = 8  # micro-batches, one length each
N_EACH = 4  # sequences a micro-batch


@dataclass(frozen=True)
class Repeated:
    """What every head does on each sequence."""

    induction: Float[np.ndarray, "sequence layer head"]  # I
    duplicate: Float[np.ndarray, "sequence layer head"]  # D

    @classmethod
    def unread(cls, config: DecoderConfig) -> Repeated:
        """Where nobody asks: one sequence of which nothing is known."""
        nothing = np.full((1, config.n_layers, config.n_heads), np.nan)
        return cls(nothing, nothing)


def read_repeated(
    engine: nn.Module, config: DecoderConfig, start: int | None, seed: int
) -> Repeated:
    """Read the sequences of :func:`repeated_batches`."""
    found = RepeatedAccumulator(config)
    scan(engine, repeated_batches(config, start, seed), [found])
    return Repeated(found.induction(), found.duplicate())


def repeated_batches(config: DecoderConfig, start: int | None, seed: int) -> list[MicroBatch]:
    """Micro-batches of repeated random tokens; shorter where the context is.

    Args:
        config: of the model.
        start: the token in front; None: a random one, which is then a sink like any first token.
        seed: of the draws.
    """
    random = np.random.default_rng((seed, 1))
    longest = min(LONGEST, (config.n_ctx - 1) // 2)
    shortest = min(SHORTEST, longest)
    candidates = np.array([t for t in range(config.n_vocab) if t != start])
    batches = []
    for number in range(N_LENGTHS):
        length = int(random.integers(shortest, longest + 1))
        enough = length <= len(candidates)
        once = np.stack(
            [random.choice(candidates, length, replace=not enough) for _ in range(N_EACH)]
        )
        if start is None:
            first = random.choice(candidates, (N_EACH, 1))
        else:
            first = np.full((N_EACH, 1), start)
        rows: Int[np.ndarray, "batch position"] = np.concatenate([first, once, once], axis=1)
        sequences = tuple(
            Sequence(row, np.zeros((len(row), 2), dtype=np.int64), "", number, Side.TEST, number)
            for row in rows
        )
        batches.append(MicroBatch(sequences, torch.from_numpy(rows)))
    return batches


class RepeatedAccumulator:
    """Mean raw attention to the earlier occurrence and to the token after it, by sequence."""

    def __init__(self, config: DecoderConfig) -> None:
        self.config = config
        self._duplicate: dict[int, list[Tensor]] = {}
        self._induction: dict[int, list[Tensor]] = {}

    def hook_names(self) -> Iterable[str]:
        return [pattern_hook(layer) for layer in range(self.config.n_layers)]

    def observe(self, batch: MicroBatch, name: str, value: Tensor) -> None:  # noqa: ARG002
        layer = layer_of(name)
        period = (value.shape[-1] - 1) // 2
        query = torch.arange(period + 1, 2 * period + 1, device=value.device)
        for held, key in (
            (self._duplicate, query - period), (self._induction, query - period + 1),
        ):  # fmt: skip
            held.setdefault(layer, []).append(value[..., query, key].mean(-1).cpu())

    def induction(self) -> Float[np.ndarray, "sequence layer head"]:
        """I of every sequence."""
        return self._stacked(self._induction)

    def duplicate(self) -> Float[np.ndarray, "sequence layer head"]:
        """D of every sequence."""
        return self._stacked(self._duplicate)

    def _stacked(self, held: dict[int, list[Tensor]]) -> Float[np.ndarray, "sequence layer head"]:
        layers = [torch.cat(held[layer]) for layer in range(self.config.n_layers)]
        return torch.stack(layers, dim=1).double().numpy()
