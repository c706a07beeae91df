from __future__ import annotations

import numpy as np
import torch
from scipy.optimize import minimize

from tinyinterp.model_account.calibration import calibrate

HEADS, ROWS, KEYS = 3, 29, 13


def case(seed: int) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    generator = torch.Generator().manual_seed(seed)
    features = torch.randn(2, HEADS, ROWS, KEYS, generator=generator)
    allowed = torch.rand(ROWS, KEYS, generator=generator) < 0.7
    allowed[:, 0] = True
    allowed[5] = False  # a row without keys
    truth = torch.einsum("fhrk,f->hrk", features, torch.tensor([1.7, -0.6]))
    noisy = truth + torch.randn(truth.shape, generator=generator)
    targets = noisy.masked_fill(~allowed, -torch.inf).softmax(-1).nan_to_num(nan=0.0)
    targets[1, 7] = 0  # a row that does not count
    return features, targets, allowed


def loss(w: np.ndarray, features: np.ndarray, targets: np.ndarray, allowed: np.ndarray) -> float:
    logits = np.where(allowed, np.einsum("frk,f->rk", features, w), -np.inf)
    counted = targets.sum(-1) > 0
    logits, targets = logits[counted], targets[counted]
    top = logits.max(-1, keepdims=True)
    logs = logits - top - np.log(np.exp(logits - top).sum(-1, keepdims=True))
    return float(-(targets * np.where(np.isfinite(logs), logs, 0)).sum())


def test_weights_are_those_of_a_general_optimiser():
    features, targets, allowed = case(0)
    begin = torch.tensor([[0.0, 1.0]]).repeat(HEADS, 1)
    found = calibrate(features, targets, allowed, begin).numpy()
    for head in range(HEADS):
        given = features[:, head].double().numpy(), targets[head].double().numpy(), allowed.numpy()
        best = minimize(loss, np.zeros(2), args=given, method="BFGS")
        np.testing.assert_allclose(found[head], best.x, atol=1e-3)
        assert loss(found[head], *given) <= best.fun + 1e-6


def test_a_feature_that_never_varies_leaves_the_other_alone():
    features, targets, allowed = case(1)
    features[1] = 0.4
    found = calibrate(features, targets, allowed, torch.zeros(HEADS, 2))
    assert torch.isfinite(found).all()
    alone = calibrate(features[:1], targets, allowed, torch.zeros(HEADS, 1))
    np.testing.assert_allclose(found[:, 0], alone[:, 0], atol=1e-4)


def test_the_search_ends_at_the_same_weights_from_anywhere():
    features, targets, allowed = case(2)
    ends = [
        calibrate(features, targets, allowed, torch.full((HEADS, 2), start)).numpy()
        for start in (-3.0, 0.0, 5.0)
    ]
    np.testing.assert_allclose(ends[0], ends[1], atol=1e-3)
    np.testing.assert_allclose(ends[2], ends[1], atol=1e-3)


def test_a_feature_that_hardly_varies_does_not_run_off_after_noise():
    """Where all rows say about the same, a weight of thousands would win a little there alone."""
    features, targets, allowed = case(3)
    generator = torch.Generator().manual_seed(4)
    features[1] = features[1] * 1e-5 + 7
    targets = targets * torch.exp(0.3 * torch.randn(targets.shape, generator=generator))
    targets = targets / targets.sum(-1, keepdim=True).clamp_min(1e-9)
    found = calibrate(features, targets, allowed, torch.zeros(HEADS, 2))
    assert found[:, 1].abs().max() < 0.5
