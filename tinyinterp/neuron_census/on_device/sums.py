"""Sums and counts over activations, on a device: what the compiled loops add up, in torch.

Activations come as a tensor ``[flat neuron]`` of the device.
"""

from __future__ import annotations

from typing import Any, cast

import numpy as np
import torch
from jaxtyping import Int
from torch import Tensor

from tinyinterp.io.rows_file import RowsFile
from tinyinterp.neuron_census.activations import Rows
from tinyinterp.neuron_census.correlation import TagSums
from tinyinterp.neuron_census.on_device.batch import BatchRows
from tinyinterp.neuron_census.on_device.extremes import ExtremesOnDevice
from tinyinterp.neuron_census.on_device.segments import add_by_key, segments
from tinyinterp.neuron_census.on_device.twins import Twins
from tinyinterp.neuron_census.sample import SampledValues
from tinyinterp.neuron_census.sides import FittedSide, HeldOutSide
from tinyinterp.neuron_census.top_activations import Extremes
from tinyinterp.processes import Processes

WAITING = 1024  # tokens of the sample whose activations are brought from the device together


class FittedOnDevice(Twins, FittedSide):
    """Sums over FIT by token type and by position."""

    def __init__(self, *settings: Any, batch: BatchRows) -> None:
        super().__init__(*settings)
        self._batch = batch
        self.twin(("_by_type", "_by_position"), batch.device)

    def add(
        self,
        values: Any,
        rows: Rows,
        types: Int[np.ndarray, " row"],
        extremes: Extremes,
    ) -> None:
        """See :class:`FittedSide`."""
        batch = self._batch.at(rows)
        x = values.index_select(0, batch.numbers("rows", rows.rows))
        add_by_key(self.there["_by_type"], x, batch.by("type", types))
        add_by_key(self.there["_by_position"], x, batch.by("position", rows.positions))
        cast("ExtremesOnDevice", extremes).take(x, rows)
        self._types += np.bincount(types, minlength=len(self._types))
        self._positions += np.bincount(rows.positions, minlength=len(self._positions))

    def set_aside(self, file: RowsFile) -> None:
        """See :class:`FittedSide`."""
        FittedSide.set_aside(self, file)
        self.there.pop("_by_type")


class HeldOutOnDevice(Twins, HeldOutSide):
    """Counts and moments on TEST."""

    def __init__(self, *settings: Any, batch: BatchRows) -> None:
        super().__init__(*settings)
        self._batch = batch
        counts = ("block_hits", "block_target_hits", "_type_hits", "_above_zero")
        self.twin((*counts, "_moments", "_level", "_by_position"), batch.device)

    def add(
        self,
        values: Any,
        rows: Rows,
        types: Int[np.ndarray, " row"],
        targets: Int[np.ndarray, "row three"],
        extremes: Extremes,
        *,
        listed: bool,
    ) -> None:
        """See :class:`HeldOutSide`."""
        there, batch = self.there, self._batch.at(rows)
        blocks, by_block = batch.numbers("blocks", rows.blocks), batch.by("block", rows.blocks)
        x = values.index_select(0, batch.numbers("rows", rows.rows))
        exact = x.double()
        predicted = there["_by_position"][batch.numbers("positions", rows.positions)]
        sums, squares, errors = there["_moments"]
        add_by_key(sums, exact, by_block)
        add_by_key(squares, exact.square(), by_block)
        add_by_key(errors, (exact - predicted.double()).square(), by_block)
        there["_above_zero"] += (x > 0).sum(0, dtype=torch.int32)
        hits = (x >= there["_level"]).int()  # whole numbers add up to the same in any order
        there["block_hits"].index_add_(0, blocks, hits)
        there["_type_hits"].index_add_(0, batch.numbers("types", types), hits)
        by_target = there["block_target_hits"].flatten(0, 1)
        row, target = batch.once("targets", lambda: self._targets(rows, targets))
        by_target.index_add_(0, target, hits.index_select(0, row))
        if listed:
            cast("ExtremesOnDevice", extremes).take(x, rows)

    def _targets(
        self, rows: Rows, targets: Int[np.ndarray, "row three"]
    ) -> tuple[Int[Tensor, " pair"], Int[Tensor, " pair"]]:
        """Each row with each of its targets, numbered over the blocks."""
        row, side = np.nonzero(targets >= 0)
        number = rows.blocks[row] * self.block_target_hits.shape[1] + targets[row, side]
        device = self._batch.device
        return torch.from_numpy(row).to(device), torch.from_numpy(number).to(device)


class TagSumsOnDevice(Twins, TagSums):
    """Sums of scored TEST tokens by block and target."""

    def __init__(self, *settings: Any, batch: BatchRows) -> None:
        super().__init__(*settings)
        self._batch = batch
        self.twin(("sums", "squares"), batch.device)

    def add(
        self,
        values: Any,
        rows: Rows,
        targets: Int[np.ndarray, "row three"],
    ) -> None:
        """See :class:`TagSums`."""
        batch, n_targets = self._batch.at(rows), self.all_targets.n
        scored = targets[:, 0] >= 0
        row, side = np.nonzero((targets >= 0) & scored[:, None])
        pairs = rows.blocks[row], targets[row, side]
        np.add.at(self.counts, pairs, 1)
        kept = rows.rows[scored]
        by_block = batch.once(
            "scored by block", lambda: segments(rows.blocks[scored], batch.device, kept)
        )
        by_pair = batch.once(
            "scored by target",
            lambda: segments(pairs[0] * n_targets + pairs[1], batch.device, rows.rows[row]),
        )
        add_by_key(self.there["squares"], values.double().square(), by_block)
        add_by_key(self.there["sums"].flatten(0, 1), values, by_pair)


class SampledOnDevice(SampledValues):
    """The activations of one layer at the tokens drawn: a few micro-batches wait on the device."""

    def __init__(self, file: RowsFile) -> None:
        super().__init__(file)
        self._waiting: list[Tensor] = []

    def add(self, values: Any, drawn: Int[np.ndarray, " chosen"]) -> None:
        """See :class:`SampledValues`."""
        self._waiting.append(values[torch.from_numpy(drawn).to(values.device)])
        if sum(map(len, self._waiting)) >= WAITING:
            self.collect()

    def collect(self) -> None:
        """Bring those that wait on the device into the file."""
        if self._waiting:
            self._file.append(torch.cat(self._waiting).cpu().numpy())
            self._waiting.clear()

    def merge(self, processes: Processes, owner: int) -> None:
        """See :class:`SampledValues`."""
        self.collect()
        super().merge(processes, owner)
