"""Cross-entropy of a linear head without ever holding all of its logits.

With 8,000 to 50,000 tokens the logits are by far the largest tensor of a training step, and most
of the time at the head is spent moving them. Here a chunk of positions at a time goes through the
head, gives its loss and its gradient, and is discarded.
"""

from __future__ import annotations

from typing import Any, cast

import torch
from jaxtyping import Float, Int
from torch import Tensor

CHUNK_ELEMENTS = {"cpu": 1 << 22, "cuda": 1 << 27}  # logits held at a time, by kind of device
SMALLEST = 1e-37  # a probability that vanished counts as this: 85 nats


class _LinearCrossEntropy(torch.autograd.Function):
    @staticmethod
    def forward(
        ctx: Any, x: Tensor, weight: Tensor, targets: Tensor, ignored: int, dtype: torch.dtype
    ) -> Tensor:
        n_rows = max(1, CHUNK_ELEMENTS[x.device.type] // weight.shape[0])
        narrow = weight.to(dtype)
        total = torch.zeros((), dtype=torch.float64, device=x.device)
        grad_x = torch.empty_like(x)
        grad_weight = torch.zeros_like(weight, dtype=torch.float32)
        for start in range(0, len(x), n_rows):
            rows = slice(start, start + n_rows)
            chunk = x[rows].to(dtype)
            ignore = targets[rows] == ignored
            target = (
                torch.arange(len(chunk), device=x.device),
                targets[rows].masked_fill(ignore, 0),
            )
            gradient = torch.softmax(chunk @ narrow.T, dim=-1)  # summed in fp32, kept in dtype
            picked = gradient[target]
            log_probability = picked.float().clamp_min(SMALLEST).log()
            total -= log_probability.masked_fill(ignore, 0).sum(dtype=torch.float64)
            gradient[target] = picked - 1  # scatter_ would copy it all to fp32 and back
            gradient.index_fill_(0, ignore.nonzero().squeeze(1), 0)
            grad_x[rows] = gradient @ narrow
            grad_weight += gradient.T @ chunk
        ctx.save_for_backward(grad_x, grad_weight)
        return total.float()

    @staticmethod
    def backward(ctx: Any, *grads: Tensor) -> tuple[Tensor | None, ...]:
        grad_x, grad_weight = ctx.saved_tensors
        return grad_x * grads[0], grad_weight * grads[0], None, None, None


def linear_cross_entropy(
    x: Float[Tensor, "position d_model"],
    weight: Float[Tensor, "n_vocab d_model"],
    targets: Int[Tensor, " position"],
    *,
    ignored: int,
    dtype: torch.dtype = torch.float32,
) -> Float[Tensor, ""]:
    """Summed cross-entropy of ``softmax(x @ weight.T)``, in nats; targets ``ignored`` left out.

    Equal to ``cross_entropy(x @ weight.T, targets, reduction="sum")`` to rounding. ``dtype`` is
    that of the matrix products and of the probabilities between them; sums are in fp32 and fp64. In
    16 bits a probability is right to 0.4 %, so the loss of one token to 0.004 nats, a mean nearer.
    """
    return cast("Tensor", _LinearCrossEntropy.apply(x, weight, targets, ignored, dtype))
