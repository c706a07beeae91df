"""Linear layers with their weights in the order that the processor reads fastest.

On a CPU, PyTorch leaves fp32 products to MKL, which uses half of the width of the vector units of
an AMD processor. oneDNN, which PyTorch also ships, uses all of it, best when the weights were put
into its own order beforehand: 2.3 times as many products a second on an EPYC without AMX. On an
Intel Xeon with AMX, MKL's products are 1.2 times as fast as packed ones.

So both are timed when a model is first run, on the shape of layer where it spends most; a process
measures a shape once, in a few hundredths of a second. Sums are taken in another order, so results
differ in the last digits, and chance must not decide: weights are packed only if that is faster by
a clear margin, and what counts is the processor time of one thread. By the clock and with all
threads, beside other programs the same two products were found .2 to 12 times as fast as each other
within a minute; one thread's time differed by a fifth. ``TINYINTERP_PACKED=1`` or ``0`` in the
environment decides beforehand, for processes or machines that must agree to the last digit. With
``--debug`` a command says what it found.

A packed copy does not follow later changes to the weights, so it lives no longer than a pass does.
"""

from __future__ import annotations

import logging
import os
import platform
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cache
from statistics import median

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional as F

from tinyinterp.errors import ConfigError

ROWS = 2048  # positions at a time that the order of the weights is chosen for; any number works
MULTIPLE = 128  # rows are filled up to one: a kernel for each number of rows takes 0.5 MB
DECIDES = "TINYINTERP_PACKED"  # in the environment: 1 or 0; measured where it is not set
CLEARLY = 1.3  # times as fast packed products must be; equal ones were found up to 1.1 times so
TIMED = 7  # products of each sort, in turn; the median counts
WORK = 1 << 27  # multiplications of a product that is timed, if it has rows enough
LEAST = 1 << 14  # weights; in a smaller layer there is nothing to gain

_log = logging.getLogger(__name__)


@contextmanager
def packed(engine: nn.Module) -> Iterator[None]:
    """Let the linear layers of ``engine`` use packed weights until the context ends.

    Nothing is packed, and nothing fails, where there is nothing to gain: off the CPU, in another
    precision than fp32, in training, where PyTorch has no such product, or where that is slower. A
    context within another one does nothing.

    Raises:
        ConfigError: ``TINYINTERP_PACKED`` is neither 1 nor 0.
    """
    linear = (module for module in engine.modules() if isinstance(module, nn.Linear))
    layers = [layer for layer in linear if _can_be_packed(layer)]
    if layers and not _is_faster(layers):
        layers = []
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
        and _operators_work()
    )


def _is_faster(layers: list[nn.Linear]) -> bool:
    """As the environment says; otherwise as measured where these layers take longest."""
    decided = os.environ.get(DECIDES, "").strip()
    if decided:
        if decided not in {"0", "1"}:
            raise ConfigError(f"{DECIDES} is {decided!r:.20}; expected 1 or 0, or nothing")
        return decided == "1"
    shapes = Counter((layer.in_features, layer.out_features) for layer in layers)
    several = {shape: n for shape, n in shapes.items() if n > 1} or shapes  # an output head is one
    shape = max(several, key=lambda shape: (several[shape] * shape[0] * shape[1], shape))
    if shape[0] * shape[1] < LEAST:
        return False
    return _gain(*shape) > CLEARLY


@cache
def _gain(n_in: int, n_out: int) -> float:
    """How many times as fast a packed product of this shape is."""
    rows = max(MULTIPLE, min(ROWS, WORK // (n_in * n_out)) // MULTIPLE * MULTIPLE)
    with torch.inference_mode(), _one_thread():
        layer = _layer_of(torch.zeros(n_out, n_in), torch.zeros(n_out))
        x = torch.zeros(rows, n_in)
        products = {"plain": layer, "packed": _packed_product(layer)}
        for product in products.values():  # warms up
            product(x)
        taken: dict[str, list[float]] = {name: [] for name in products}
        for _ in range(TIMED):
            for name, product in products.items():
                began = time.thread_time()
                product(x)
                taken[name].append(time.thread_time() - began)
    gain = median(taken["plain"]) / max(median(taken["packed"]), 1e-9)  # clocks may be coarse
    _log.debug(
        "products of %d by %d weights: packed ones are %.2f times as fast, so weights are %s "
        "(from %.2f on)",
        *(n_in, n_out, gain, "packed" if gain > CLEARLY else "left as they are", CLEARLY),
    )
    return gain


@contextmanager
def _one_thread() -> Iterator[None]:
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(threads)


@cache
def _operators_work() -> bool:
    """Whether PyTorch's two operators, which are not public, are there and compute the product."""
    with torch.no_grad():
        weight = torch.tensor([[1.0, 2.0, -3.0], [5.0, -7.0, 11.0]])
        layer = _layer_of(weight, torch.tensor([13.0, -17.0]))
        x = torch.tensor([[1.0, -2.0, 3.0]])
        try:
            found = _packed_product(layer)(x)
        except (AttributeError, RuntimeError, TypeError):  # gone, or with other arguments
            return False
        return found.shape == (1, 2) and torch.allclose(found, layer(x), rtol=1e-4, atol=1e-5)


def _layer_of(weight: Float[Tensor, "n_out n_in"], bias: Float[Tensor, " n_out"]) -> nn.Linear:
    """A layer that draws no weights of its own."""
    layer = nn.Linear(weight.shape[1], weight.shape[0], device="meta")
    layer.weight, layer.bias = (nn.Parameter(x, requires_grad=False) for x in (weight, bias))
    return layer


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
