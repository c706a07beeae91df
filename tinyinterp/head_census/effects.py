"""What the causal interventions show: how much of a head's work position alone can do.

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
from tinyinterp.statistics import block_bootstrap

HALF = 0.5  # of a head's effect on the loss
LEAST_RISE = 1e-6  # nats per token; a smaller effect of ablation is taken as this much


@dataclass(frozen=True)
class Effects:
    """Each with its interval, ``[value low high, layer, head]``; NaN where not measured."""

    ablation: Float[np.ndarray, "3 layer head"]  # nats per token
    surrogate: Float[np.ndarray, "3 layer head"]
    kept: Float[np.ndarray, "3 layer head"]

    def columns(self, at: tuple[int, int], kind: str) -> dict[str, float | str]:
        """The columns of a head of this kind."""
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
        unmeasured = np.full((3, *shape), np.nan)
        return Effects(unmeasured, unmeasured, unmeasured)
    sums = rises.ablation, rises.surrogate, rises.tokens
    (point,) = _effects(*(values.sum(axis=0)[None] for values in sums))
    low, high = block_bootstrap(_effects, *sums, seed=(seed, 3))
    ablation, surrogate, kept = np.stack([point, low, high], axis=1)
    has_effect = ablation[1] > 0  # without one there is nothing to keep a share of
    return Effects(ablation, surrogate, np.where(has_effect, kept, np.nan))


def _effects(
    ablation: Float[np.ndarray, "replicate layer head"],
    surrogate: Float[np.ndarray, "replicate layer head"],
    tokens: Float[np.ndarray, " replicate"],
) -> Float[np.ndarray, "replicate 3 layer head"]:
    """Both rises in nats per token, and ``1 - surrogate / ablation``.

    That share is kept within -1 (worse than the mean) and 1 (all).
    """
    ablation, surrogate = (rise / tokens[:, None, None] for rise in (ablation, surrogate))
    kept = np.clip(1 - surrogate / np.maximum(ablation, LEAST_RISE), -1, 1)
    return np.stack([ablation, surrogate, kept], axis=1)


def causal_check(kind: str, low: float, high: float) -> str:
    """What the interventions say about a kind: "agrees", "contradicts", or "" for nothing.

    They never change it. Of a positional head's effect on the loss position alone should keep more
    than half, of a semantic head's less than half, each with the whole 95 % interval on that side.
    """
    more, less = low > HALF, high < HALF
    if kind == "positional" and (more or less):
        return "agrees" if more else "contradicts"
    if kind == "semantic" and (more or less):
        return "agrees" if less else "contradicts"
    return ""
