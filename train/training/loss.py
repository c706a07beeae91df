"""The loss module: next-token loss, and if asked for the report's contrastive term.

    batch ─► model.features ─► linear cross-entropy ─► L_n ────────────────┐
    shuffled stories ─► the same ────────────────────► L_c ─► a/(L_c+.01) ─┴─► the loss

The TinyStories student report (section 6; docs/sources.md) raises the loss of stories whose
sentences are shuffled, to teach plot rather than grammar: ``L = L_n + a / (L_c + 0.01)``.
"""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor, nn

from tinyinterp.network.compressor import Compressor
from tinyinterp.network.decoder import Decoder

from ..data.batches import IGNORED, Batch
from .cross_entropy import linear_cross_entropy
from .recipe import Objective

OFFSET = 0.01  # the report's: keeps the denominator away from 0
CONTRAST, GUARDED = "contrast_loss", "guarded"  # the names of what the contrastive term logs


class LossModule(nn.Module):
    """A micro-batch's share of the loss of a step, as a module, so that DDP can wrap it.

    Args:
        model: whose ``features`` and output head give the logits, never whole.
        settings: the recipe's ``[objective]``.
        dtype: of the matrix products; autocast is switched on where it is not fp32.
        compiled: run ``features`` through ``torch.compile``.
    """

    def __init__(
        self,
        model: Decoder | Compressor,
        settings: Objective,
        dtype: torch.dtype,
        *,
        compiled: bool = False,
    ) -> None:
        super().__init__()
        self.model, self.settings, self.dtype = model, settings, dtype
        self._features: Callable[..., Tensor] = model.features
        if compiled:
            self._features = torch.compile(model.features, dynamic=True)

    def forward(
        self, batch: Batch, n_targets: float, n_batches: int
    ) -> tuple[Tensor, dict[str, float]]:
        """The share, and numbers for the log: ``loss`` (nats, its share of the mean) and others.

        Args:
            batch: on the model's device.
            n_targets: tokens scored in the whole step, over all micro-batches and processes.
            n_batches: micro-batches in the whole step.
        """
        loss = self._summed_loss(batch) / n_targets
        parts = {"loss": loss.item()}
        if batch.shuffled is None:
            return loss, parts
        scored = int((batch.shuffled.targets != IGNORED).sum())
        contrast = self._summed_loss(batch.shuffled) / max(1, scored)
        term, guarded = contrastive_term(contrast, self.settings)
        parts |= {CONTRAST: contrast.item() / n_batches, GUARDED: float(guarded) / n_batches}
        return loss + term / n_batches, parts

    def _summed_loss(self, batch: Batch) -> Tensor:
        with torch.autocast(
            batch.tokens.device.type, self.dtype, enabled=self.dtype != torch.float32
        ):
            if batch.story is None:
                features = self._features(batch.tokens)
            else:  # only a decoder is given packed stories
                features = self._features(batch.tokens, story=batch.story)
        return linear_cross_entropy(
            features.flatten(0, 1),
            self.model.unembed.weight,
            batch.targets.flatten(),
            ignored=IGNORED,
            dtype=self.dtype,
        )


def contrastive_term(contrast: Tensor, settings: Objective) -> tuple[Tensor, bool]:
    """``a / (L_c + 0.01)``, and whether its gradient had to be bounded.

    The gradient on L_c is ``a / (L_c + 0.01)**2``: where L_c is small it would make training
    diverge, as the spikes in the report's curves show. Here it is at most ``guard``; the value is
    still the formula's.
    """
    term = settings.contrast / (contrast + OFFSET)
    slope = (term / (contrast + OFFSET)).item()
    if slope <= settings.guard:
        return term, False
    held = contrast * (-settings.guard)
    return term.detach() + held - held.detach(), True
