"""Optimizers and the learning rate over time."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor, nn

from tinyinterp.network.compressor import Compressor
from tinyinterp.network.decoder import Decoder

from .recipe import Optimizer

DECAYED_DIMENSIONS = 2  # matrices are decayed; biases and norms, vectors, are not


def build_optimizers(
    model: Decoder | Compressor, settings: Optimizer
) -> list[torch.optim.Optimizer]:
    """AdamW alone, or AdamW for embeddings, head, norms and biases and Muon for the matrices.

    Muon (Jordan et al. 2024) orthogonalises the momentum of each matrix; it is PyTorch's own.
    Each parameter group keeps its largest rate under ``peak`` for :func:`set_rate`.
    """
    matrices: list[nn.Parameter] = []
    if settings.name == "muon":
        inner = [p for name, p in model.named_parameters() if "embed" not in name]
        matrices = [p for p in inner if p.ndim == DECAYED_DIMENSIONS]
    taken = {id(p) for p in matrices}
    rest = [p for p in model.parameters() if id(p) not in taken]
    groups = [
        {
            "params": [p for p in rest if p.ndim >= DECAYED_DIMENSIONS],
            "weight_decay": settings.weight_decay,
        },
        {"params": [p for p in rest if p.ndim < DECAYED_DIMENSIONS], "weight_decay": 0.0},
    ]
    optimizers: list[torch.optim.Optimizer] = [
        torch.optim.AdamW(groups, lr=settings.learning_rate, betas=settings.betas, fused=True)
    ]
    if matrices:
        muon = torch.optim.Muon(
            _muon_groups(model, matrices, settings.muon_learning_rate),
            lr=settings.muon_learning_rate,
            momentum=settings.muon_momentum,
            weight_decay=settings.muon_weight_decay,
        )
        optimizers.append(muon)
    for optimizer in optimizers:
        for group in optimizer.param_groups:
            group["peak"] = group["lr"]
    return optimizers


def _muon_groups(
    model: Decoder | Compressor, matrices: list[nn.Parameter], learning_rate: float
) -> list[dict[str, Any]]:
    """Queries and keys apart: if scores are not scaled, their rate is ``d_head**-0.25`` as large.

    A model whose scores are divided by ``sqrt(d_head)`` is the unscaled one with both matrices
    ``d_head**-0.25`` times as large; Muon's steps have a fixed size, so the rate must shrink by as
    much. Without it scores run away and attention does not form.
    """
    names = {id(p): name for name, p in model.named_parameters()}
    scored = [p for p in matrices if names[id(p)].endswith(("attn.q.weight", "attn.k.weight"))]
    apart = {id(p) for p in scored}
    factor = 1.0 if model.config.scale_scores else model.config.d_head**-0.25
    return [
        {"params": [p for p in matrices if id(p) not in apart]},
        {"params": scored, "lr": learning_rate * factor},
    ]


class RunningMean:
    """Exponential mean of the weights over steps, in fp32; what is evaluated and saved.

    With ``decay`` 0 there is no mean: the weights themselves are used. The mean starts short, so
    that the random initialisation soon drops out.
    """

    def __init__(self, model: Decoder | Compressor, decay: float) -> None:
        self.decay = decay
        parameters = model.named_parameters() if decay else ()
        self.weights: dict[str, Tensor] = {n: p.detach().clone() for n, p in parameters}

    @torch.no_grad()
    def update(self, model: Decoder | Compressor, step: int) -> None:
        """Take in the weights after ``step``."""
        decay = min(self.decay, (1 + step) / (10 + step))
        parameters = dict(model.named_parameters())
        for name, held in self.weights.items():
            held.lerp_(parameters[name], 1 - decay)

    @torch.no_grad()
    def swap(self, model: Decoder | Compressor) -> None:
        """Exchange mean and weights; a second call undoes it."""
        parameters = dict(model.named_parameters())
        for name, held in self.weights.items():
            before = held.clone()
            held.copy_(parameters[name])
            parameters[name].copy_(before)

    @contextmanager
    def in_place_of(self, model: Decoder | Compressor) -> Iterator[None]:
        """Within the block the model has the mean for its weights, and is in evaluation mode."""
        self.swap(model)
        model.eval()
        try:
            yield
        finally:
            self.swap(model)

    @torch.no_grad()
    def restore(self, weights: Mapping[str, Tensor]) -> None:
        """Restore a saved mean, on the device of this one.

        Raises:
            KeyError: a weight is missing.
        """
        for name, held in self.weights.items():
            held.copy_(weights[name])
