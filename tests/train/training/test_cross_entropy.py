from __future__ import annotations

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch.nn import functional as F

import train.training.cross_entropy
from train.data.batches import IGNORED
from train.training.cross_entropy import linear_cross_entropy

N_ROWS, D_MODEL, N_VOCAB = 29, 13, 37


def case(seed: int, n_rows: int = N_ROWS, ignored: float = 0.3):
    generator = torch.Generator().manual_seed(seed)
    x = torch.randn(n_rows, D_MODEL, generator=generator)
    weight = torch.randn(N_VOCAB, D_MODEL, generator=generator)
    targets = torch.randint(N_VOCAB, (n_rows,), generator=generator)
    targets[torch.rand(n_rows, generator=generator) < ignored] = IGNORED
    return x, weight, targets


def ours(x, weight, targets, scale=1.0, dtype=torch.float32):
    x, weight = x.clone().requires_grad_(), weight.clone().requires_grad_()
    loss = linear_cross_entropy(x, weight, targets, ignored=IGNORED, dtype=dtype)
    (scale * loss).backward()
    return loss.detach(), x.grad, weight.grad


def theirs(x, weight, targets, scale=1.0):
    x, weight = x.clone().requires_grad_(), weight.clone().requires_grad_()
    loss = F.cross_entropy(x @ weight.T, targets, reduction="sum", ignore_index=IGNORED)
    (scale * loss).backward()
    return loss.detach(), x.grad, weight.grad


@settings(deadline=None, max_examples=30)
@given(
    seed=st.integers(0, 10_000),
    rows_a_chunk=st.sampled_from([1, 2, 7, 28, 29, 30]),
    scale=st.sampled_from([1.0, 0.01, -3.0]),
)
def test_it_is_torchs_cross_entropy_in_value_and_gradients(seed, rows_a_chunk, scale):
    x, weight, targets = case(seed)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(
            train.training.cross_entropy, "CHUNK_ELEMENTS", {"cpu": rows_a_chunk * N_VOCAB}
        )
        mine = ours(x, weight, targets, scale)
    for found, expected in zip(mine, theirs(x, weight, targets, scale), strict=True):
        torch.testing.assert_close(found, expected, rtol=1e-4, atol=1e-5)


def test_a_chunk_holds_at_least_a_row_however_large_the_vocabulary(monkeypatch):
    monkeypatch.setattr(train.training.cross_entropy, "CHUNK_ELEMENTS", {"cpu": 1})
    case_ = case(3)
    for found, expected in zip(ours(*case_), theirs(*case_), strict=True):
        torch.testing.assert_close(found, expected, rtol=1e-4, atol=1e-5)


def test_ignored_rows_count_for_nothing():
    x, weight, targets = case(5)
    kept = targets != IGNORED
    assert 0 < kept.sum() < N_ROWS
    loss, grad_x, grad_weight = ours(x, weight, targets)
    alone, alone_x, alone_weight = ours(x[kept], weight, targets[kept])
    torch.testing.assert_close(loss, alone)
    torch.testing.assert_close(grad_weight, alone_weight)
    torch.testing.assert_close(grad_x[kept], alone_x)
    assert (grad_x[~kept] == 0).all()


def test_nothing_to_learn_from_is_a_loss_of_nothing():
    x, weight, _ = case(7)
    loss, grad_x, grad_weight = ours(x, weight, torch.full((N_ROWS,), IGNORED))
    assert loss == 0
    assert (grad_x == 0).all()
    assert (grad_weight == 0).all()


def test_equal_logits_cost_the_logarithm_of_the_vocabulary():
    loss, _, _ = ours(torch.zeros(1, D_MODEL), torch.ones(N_VOCAB, D_MODEL), torch.tensor([11]))
    assert loss.item() == pytest.approx(3.6109, abs=1e-4)  # ln 37


def test_sixteen_bits_are_near():
    case_ = case(11)
    for found, expected in zip(ours(*case_, dtype=torch.bfloat16), theirs(*case_), strict=True):
        assert found.dtype == torch.float32
        torch.testing.assert_close(found, expected, rtol=0.05, atol=0.3)
