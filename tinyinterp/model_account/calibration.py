"""The weights of features in a softmax, by maximum likelihood: a small convex problem."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import torch
from jaxtyping import Bool, Float
from torch import Tensor

STEPS = 50
HALVINGS = 30
SETTLED = 1e-10  # nats a row that a further step could win
PULL = 1e-5  # towards where the search begins: features that hardly vary stay there


def calibrate(
    features: Float[Tensor, "feature head row key"],
    targets: Float[Tensor, "head row key"],
    allowed: Bool[Tensor, "row key"],
    begin: Float[Tensor, "head feature"],
    pull: float = PULL,
) -> Float[Tensor, "head feature"]:
    """Weights ``w`` that make ``softmax(sum of w * features)`` over the allowed keys likeliest.

    Newton's method, each head by itself, with steps halved until they gain; in fp64. Half the
    squared distance from ``begin`` times ``pull`` is added to the loss of each row: a direction
    that the rows do not decide would otherwise run off after noise, and predict anything on others.

    Args:
        features: finite where allowed.
        targets: the distributions to be predicted; a row that does not count is 0.
        allowed: the keys of each row.
        begin: where the search begins.
        pull: nats a row; small beside the variance of a feature that matters.
    """
    rows = targets.double().sum(-1)  # 1, or 0 for a row that does not count
    problem = _Problem(
        features.double().masked_fill(~allowed, 0).transpose(0, 1).contiguous(),
        targets.double(),
        allowed,
        rows,
        begin.double(),
        pull * rows.sum(-1),
    )
    weights = begin.double().clone()
    n_rows = rows.sum(-1).clamp_min(1)
    loss = problem.loss(weights)
    for _ in range(STEPS):
        gradient, hessian = problem.derivatives(weights)
        step = torch.linalg.solve(hessian, gradient)
        gain = (step * gradient).sum(-1) / 2
        active = gain / n_rows > SETTLED
        if not active.any():
            break
        size = active.double()
        tried, new = weights, loss
        for _ in range(HALVINGS):
            tried = weights - size[:, None] * step
            new = problem.loss(tried)
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


@dataclass(frozen=True)
class _Problem:
    features: Float[Tensor, "head feature row key"]
    targets: Float[Tensor, "head row key"]
    allowed: Bool[Tensor, "row key"]
    rows: Float[Tensor, "head row"]
    begin: Float[Tensor, "head feature"]
    pull: Float[Tensor, " head"]

    @cached_property
    def observed(self) -> Float[Tensor, "head feature"]:
        """The features' sums under the targets."""
        return (self.features.flatten(2) @ self.targets.flatten(1)[..., None])[..., 0]

    def log_probabilities(
        self, weights: Float[Tensor, "head feature"]
    ) -> Float[Tensor, "head row key"]:
        """Minus infinity where not allowed, 0 in rows without keys."""
        logits = (weights[:, None] @ self.features.flatten(2)).view_as(self.targets)
        logits = logits.masked_fill_(~self.allowed, -torch.inf)
        return logits.log_softmax(-1).masked_fill_(~self.allowed.any(-1, keepdim=True), 0)

    def loss(self, weights: Float[Tensor, "head feature"]) -> Float[Tensor, " head"]:
        """Nats, summed over rows, and the pull."""
        logs = self.log_probabilities(weights).masked_fill_(~self.allowed, 0)
        drawn = self.pull / 2 * (weights - self.begin).square().sum(1)
        return drawn - (self.targets * logs).sum((1, 2))

    def derivatives(
        self, weights: Float[Tensor, "head feature"]
    ) -> tuple[Float[Tensor, "head feature"], Float[Tensor, "head feature feature"]]:
        """The gradient of the loss and its Hessian."""
        predicted = self.log_probabilities(weights).exp_() * self.rows[..., None]
        weighted = self.features * predicted[:, None]
        mean = weighted.sum(-1)  # [head feature row]
        hessian = weighted.flatten(2) @ self.features.flatten(2).mT - mean @ mean.mT
        gradient = mean.sum(-1) - self.observed + self.pull[:, None] * (weights - self.begin)
        # A head of which no row counts stays where it is.
        ridge = self.pull.clamp_min(1e-12)[:, None, None] * torch.eye(
            weights.shape[1], device=weights.device
        )
        return gradient, hessian + ridge
