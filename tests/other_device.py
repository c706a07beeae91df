"""A device that is none: its tensors lie in the processor's memory, and know that they must not.

What is computed is computed, by the same code, so that whole tables can be compared; but a tensor
of the device meets none of the processor's, numpy cannot read it, and only what is asked for by
name comes back (``.cpu()``, ``.tolist()``, ``.item()``). So whoever forgets to move a tensor fails
here as on a card.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache, partial
from typing import Any, Self
from unittest import mock

import torch
from torch import Tensor
from torch.utils import backend_registration
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_flatten, tree_map

DEVICE = torch.device("privateuseone", 0)  # which torch keeps for devices of others
MOVES = {"copy_", "_to_copy", "to"}  # what may take tensors of both


class MismatchError(Exception):
    """Tensors of two devices met."""


class OnDevice(torch.Tensor):
    """A tensor of the device."""

    held: Tensor

    @staticmethod
    def __new__(cls, held: Tensor) -> Self:
        return torch.Tensor._make_wrapper_subclass(
            cls,
            held.size(),
            strides=held.stride(),
            storage_offset=held.storage_offset(),
            dtype=held.dtype,
            layout=held.layout,
            device=DEVICE,
        )

    def __init__(self, held: Tensor) -> None:
        self.held = held

    def __repr__(self) -> str:
        return f"OnDevice({self.held!r})"

    def tolist(self) -> Any:
        return self.held.tolist()

    @classmethod
    def __torch_dispatch__(cls, func: Any, _types: Any, args: Any = (), kwargs: Any = None) -> Any:
        return _compute(func, args, kwargs or {})


class _Everywhere(TorchDispatchMode):
    """Also what takes no tensor, such as ``arange``, may be asked for on the device."""

    def __torch_dispatch__(self, func: Any, _types: Any, args: Any = (), kwargs: Any = None) -> Any:
        return _compute(func, args, kwargs or {})


@contextmanager
def other_device(*, fp64: bool = True) -> Iterator[torch.device]:
    """Let tensors be made on, and moved to, the device.

    Args:
        fp64: whether it has 64-bit floats.
    """
    _announce()
    _has["fp64"] = fp64
    # torch.tensor moves what it made out of the mode's sight
    with mock.patch.object(torch, "tensor", _tensor), _Everywhere():
        yield DEVICE


_from_data = torch.tensor
_has = {"fp64": True}


def _tensor(data: Any, *, device: Any = None, **settings: Any) -> Tensor:
    made = _from_data(data, **settings)
    return made if device is None else made.to(device)


@cache
def _announce() -> None:
    """Tell torch, once in a process, that there is such a device and that nothing need be done."""
    backend_registration._setup_privateuseone_for_python_backend("elsewhere")


def _compute(func: Any, args: Any, kwargs: dict[str, Any]) -> Any:
    leaves = tree_flatten((args, kwargs))[0]
    given = [x for x in leaves if isinstance(x, Tensor)]
    name = func.overloadpacket.__name__
    if name not in MOVES:
        _refuse_both(func, given)
    there = any(isinstance(x, OnDevice) for x in given)
    for wanted in (x for x in leaves if isinstance(x, torch.device)):
        there = wanted.type == DEVICE.type
    if name == "copy_":
        there = isinstance(args[0], OnDevice)
    args, kwargs = tree_map(_off_device, (args, kwargs))
    out = func(*tree_map(_held, args), **tree_map(_held, kwargs))
    return tree_map(partial(_wrapped, func, given), out) if there else out


def _refuse_both(func: Any, given: list[Tensor]) -> None:
    if any(isinstance(x, OnDevice) for x in given):
        for x in given:
            if not isinstance(x, OnDevice) and x.dim():  # a plain number may be on the processor
                raise MismatchError(f"{func}: a tensor {list(x.shape)} is not on the device")


def _wrapped(func: Any, given: list[Tensor], x: Any) -> Any:
    if not isinstance(x, Tensor) or isinstance(x, OnDevice):
        return x
    for known in given:
        if isinstance(known, OnDevice) and known.held is x:  # what was changed stays the same
            return known
    if x.dtype == torch.float64 and not _has["fp64"]:
        raise MismatchError(f"{func} gave fp64, which this device does not have")
    with torch.inference_mode(mode=False):  # a view of a weight is none of inference's
        return OnDevice(x)


def _off_device(x: Any) -> Any:
    return torch.device("cpu") if isinstance(x, torch.device) and x.type == DEVICE.type else x


def _held(x: Any) -> Any:
    return x.held if isinstance(x, OnDevice) else x
