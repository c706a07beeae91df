"""Causal attention by blocks of queries, and its gradients: for training in 16 bits on a CPU.

A block of queries is multiplied with the keys that one of them sees and with no others. In 16 bits
on a CPU this is faster than PyTorch's fused kernel, above all in local layers. The gradients are
written down because autograd would fill an array of all keys with zeros for each block and add
them up.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor
from torch.autograd.function import once_differentiable

BLOCK = 64  # queries at a time
EVEN = 32  # 16-bit products are slow unless sizes are multiples of it

softmax_backward = torch.ops.aten._softmax_backward_data  # noqa: SLF001 - what autograd calls
Queries = Float[Tensor, "batch head query d_head"]


def blocked_attention(
    q: Queries, k: Queries, v: Queries, scale: float, window: int | None
) -> Queries:
    """``softmax(scale q kᵀ) v``, in which query ``i`` sees key ``j`` as in :func:`allowed_keys`.

    The softmax is in the precision of the queries; gradients add up in it, too.

    Args:
        q: queries, one for each key.
        k: keys.
        v: values.
        scale: of the scores.
        window: how many keys a query sees, its own included; None: all before it.
    """
    return BlockedAttention.apply(q, k, v, scale, window)


class BlockedAttention(torch.autograd.Function):
    """See :func:`blocked_attention`."""

    @staticmethod
    def forward(  # noqa: D102 - autograd's
        ctx: Any, q: Tensor, k: Tensor, v: Tensor, scale: float, window: int | None
    ) -> Tensor:
        z, patterns = torch.empty_like(q), []
        with torch.autocast(q.device.type, enabled=False):  # the softmax in 16 bits, too
            for queries, keys in _blocks(q.shape[2], window):
                scores = torch.matmul(q[:, :, queries] * scale, k[:, :, keys].mT)
                before = queries.start - keys.start  # keys before the first query
                scores += _hidden(before, *scores.shape[-2:], window, scores.dtype, scores.device)
                patterns.append(scores.softmax(dim=-1))
                z[:, :, queries] = torch.matmul(patterns[-1], v[:, :, keys])
        ctx.save_for_backward(q, k, v, *patterns)
        ctx.scale, ctx.window = scale, window
        return z

    @staticmethod
    @once_differentiable
    def backward(  # noqa: D102 - autograd's # pyright: ignore[reportIncompatibleMethodOverride]
        ctx: Any, *grads: Tensor
    ) -> tuple[Tensor, Tensor, Tensor, None, None]:
        (dz,) = grads
        q, k, v, *patterns = ctx.saved_tensors
        dq, dk, dv = torch.empty_like(q), torch.zeros_like(k), torch.zeros_like(v)
        for (queries, keys), pattern in zip(_blocks(q.shape[2], ctx.window), patterns, strict=True):
            d_block = dz[:, :, queries]
            dv[:, :, keys] += torch.matmul(pattern.mT, d_block)
            d_pattern = torch.matmul(d_block, v[:, :, keys].mT)
            d_scores = softmax_backward(d_pattern, pattern, -1, pattern.dtype)
            d_scores *= ctx.scale
            dq[:, :, queries] = torch.matmul(d_scores, k[:, :, keys])
            dk[:, :, keys] += torch.matmul(d_scores.mT, q[:, :, queries])
        return dq, dk, dv, None, None


def _blocks(n_positions: int, window: int | None) -> Iterator[tuple[slice, slice]]:
    """Each block of queries, and the keys that one of its queries sees (or a few more)."""
    before = -(-((window or 1) - 1) // EVEN) * EVEN
    for start in range(0, n_positions, BLOCK):
        stop = min(start + BLOCK, n_positions)
        yield slice(start, stop), slice(0 if window is None else max(0, start - before), stop)


@lru_cache(maxsize=64)
@torch.inference_mode(mode=False)
def _hidden(
    n_before: int,
    n_query: int,
    n_key: int,
    window: int | None,
    dtype: torch.dtype,
    device: torch.device,
) -> Float[Tensor, "query key"]:
    """Minus infinity where a query does not see a key, else 0."""
    query = torch.arange(n_before, n_before + n_query, device=device)[:, None]
    key = torch.arange(n_key, device=device)[None, :]
    seen = key <= query
    seen = seen if window is None else seen & (key > query - window)
    return torch.zeros(n_query, n_key, dtype=dtype, device=device).masked_fill(~seen, -torch.inf)
