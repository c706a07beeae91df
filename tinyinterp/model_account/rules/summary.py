"""The rules of a layer in a few numbers."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from statistics import median

from tinyinterp.model_account.rules.find import NeuronRules

BETTER = 0.05  # F1 by which rules must exceed single tokens to count as better


@dataclass(frozen=True)
class LayerOfRules:
    """The rules of the neurons of a layer that have a hit on TEST; None where there are none."""

    layer: int
    n_scored: int
    median_f1: float | None
    median_token_f1: float | None
    better_share: float | None  # neurons whose rules exceed single tokens by .05 or more


def summarize_rules(layer: int, found: Iterable[NeuronRules]) -> LayerOfRules:
    """Summarise the rules of a layer."""
    pairs = [(r.f1, r.token_f1) for r in found if r.f1 is not None and r.token_f1 is not None]
    if not pairs:
        return LayerOfRules(layer, 0, None, None, None)
    return LayerOfRules(
        layer,
        len(pairs),
        median(f1 for f1, _ in pairs),
        median(token_f1 for _, token_f1 in pairs),
        sum(f1 >= token_f1 + BETTER for f1, token_f1 in pairs) / len(pairs),
    )
