"""Running lists of the largest and smallest activations, on a device.

Exact, as those of the compiled loops: of equal values the one with the smallest id comes first. A
value and the place of its row go into one whole number, larger for larger values and, of equals,
for earlier rows, so that no two are equal and the largest ``k`` are the same wherever they are
found. They are then merged with those known so far.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from jaxtyping import Float, Int
from torch import Tensor

from tinyinterp.neuron_census.activations import Rows
from tinyinterp.neuron_census.kernels import STORY_SHIFT
from tinyinterp.neuron_census.on_device.batch import BatchRows
from tinyinterp.neuron_census.on_device.twins import Twins
from tinyinterp.neuron_census.top_activations import UNFILLED, Extremes

ROW_BITS = 32
LAST_ROW = (1 << ROW_BITS) - 1
NONE = torch.iinfo(torch.int64).min  # smaller than any value's number


class ExtremesOnDevice(Twins, Extremes):
    """The lists of one layer."""

    def __init__(self, *settings: Any, batch: BatchRows, per_story: bool = False) -> None:
        super().__init__(*settings, per_story=per_story)
        self._batch = batch
        self.twin(("high", "high_ids", "negated_low", "low_ids"), batch.device)

    def collect(self) -> None:
        """Bring the lists into the arrays, with their last values."""
        super().collect()
        self.upper[...], self.lower[...] = self.high[:, -1], -self.negated_low[:, -1]

    def take(self, values: Float[Tensor, "row neuron"], rows: Rows) -> None:
        """Let these rows enter both lists."""
        batch = self._batch.at(rows)
        ids = batch.numbers("ids", rows.ids)
        starts = batch.once("sequences", lambda: _starts(rows, batch.device))
        for sign, name, id_name in ((1, "high", "high_ids"), (-1, "negated_low", "low_ids")):
            signed = (values * sign + 0.0).T.contiguous()  # no minus zero: it is equal to zero
            list_of, ids_of = self.there[name], self.there[id_name]
            found = _numbers(signed)
            if self.per_story:  # each sequence's best: several may be of one story, so all go on
                found = found[:, starts].masked_fill(starts < 0, NONE).amax(2)
            else:
                found = found.topk(min(list_of.shape[1], found.shape[1]), dim=1).values
            row = LAST_ROW - (found & LAST_ROW)
            list_of[...], ids_of[...] = _largest(
                torch.cat([list_of, signed.gather(1, row)], dim=1),
                torch.cat([ids_of, ids[row]], dim=1),
                list_of.shape[1],
                per_story=self.per_story,
            )


def _numbers(values: Float[Tensor, "neuron row"]) -> Int[Tensor, "neuron row"]:
    """A whole number for each, in the order of the values, of equals in that of the rows."""
    bits = values.view(torch.int32)  # floats below 0 sort the other way round as integers
    ordered = torch.where(bits < 0, bits ^ 0x7FFFFFFF, bits).long()
    place = LAST_ROW - torch.arange(values.shape[1], device=values.device)
    return (ordered << ROW_BITS) + place


def _starts(rows: Rows, device: torch.device) -> Int[Tensor, "sequence position"]:
    """The rows of each sequence, filled up with -1."""
    lengths = [len(sequence.tokens) - 1 for sequence in rows.sequences]
    places = np.full((len(lengths), max(lengths)), -1)
    first = 0
    for number, length in enumerate(lengths):
        places[number, :length] = np.arange(first, first + length)
        first += length
    return torch.from_numpy(places).to(device)


def _largest(
    values: Float[Tensor, "neuron entry"],
    ids: Int[Tensor, "neuron entry"],
    k: int,
    *,
    per_story: bool,
) -> tuple[Float[Tensor, "neuron k"], Int[Tensor, "neuron k"]]:
    """The ``k`` largest of each row, of equals the smallest id first, no token or story twice."""
    ids, order = ids.sort(dim=1, stable=True)
    values, order = values.gather(1, order).sort(dim=1, descending=True, stable=True)
    ids = ids.gather(1, order)
    same = ids >> STORY_SHIFT if per_story else ids
    names, by_name = same.sort(dim=1, stable=True)  # the first of each name is its largest
    again = torch.zeros_like(ids, dtype=torch.bool)
    again.scatter_(1, by_name[:, 1:], names[:, 1:] == names[:, :-1])
    again |= ids == UNFILLED
    first = again.int().argsort(dim=1, stable=True)[:, :k]  # keeps the order of the others
    values, ids, again = (part.gather(1, first) for part in (values, ids, again))
    return values.masked_fill(again, -torch.inf), ids.masked_fill(again, UNFILLED)
