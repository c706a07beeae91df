"""Linear layers with their weights in the order that the processor reads fastest.

On a CPU, PyTorch leaves fp32 products to MKL, which uses half of the width of the vector units of
an AMD processor. oneDNN, which comes with PyTorch as well, uses all of it, most of all when the
weights were put in its own order beforehand: here 2.3 times the products in a second. The sums are
taken in another order, so results differ in the last digits.

A packed copy knows nothing of later changes to the weights, so it lives no longer than a pass does.
"""

from __future__ import annotations

import platform
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional as F

ROWS = 2048  # positions at a time that the order of the weights is chosen for; any number works
MULTIPLE = 128  # rows are filled up to one: a kernel for each number of rows takes 0.5 MB


@contextmanager
def packed(engine: nn.Module) -> Iterator[None]:
    """Let the linear layers of ``engine`` use packed weights until the context ends.

    Nothing is packed, and nothing goes wrong, where there is nothing to win: off the CPU, in other
    than fp32, in training, on processors that PyTorch has no such product for. A context within
    another one does nothing.
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
        and hasattr(torch.ops.mkldnn, "_linear_pointwise")
    )


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
