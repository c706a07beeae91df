"""How far back a head looks."""

from __future__ import annotations

import torch
from jaxtyping import Float
from torch import Tensor

from tinyinterp.head_census.patterns import CleanPattern
from tinyinterp.head_census.registry import HeadMeasure


def _mean_distance(pattern: CleanPattern) -> Float[Tensor, "batch head query"]:
    weights = pattern.weights
    position = torch.arange(weights.shape[-1], dtype=weights.dtype, device=weights.device)
    return position - pattern.weights @ position  # rows sum to 1


REACH = HeadMeasure(
    name="reach",
    about="The mean distance from a query to what it attends to, without the sink.",
    unit="tokens",
    formula="E sum_j A[i, j] (i - j)",
    of_queries=_mean_distance,
    known={"current token": 0.0, "previous token": 1.0},
)
