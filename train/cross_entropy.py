"""Cross-entropy of a linear head without ever holding all of its logits.

With 8,000 to 50,000 tokens the logits are by far the largest tensor of a training step, and most
of the time at the head is spent moving them. Here a chunk of positions at a time goes through the
head, gives its loss and its gradient, and is forgotten.
"""

from __future__ import annotations

from typing import Any, cast

import torch
from jaxtyping import Float, Int
from torch import Tensor

CHUNK_ELEMENTS = 1 << 22  # logits held at a time: 16 MiB in fp32


class _LinearCrossEntropy(torch.autograd.Function):
    @staticmethod
    def forward(
        ctx: Any, x: Tensor, weight: Tensor, targets: Tensor, ignored: int, dtype: torch.dtype
    ) -> Tensor:
        n_rows = max(1, CHUNK_ELEMENTS // weight.shape[0])
        narrow = weight.to(dtype)
        total = torch.zeros((), dtype=torch.float64, device=x.device)
        grad_x = torch.empty_like(x)
        grad_weight = torch.zeros_like(weight, dtype=torch.float32)
        for start in range(0, len(x), n_rows):
            rows = slice(start, start + n_rows)
            chunk = x[rows].to(dtype)
            kept = targets[rows] != ignored
            target = targets[rows].where(kept, 0)[:, None]
            log_probability = (chunk @ narrow.T).float().log_softmax(dim=-1)
            picked = log_probability.gather(1, target).squeeze(1)
            total -= picked.where(kept, 0).double().sum()
            gradient = log_probability.exp_()
            gradient.scatter_add_(1, target, gradient.new_full((len(target), 1), -1))
            gradient = gradient.mul_(kept[:, None]).to(dtype)
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
    that of the two matrix products; softmax and sums are taken in fp32.
    """
    return cast("Tensor", _LinearCrossEntropy.apply(x, weight, targets, ignored, dtype))
