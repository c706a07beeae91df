"""Linear layers with their weights in the order that the processor reads fastest.

On a CPU, PyTorch leaves fp32 products to MKL, which uses half of the width of the vector units of
an AMD processor. oneDNN, which PyTorch also ships, uses all of it, best when the weights were put
into its own order beforehand: 2.3 times as many products a second on an EPYC without AMX. On an
Intel Xeon with AMX, MKL's products are 1.2 times as fast as packed ones, so nothing is packed on
Intel's. Sums are taken in another order, so results differ in the last digits.

A packed copy does not follow later changes to the weights, so it lives no longer than a pass does.
"""

from __future__ import annotations

import platform
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional as F

ROWS = 2048  # positions at a time that the order of the weights is chosen for; any number works
MULTIPLE = 128  # rows are filled up to one: a kernel for each number of rows takes 0.5 MB


@contextmanager
def packed(engine: nn.Module) -> Iterator[None]:
    """Let the linear layers of ``engine`` use packed weights until the context ends.

    Nothing is packed, and nothing fails, where there is nothing to gain: off the CPU, in another
    precision than fp32, in training, or where PyTorch has no such product. A context within another
    one does nothing.
    """
    linear = (module for module in engine.modules() if isinstance(module, nn.Linear))
    layers = [layer for layer in linear if _can_be_packed(layer)]
    try:
        for layer in layers:
            layer.__dict__["forward"] = _packed_product(layer)
        yield
    finally:
        for layer in layers:
            layer.__dict__.pop("forward", None)


def _can_be_packed(layer: nn.Linear) -> bool:
    return (
        type(layer) is nn.Linear  # what is derived from it may compute something else
        and not layer.training
        and "forward" not in layer.__dict__
        and layer.weight.dtype == torch.float32
        and layer.weight.device.type == "cpu"
        and _is_supported()
    )


def _is_supported() -> bool:
    return (
        torch.backends.mkldnn.is_available()
        and platform.machine() in {"x86_64", "AMD64"}
        and not _is_intel()
        and _operators_work()
    )


@cache
def _is_intel() -> bool:
    """Whether MKL runs on its maker's processor, where it uses all of it."""
    try:
        about = Path("/proc/cpuinfo").read_text("ascii", "replace")
    except OSError:
        about = platform.processor()
    return "GenuineIntel" in about


@cache
def _operators_work() -> bool:
    """Whether PyTorch's two operators, which are not public, are there and compute the product."""
    with torch.no_grad():
        layer = nn.Linear(3, 2, device="meta").to_empty(device="cpu")  # draws nothing
        layer.weight.copy_(torch.tensor([[1.0, 2.0, -3.0], [5.0, -7.0, 11.0]]))
        layer.bias.copy_(torch.tensor([13.0, -17.0]))
        x = torch.tensor([[1.0, -2.0, 3.0]])
        try:
            found = _packed_product(layer)(x)
        except (AttributeError, RuntimeError, TypeError):  # gone, or with other arguments
            return False
        return found.shape == (1, 2) and torch.allclose(found, layer(x), rtol=1e-4, atol=1e-5)


def _packed_product(
    layer: nn.Linear,
) -> Callable[[Float[Tensor, "*batch n_in"]], Float[Tensor, "*batch n_out"]]:
    """The product as ``torch.compile`` does it once weights are frozen."""
    with torch.no_grad():
        weight = torch.ops.mkldnn._reorder_linear_weight(layer.weight.detach(), ROWS)  # noqa: SLF001
    product = torch.ops.mkldnn._linear_pointwise  # noqa: SLF001

    def forward(x: Float[Tensor, "*batch n_in"]) -> Float[Tensor, "*batch n_out"]:
        rows = x.reshape(-1, x.shape[-1])
        filled = F.pad(rows, (0, 0, 0, -len(rows) % MULTIPLE))
        y = product(filled, weight, layer.bias, "none", [], "")
        return y[: len(rows)].view(*x.shape[:-1], y.shape[-1])

    return forward
