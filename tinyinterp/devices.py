"""Where a model computes: the processor, or a card that PyTorch can use.

The processor is what is used unless another device is named, so that a command gives the same bytes
on every machine. ``auto`` takes CUDA where there is any, else MPS, else the processor.

Products are in fp32, and TensorFloat-32 stays off unless torch was asked for it
(``torch.set_float32_matmul_precision("high")``, or ``TORCH_ALLOW_TF32_CUBLAS_OVERRIDE=1`` in the
environment). Nothing here turns on a lower precision.

Sums that must be exact are in fp64, which MPS does not have: what is gathered there is added up on
the processor.
"""

from __future__ import annotations

import copy
import re
from dataclasses import fields, is_dataclass, replace
from typing import Any, TypeVar, cast

import torch
from torch import nn

from tinyinterp.errors import SelectionError
from tinyinterp.processes import local_rank

T = TypeVar("T")
Module = TypeVar("Module", bound=nn.Module)

AUTO, CPU, CUDA, MPS = "auto", "cpu", "cuda", "mps"
FORMS = "auto, cpu, cuda, cuda:N or mps"
WITHOUT_FP64 = {MPS}  # kinds of devices


def choose_device(name: str, *, fp64: bool = False) -> torch.device:
    """The device of a name; of several processes each gets its own card for ``cuda`` and ``auto``.

    Args:
        name: ``auto``, ``cpu``, ``cuda``, ``cuda:N`` or ``mps``.
        fp64: whether the work cannot do without fp64; ``auto`` then passes over MPS.

    Raises:
        SelectionError: there is no such device, or it has no fp64.
    """
    if not re.fullmatch(r"auto|cpu|cuda(:\d+)?|mps", name):
        raise SelectionError(
            f"there is no device {name!r:.40}; expected {FORMS}: {_available()} can be used here"
        )
    if name == AUTO:
        name = _best(fp64=fp64)
    kind, _, number = name.partition(":")
    if kind == CPU:
        return torch.device(CPU)
    if kind == MPS:
        if not torch.backends.mps.is_available():
            raise SelectionError(_missing(name))
        if fp64:
            require_fp64(torch.device(MPS))
        return torch.device(MPS)
    count = torch.cuda.device_count() if torch.cuda.is_available() else 0
    index = int(number) if number else local_rank() % max(count, 1)
    if index >= count:
        raise SelectionError(_missing(name))
    return torch.device(CUDA, index)


def fp64_device(device: torch.device) -> torch.device:
    """Where numbers of a device are added up in fp64: there, or on the processor."""
    return torch.device(CPU) if device.type in WITHOUT_FP64 else device


def require_fp64(device: torch.device) -> None:
    """Refuse a device that cannot do what needs fp64 throughout.

    Raises:
        SelectionError: it has none.
    """
    if device.type in WITHOUT_FP64:
        raise SelectionError(
            f"{device} has no fp64, in which an account is computed; choose the device cpu or cuda"
        )


def on_the_cpu(module: Module) -> Module:
    """A module whose weights are on the processor: itself, or a copy."""
    if all(parameter.device.type == CPU for parameter in module.parameters()):
        return module
    return copy.deepcopy(module).cpu()


def moved(value: T, device: torch.device) -> T:
    """A tensor on a device; a list or dataclass with every tensor in it there."""
    found: Any = value
    if isinstance(found, torch.Tensor):
        return cast("T", found.to(device))
    if isinstance(found, list):
        return cast("T", [moved(each, device) for each in found])
    if is_dataclass(found) and not isinstance(found, type):
        there = {f.name: moved(getattr(found, f.name), device) for f in fields(found)}
        return cast("T", replace(found, **there))
    return value


def described(device: torch.device) -> str:
    """A device in words, with the precision of its products where that is not fp32."""
    if device.type != CUDA:
        return str(device)
    tf32 = torch.get_float32_matmul_precision() != "highest"
    precision = "; fp32 products in TensorFloat-32, as torch was asked" if tf32 else ""
    return f"{device} ({torch.cuda.get_device_name(device)}){precision}"


def device_note(device: torch.device) -> dict[str, str]:
    """What a table says of another device than the processor; nothing of that."""
    return {} if device.type == CPU else {"device": described(device)}


def _best(*, fp64: bool) -> str:
    if torch.cuda.is_available():
        return CUDA
    return MPS if torch.backends.mps.is_available() and not fp64 else CPU


def _available() -> str:
    count = torch.cuda.device_count() if torch.cuda.is_available() else 0
    names = [CPU, *(f"{CUDA}:{index}" for index in range(count))]
    names += [MPS] if torch.backends.mps.is_available() else []
    return ", ".join(names)


def _missing(name: str) -> str:
    return f"there is no device {name} here; give one of {AUTO}, {_available()}"
