"""What the causal interventions come to: how much of a head's work position alone can do.

``position_keeps`` is ``1 - surrogate / ablation``, the share of what the loss rises by under mean
ablation that is saved where the head attends by its positional surrogate. A positional head loses
little under its surrogate and something under the mean, so position keeps most of it; of a semantic
head it keeps little. Both rises come from the same sequences, so the interval is paired.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

from tinyinterp.head_census.causal import LossRises
from tinyinterp.head_census.estimates import NOTHING, draws, interval

MOST = 0.5  # of a head's effect on the loss


@dataclass(frozen=True)
class Effects:
    """Each with its interval, ``[value low high, layer, head]``; nan where not measured."""

    ablation: Float[np.ndarray, "3 layer head"]  # nats per token
    surrogate: Float[np.ndarray, "3 layer head"]
    kept: Float[np.ndarray, "3 layer head"]

    def columns(self, at: tuple[int, int], kind: str) -> dict[str, float | str]:
        """The columns of a head that is called ``kind``."""
        named = {
            ("ablation_loss_increase", "ablation_low", "ablation_high"): self.ablation,
            ("surrogate_loss_increase", "surrogate_low", "surrogate_high"): self.surrogate,
            ("position_keeps", "position_keeps_low", "position_keeps_high"): self.kept,
        }
        numbers = {
            name: float(value)
            for names, values in named.items()
            for name, value in zip(names, values[:, *at], strict=True)
        }
        _, low, high = self.kept[:, *at]
        return {**numbers, "causal_check": causal_check(kind, float(low), float(high))}


def effects_of(rises: LossRises | None, seed: int, shape: tuple[int, ...]) -> Effects:
    """Mean rises in loss, and the share of a head's effect that its surrogate keeps, paired."""
    if rises is None:
        nothing = np.full((3, *shape), np.nan)
        return Effects(nothing, nothing, nothing)
    weights = draws(rises.tokens > 0, np.random.default_rng((seed, 3)))
    tokens, total = (weights @ rises.tokens)[:, None, None], rises.tokens.sum()
    found, replicates = [], []
    for values in (rises.ablation, rises.surrogate):
        replicates.append(np.einsum("rb,blh->rlh", weights, values) / tokens)
        found.append(np.stack([values.sum(axis=0) / total, *interval(replicates[-1])]))
    ablation, surrogate = found
    kept = _kept(ablation[0], surrogate[0])
    between = interval(_kept(*replicates))
    matters = ablation[1] > 0  # of a head that does nothing for the loss no share can be told
    kept = np.where(matters, np.stack([kept, *between]), np.nan)
    return Effects(ablation, surrogate, kept)


def _kept(
    ablation: Float[np.ndarray, "*shape"], surrogate: Float[np.ndarray, "*shape"]
) -> Float[np.ndarray, "*shape"]:
    """``1 - surrogate / ablation``, kept within -1 (worse than the mean) and 1 (all)."""
    return np.clip(1 - surrogate / np.maximum(ablation, NOTHING), -1, 1)


def causal_check(kind: str, low: float, high: float) -> str:
    """What the interventions say of a kind: "agrees", "contradicts", or "" for nothing.

    They never change it. Position alone should surely keep more than half of what a positional
    head does for the loss, and surely less than half of what a semantic head does.
    """
    more, less = low > MOST, high < MOST
    if kind == "positional" and (more or less):
        return "agrees" if more else "contradicts"
    if kind == "semantic" and (more or less):
        return "agrees" if less else "contradicts"
    return ""
