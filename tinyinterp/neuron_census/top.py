"""The largest activations of every neuron over a whole text, streamed and exact."""

from __future__ import annotations

import numpy as np
import torch
from jaxtyping import Float, Int
from torch import Tensor

NOWHERE = torch.iinfo(torch.int64).max  # the id of a place in the list that nothing has filled


class TopActivations:
    """A running list of the ``k`` largest values of each neuron, with where they stood.

    Equal to sorting everything, whatever comes in which order or grouping: of equal values the one
    with the smallest id comes first. It starts at minus infinity, not at 0, so that a neuron that
    is never above zero has its list too.
    """

    def __init__(self, n_neurons: int, k: int) -> None:
        self.values: Float[Tensor, "neuron k"] = torch.full((n_neurons, k), -torch.inf)
        self.ids: Int[Tensor, "neuron k"] = torch.full((n_neurons, k), NOWHERE, dtype=torch.int64)

    def add(self, values: Float[Tensor, "row neuron"], ids: Int[np.ndarray, " row"]) -> None:
        """Take in more rows; no id may come twice."""
        if not len(ids):
            return
        may_enter = (values.amax(dim=0) >= self.values[:, -1]).nonzero()[:, 0]
        k = self.values.shape[1]
        best, where = _largest(values[:, may_enter].T.contiguous(), torch.from_numpy(ids), k)
        merged = torch.cat([self.values[may_enter], best], dim=1)
        merged_ids = torch.cat([self.ids[may_enter], where], dim=1)
        by_id = merged_ids.argsort(dim=1)
        merged, merged_ids = merged.gather(1, by_id), merged_ids.gather(1, by_id)
        by_value = merged.argsort(dim=1, descending=True, stable=True)[:, :k]
        self.values[may_enter] = merged.gather(1, by_value)
        self.ids[may_enter] = merged_ids.gather(1, by_value)


def _largest(
    values: Float[Tensor, "neuron row"], ids: Int[Tensor, " row"], k: int
) -> tuple[Float[Tensor, "neuron best"], Int[Tensor, "neuron best"]]:
    """The ``k`` largest of each neuron, or all if there are fewer, with their ids.

    ``topk`` takes any of equal values; where that leaves a choice, the neuron is sorted.
    """
    k = min(k, values.shape[1])
    best, where = values.topk(k, dim=1)
    chosen = ids[where]
    tied = ((values >= best[:, -1:]).sum(dim=1) > k).nonzero()[:, 0]
    if len(tied):
        order = ids.argsort()
        ranked, index = values[tied][:, order].sort(dim=1, descending=True, stable=True)
        best[tied] = ranked[:, :k]
        chosen[tied] = ids[order][index[:, :k]]
    return best, chosen
