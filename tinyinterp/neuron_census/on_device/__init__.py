"""What gathers activations where they are: compiled loops on the processor, torch on a device.

A device's sums, counts and lists lie in its memory while a pass reads, so that no activation leaves
it; the arrays of the processor's classes, which these derive from, are filled when a pass is done
or its state is saved. Both give the same numbers, but for the rounding of sums in fp64.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import partial
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor

from tinyinterp.devices import fp64_device
from tinyinterp.neuron_census.activations import flat
from tinyinterp.neuron_census.correlation import TagSums
from tinyinterp.neuron_census.on_device.batch import BatchRows
from tinyinterp.neuron_census.on_device.extremes import ExtremesOnDevice
from tinyinterp.neuron_census.on_device.sums import (
    FittedOnDevice,
    HeldOutOnDevice,
    SampledOnDevice,
    TagSumsOnDevice,
)
from tinyinterp.neuron_census.on_device.twins import Twins
from tinyinterp.neuron_census.sample import SampledValues
from tinyinterp.neuron_census.sides import FittedSide, HeldOutSide
from tinyinterp.neuron_census.top_activations import Extremes


@dataclass(frozen=True)
class Gatherers:
    """The classes that gather, and how they take activations.

    Args:
        flat: turns what a hook saw into rows of activations.
    """

    flat: Callable[[Float[Tensor, "batch position neuron"]], Any]
    fitted: Callable[..., FittedSide]
    held_out: Callable[..., HeldOutSide]
    extremes: Callable[..., Extremes]
    sampled: Callable[..., SampledValues]
    tag_sums: Callable[..., TagSums]


ON_THE_CPU = Gatherers(
    flat=flat,
    fitted=FittedSide,
    held_out=HeldOutSide,
    extremes=Extremes,
    sampled=SampledValues,
    tag_sums=TagSums,
)


def gatherers(device: torch.device) -> Gatherers:
    """Those for a model on this device; the processor's where it has no fp64."""
    return ON_THE_CPU if fp64_device(device).type == "cpu" else on_device(device)


def on_device(device: torch.device) -> Gatherers:
    """Those of torch, on any device."""
    batch = BatchRows(device)
    return Gatherers(
        flat=lambda value: value.flatten(0, 1).float(),
        fitted=partial(FittedOnDevice, batch=batch),
        held_out=partial(HeldOutOnDevice, batch=batch),
        extremes=partial(ExtremesOnDevice, batch=batch),
        sampled=SampledOnDevice,
        tag_sums=partial(TagSumsOnDevice, batch=batch),
    )


def collect(parts: Iterable[object]) -> None:
    """Bring what lies on a device into the arrays of those that have any there."""
    for part in parts:
        if isinstance(part, Twins | SampledOnDevice):
            part.collect()


def put_back(parts: Iterable[object]) -> None:
    """Take what lies in the arrays onto the device of those that have one."""
    for part in parts:
        if isinstance(part, Twins):
            part.put_back()
