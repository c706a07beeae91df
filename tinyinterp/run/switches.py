"""Switching heads and neurons off: what is put in their place, as hooks."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import Protocol, runtime_checkable

import torch
from jaxtyping import Int
from torch import Tensor

from tinyinterp.run.components import Component, Head, Neuron
from tinyinterp.scan import Hook

Z, POST = "attn.hook_z", "mlp.hook_post"


@runtime_checkable
class Instead(Protocol):
    """What takes the place of what is switched off: a mean, zero, or a surrogate."""

    def hooks(
        self, off: Sequence[Component], tokens: Int[Tensor, "batch position"]
    ) -> Mapping[str, Hook]:
        """A function for each hook name that is changed, from the tensor there to a new one."""
        ...


class Zeros:
    """Zero in place of a head's output or a neuron's activation."""

    def hooks(
        self, off: Sequence[Component], tokens: Int[Tensor, "batch position"]
    ) -> Mapping[str, Hook]:
        """See :class:`Instead`."""
        del tokens  # the same wherever it is put
        by_layer = {Z: heads_by_layer(off), POST: neurons_by_layer(off)}
        return {
            f"blocks.{layer}.{name}": put_in(numbers, 0.0)
            for name, layers in by_layer.items()
            for layer, numbers in layers.items()
        }


def put_in(numbers: Sequence[int], value: Tensor | float) -> Hook:
    """A hook that puts ``value`` at some indices of axis 2: heads of z, neurons of activations."""
    at = list(numbers)

    def changed(given: Tensor) -> Tensor:
        new = given.clone()
        new[:, :, torch.tensor(at, device=given.device)] = (
            value.to(given) if isinstance(value, Tensor) else value
        )
        return new

    return changed


def heads_by_layer(off: Iterable[Component]) -> dict[int, list[int]]:
    """The numbers of the heads among ``off``, by layer."""
    found: defaultdict[int, list[int]] = defaultdict(list)
    for each in off:
        if isinstance(each, Head):
            found[each.layer].append(each.head)
    return dict(found)


def neurons_by_layer(off: Iterable[Component]) -> dict[int, list[int]]:
    """The numbers of the neurons among ``off``, by layer."""
    found: defaultdict[int, list[int]] = defaultdict(list)
    for each in off:
        if isinstance(each, Neuron):
            found[each.layer].append(each.neuron)
    return dict(found)
