"""What every head measure starts from: patterns without their sink.

``A[i, j]`` is the attention of query ``i`` to key ``j``. Most heads park what they do not need on
key 0; before anything but the sink itself is measured, column 0 is dropped, rows are renormalised
over the keys that are left, and queries before the third are left out.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

FIRST_QUERY = 2  # earlier rows have fewer than two keys beside key 0
LEAST_LEFT = 0.01  # rows with less attention than this outside of key 0 say nothing


@dataclass(frozen=True)
class CleanPattern:
    """Patterns whose rows sum to 1 over the keys after key 0; rows that do not count are zero."""

    weights: Float[Tensor, "batch head query key"]
    rows: Bool[Tensor, "batch head query"]  # which rows count


def number_of_keys(n_positions: int, window: int | None) -> Int[Tensor, " query"]:
    """Keys after key 0 that each query may see, itself included; 0 for queries left out."""
    query = torch.arange(n_positions)
    keys = query if window is None else query.clamp(max=window)
    return keys.where(query >= FIRST_QUERY, 0)


def without_sink(
    pattern: Float[Tensor, "batch head query key"], lengths: list[int]
) -> CleanPattern:
    """Drop key 0 and padding, renormalise, and say which rows count."""
    n_positions = pattern.shape[-1]
    query = torch.arange(n_positions)
    inside = (query[None, :] < torch.tensor(lengths)[:, None]) & (query >= FIRST_QUERY)
    weights = pattern.clone()
    weights[..., 0] = 0
    left = weights.sum(dim=-1)
    rows = (left >= LEAST_LEFT) & inside[:, None, :]
    weights.div_(left.clamp_min(LEAST_LEFT)[..., None]).mul_(rows[..., None])
    return CleanPattern(weights, rows)
