"""Arrays of the processor, each with a tensor on a device that stands in for it during a pass."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import torch
from torch import Tensor

from tinyinterp.processes import Processes


class Twins:
    """Put in front of a class of the processor: its arrays, by attribute, have twins on a device.

    What is gathered goes to :attr:`there`. The arrays hold it after :meth:`collect`, and what they
    were given in between is taken on by :meth:`put_back`.
    """

    there: dict[str, Tensor]

    def twin(self, names: tuple[str, ...], device: torch.device) -> None:
        """Give the arrays of these attributes twins."""
        self.there = {name: torch.from_numpy(array).to(device) for name, array in self._of(names)}

    def _of(self, names: tuple[str, ...] | Mapping[str, Tensor]) -> list[tuple[str, np.ndarray]]:
        return [(name, getattr(self, name)) for name in names]

    def collect(self) -> None:
        """Bring what lies on the device into the arrays."""
        for name, array in self._of(self.there):
            array[...] = self.there[name].cpu().numpy()

    def put_back(self) -> None:
        """Take what the arrays hold onto the device."""
        for name, array in self._of(self.there):
            self.there[name].copy_(torch.from_numpy(array))

    def merge(self, processes: Processes) -> None:
        """Take in what other processes gathered: by the class of the processor, in its arrays."""
        self.collect()
        inherited: Any = super()
        inherited.merge(processes)
        self.put_back()
