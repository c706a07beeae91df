"""The rows of a micro-batch as a device needs them, prepared once for all layers."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

import numpy as np
import torch
from jaxtyping import Int
from torch import Tensor

from tinyinterp.neuron_census.activations import Rows
from tinyinterp.neuron_census.on_device.segments import Segments, segments

T = TypeVar("T")


class BatchRows:
    """What has been prepared for the rows of the newest micro-batch, by name."""

    def __init__(self, device: torch.device) -> None:
        self.device = device
        self._rows: Rows | None = None
        self._prepared: dict[str, Any] = {}

    def at(self, rows: Rows) -> BatchRows:
        """Itself, without what was prepared for other rows."""
        if rows is not self._rows:
            self._rows, self._prepared = rows, {}
        return self

    def once(self, name: str, make: Callable[[], T]) -> T:
        """What ``make`` gives, made once for these rows."""
        if name not in self._prepared:
            self._prepared[name] = make()
        return self._prepared[name]

    def numbers(self, name: str, array: Int[np.ndarray, "*axes"]) -> Int[Tensor, "*axes"]:
        """Whole numbers on the device."""
        return self.once(name, lambda: _there(array, self.device))

    def by(self, name: str, keys: Int[np.ndarray, " row"]) -> Segments:
        """The rows by a key."""
        return self.once(f"by {name}", lambda: segments(keys, self.device))


def _there(array: Int[np.ndarray, "*axes"], device: torch.device) -> Int[Tensor, "*axes"]:
    return torch.from_numpy(np.ascontiguousarray(array, dtype=np.int64)).to(device)
