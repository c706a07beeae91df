"""Sums of rows by a key, on a device: the same bytes at every run.

Adding rows at random places in memory is done in any order on a card, and sums in fp64 then differ
in their last digits from run to run. Here rows of one key lie one after the other, and each sum is
made in that order.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Float, Int
from torch import Tensor


@dataclass(frozen=True)
class Segments:
    """Rows, those of one key together."""

    rows: Int[Tensor, " row"]  # sorted by key
    keys: Int[Tensor, " key"]  # each once, ascending
    lengths: Int[Tensor, " key"]  # how many rows each has


def segments(
    keys: Int[np.ndarray, " row"], device: torch.device, rows: Int[np.ndarray, " row"] | None = None
) -> Segments:
    """Rows sorted by their keys.

    Args:
        keys: of each row.
        device: where they are needed.
        rows: which row each key is of; None: the first of the first, and so on.
    """
    order = keys.argsort(kind="stable")
    found, lengths = np.unique(keys, return_counts=True)
    sorted_rows = order if rows is None else rows[order]
    arrays = (np.ascontiguousarray(each, dtype=np.int64) for each in (sorted_rows, found, lengths))
    return Segments(*(torch.from_numpy(each).to(device) for each in arrays))


def add_by_key(
    sums: Float[Tensor, "all_keys neuron"],
    values: Float[Tensor, "all_rows neuron"],
    by: Segments,
) -> None:
    """Add the rows of each key to its sum, in fp64."""
    if not len(by.keys):
        return
    exact = values.index_select(0, by.rows).double()
    parts = torch.segment_reduce(exact, "sum", lengths=by.lengths, axis=0, unsafe=True)
    sums.index_add_(0, by.keys, parts)  # each key once, so in no order
