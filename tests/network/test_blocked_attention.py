"""Attention by blocks with its own gradients, beside the slow obvious way."""

from __future__ import annotations

import pytest
import torch

from tinyinterp.network.attention import allowed_keys
from tinyinterp.network.blocked_attention import BLOCK, blocked_attention


def obvious(q, k, v, scale, window):
    scores = (q * scale) @ k.mT
    hidden = ~allowed_keys(q.shape[2], k.shape[2], window)
    return scores.masked_fill(hidden, -torch.inf).softmax(dim=-1) @ v


def drawn(n_positions: int, dtype: torch.dtype = torch.float64) -> list[torch.Tensor]:
    generator = torch.Generator().manual_seed(5)
    shape = (3, 2, n_positions, 7)
    return [torch.randn(shape, generator=generator, dtype=dtype).requires_grad_() for _ in range(3)]


@pytest.mark.parametrize("window", [None, 1, 2, 33, BLOCK, BLOCK + 1, 500])
@pytest.mark.parametrize("n_positions", [1, BLOCK - 1, BLOCK, 2 * BLOCK + 3])
def test_numbers_and_gradients_are_those_of_autograd(n_positions, window):
    results = []
    for attend in (obvious, blocked_attention):
        given = drawn(n_positions)
        z = attend(*given, 0.3, window)
        (z * torch.linspace(-1, 1, z.numel(), dtype=z.dtype).view_as(z)).sum().backward()
        results.append([z.detach(), *(part.grad for part in given)])
    for expected, found in zip(*results, strict=True):
        torch.testing.assert_close(found, expected, rtol=0, atol=1e-12)


@pytest.mark.parametrize("window", [None, 5])
def test_finite_differences_agree(window):
    given = [part.detach()[:1, :1, :9, :3].clone().requires_grad_() for part in drawn(9)]
    assert torch.autograd.gradcheck(lambda *parts: blocked_attention(*parts, 0.7, window), given)


def test_sixteen_bits_stay_sixteen_bits_under_autocast():
    given = drawn(BLOCK + 5, torch.bfloat16)
    with torch.autocast("cpu", torch.bfloat16):
        z = blocked_attention(*given, 0.3, None)
    z.sum().backward()
    assert {part.dtype for part in (z, *(each.grad for each in given))} == {torch.bfloat16}
    exact = obvious(*(part.detach().double() for part in given), 0.3, None)
    torch.testing.assert_close(z.double(), exact, rtol=0, atol=0.03)


def test_a_second_derivative_is_refused():
    q, k, v = drawn(5)
    (gradient,) = torch.autograd.grad(
        blocked_attention(q, k, v, 1.0, None).sum(), q, create_graph=True
    )
    with pytest.raises(RuntimeError, match="does not require grad"):
        gradient.sum().backward()
