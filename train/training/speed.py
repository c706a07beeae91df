"""How fast a run is: tokens per second, and model-FLOP utilisation."""

from __future__ import annotations

import time

import torch

from tinyinterp.network.compressor import Compressor
from tinyinterp.network.decoder import Decoder

SIDES = {"cpu": 2048, "cuda": 8192}  # of the square matrices that measure the machine's best rate
PRODUCTS = 8  # of which the fastest counts
FORWARD_AND_BACKWARD = 6  # operations a weight and token: 2 forward, 4 backward


def flops_per_token(model: Decoder | Compressor, n_positions: int) -> float:
    """Floating-point operations to train on one token of sequences of ``n_positions``.

    Those of the matrix products alone (PaLM, appendix B): 6 for each weight of a matrix that every
    token meets, and 12 · layers · width · positions for scores and mixing, a causal mask not
    deducted. A compressor's trunk meets half as many positions, so does its encoder.
    """
    inner = {n: p for n, p in model.named_parameters() if p.ndim > 1 and "embed" not in n}
    matrices = sum(p.numel() for p in inner.values())
    head = model.unembed.weight.numel()
    config = model.config
    attention = (
        2 * FORWARD_AND_BACKWARD * config.n_layers * config.n_heads * config.d_head * n_positions
    )
    if isinstance(model, Compressor):
        halved = ("blocks.", "encoder.", "decoder.second.")  # met once by two tokens
        paired = sum(p.numel() for n, p in inner.items() if n.startswith(halved))
        matrices, attention = matrices - paired // 2, attention // 4
    return FORWARD_AND_BACKWARD * (matrices + head) + attention


def matmul_rate(device: torch.device, dtype: torch.dtype) -> float:
    """Operations per second of a large square matrix product: the most that training could use."""
    side = SIDES[device.type]
    a, b = (torch.randn(side, side, device=device).to(dtype) for _ in range(2))
    best = float("inf")
    for _ in range(PRODUCTS):
        _wait(device)
        began = time.perf_counter()
        torch.mm(a, b)
        _wait(device)
        best = min(best, time.perf_counter() - began)
    return 2 * side**3 / best


def _wait(device: torch.device) -> None:
    if device.type == "cuda":
        torch.cuda.synchronize(device)


class Speedometer:
    """The line beside the progress bar. Measures the machine's best rate once, when it is made."""

    def __init__(self, model: Decoder | Compressor, dtype: torch.dtype, world: int) -> None:
        device = model.unembed.weight.device
        self._needed = flops_per_token(model, model.config.n_ctx)
        self._best = matmul_rate(device, dtype) * world
        self._rate = 0.0  # tokens per second, a running mean

    def note(self, tokens: int, seconds: float, loss: float) -> str:
        """After a step: loss, tokens per second, and model-FLOP utilisation.

        The utilisation is the share of the rate of a large matrix product on this machine; tokens
        that only pad a batch do not count, all are taken to stand in a full context.
        """
        now = tokens / max(seconds, 1e-9)
        self._rate = now if not self._rate else 0.9 * self._rate + 0.1 * now
        share = self._rate * self._needed / self._best
        return f"loss {loss:.3f}, {self._rate:,.0f} tokens/s, {share:.0%} MFU"
