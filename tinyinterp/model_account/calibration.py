"""The weights of features in a softmax, by maximum likelihood: a small convex problem."""

from __future__ import annotations

import torch
from jaxtyping import Bool, Float
from torch import Tensor

STEPS = 50
HALVINGS = 30
SETTLED = 1e-10  # nats a row that a further step could win
RIDGE = 1e-9  # of a feature that never varies; it then stays where it begins


def calibrate(
    features: Float[Tensor, "feature head row key"],
    targets: Float[Tensor, "head row key"],
    allowed: Bool[Tensor, "row key"],
    begin: Float[Tensor, "head feature"],
) -> Float[Tensor, "head feature"]:
    """Weights ``w`` that make ``softmax(sum of w * features)`` over the allowed keys likeliest.

    Newton's method, each head by itself, with steps halved until they gain; in fp64.

    Args:
        features: finite where allowed.
        targets: the distributions to be predicted; a row that does not count is 0.
        allowed: the keys of each row.
        begin: where the search begins.
    """
    features = features.double().masked_fill(~allowed, 0)
    targets = targets.double()
    weights = begin.double().clone()
    rows = targets.sum(-1)  # 1, or 0 for a row that does not count
    n_rows = rows.sum(-1).clamp_min(1)
    observed = torch.einsum("fhrk,hrk->hf", features, targets)
    loss = _loss(features, targets, allowed, weights)
    for _ in range(STEPS):
        predicted = _softmax(features, allowed, weights).exp() * rows[..., None]
        mean = torch.einsum("fhrk,hrk->hrf", features, predicted)
        gradient = mean.sum(1) - observed
        second = torch.einsum("fhrk,ghrk,hrk->hfg", features, features, predicted)
        hessian = second - torch.einsum("hrf,hrg->hfg", mean, mean)
        scale = hessian.diagonal(dim1=1, dim2=2).amax(1).clamp_min(1e-12)
        hessian += torch.eye(len(features)) * (RIDGE * scale)[:, None, None]
        step = torch.linalg.solve(hessian, gradient)
        gain = (step * gradient).sum(-1) / 2
        active = gain / n_rows > SETTLED
        if not active.any():
            break
        size = active.double()
        tried, new = weights, loss
        for _ in range(HALVINGS):
            tried = weights - size[:, None] * step
            new = _loss(features, targets, allowed, tried)
            worse = active & (new > loss)
            if not worse.any():
                break
            size = torch.where(worse, size / 2, size)
        better = active & (new <= loss)
        weights = torch.where(better[:, None], tried, weights)
        loss = torch.where(better, new, loss)
        if not better.any():
            break
    return weights


def _softmax(
    features: Float[Tensor, "feature head row key"],
    allowed: Bool[Tensor, "row key"],
    weights: Float[Tensor, "head feature"],
) -> Float[Tensor, "head row key"]:
    """Log-probabilities; minus infinity where not allowed, 0 in rows without keys."""
    logits = torch.einsum("fhrk,hf->hrk", features, weights).masked_fill(~allowed, -torch.inf)
    return logits.log_softmax(-1).masked_fill(~allowed.any(-1, keepdim=True), 0)


def _loss(
    features: Float[Tensor, "feature head row key"],
    targets: Float[Tensor, "head row key"],
    allowed: Bool[Tensor, "row key"],
    weights: Float[Tensor, "head feature"],
) -> Float[Tensor, " head"]:
    logs = _softmax(features, allowed, weights).masked_fill(~allowed, 0)
    return -(targets * logs).sum((1, 2))
