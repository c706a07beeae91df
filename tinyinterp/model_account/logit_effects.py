"""The shape of a neuron's effect on the logits: prediction, suppression, partition.

After Gurnee et al. 2024 (Universal Neurons, https://arxiv.org/abs/2401.12181). A *prediction*
neuron raises few tokens and a *suppression* neuron lowers few: over the vocabulary, the effect has
heavy tails, skewed to one side. A *partition* neuron raises one part of the vocabulary and lowers
the other: the effect varies much and has two peaks.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Bool, Float
from torch import Tensor

from tinyinterp.model_account.rotations import DIRECTION, Rotations, Spectrum

NEURONS_AT_ONCE = 256
HEAVY_TAILS = 10.0  # excess kurtosis
TWO_PEAKS = 5 / 9  # Sarle's coefficient of a uniform law; a normal one has 1/3
CHANCE = 0.05  # that random directions give any partition neuron in a model


@dataclass(frozen=True)
class LogitEffects:
    """The effects of every neuron of a layer, over the vocabulary."""

    kurtosis: Float[np.ndarray, " neuron"]  # excess
    skew: Float[np.ndarray, " neuron"]
    spread: Float[
        np.ndarray, " neuron"
    ]  # deviation, over the root mean square of random directions
    wide: Bool[np.ndarray, " neuron"]  # whether that is more than chance

    @property
    def bimodality(self) -> Float[np.ndarray, " neuron"]:
        """Sarle's coefficient, (skew² + 1) / kurtosis: 1 for two points, and for nothing else."""
        return (self.skew**2 + 1) / (self.kurtosis + 3)

    def families(self) -> list[str]:
        """Prediction, suppression, partition or "".

        Heavy tails, an excess kurtosis above 10, decide first. The paper gives no threshold for
        partition neurons; here their spread is above that of random directions (with a chance of
        5 % for any neuron of the model) and Sarle's coefficient above that of a uniform law.
        """
        tail = np.where(self.skew < 0, "suppression", "prediction")
        split = (self.bimodality > TWO_PEAKS) & self.wide
        return np.where(
            self.kurtosis > HEAVY_TAILS, tail, np.where(split, "partition", "")
        ).tolist()


def logit_effects(
    w_out: Float[Tensor, "neuron d_model"],
    unembed: Float[Tensor, "d_model token"],
    n_neurons: int,
    dimensions: int,
) -> LogitEffects:
    """Logit effects of a layer's neurons, some neurons at a time.

    Args:
        unembed: of :func:`tinyinterp.model_account.folded.folded_unembedding`: tokens centred.
        n_neurons: in the whole model.
        dimensions: of the residual stream that the final norm lets through.
    """
    moments = torch.cat([_moments(some @ unembed) for some in w_out.split(NEURONS_AT_ONCE)]).numpy()
    variance, third, fourth = moments.T
    some = variance > 0
    scale = np.where(some, variance, 1.0)
    singular = torch.linalg.eigvalsh(unembed @ unembed.T).clamp_min(0).sqrt()
    sizes = w_out.square().sum(dim=1).numpy() * float(singular.square().sum())
    composition = np.sqrt(variance * unembed.shape[1] / np.where(some, sizes, 1.0))
    law = Rotations.of(dimensions, Spectrum.of(singular), DIRECTION)
    return LogitEffects(
        kurtosis=np.where(some, fourth / scale**2 - 3, 0.0),
        skew=third / scale**1.5,
        spread=composition / law.expected,
        wide=law.z(composition) > law.threshold(CHANCE / n_neurons),
    )


def _moments(values: Float[Tensor, "neuron token"]) -> Float[Tensor, "neuron moment"]:
    """The second, third and fourth about the mean, which is 0."""
    squares = values.square()
    third = torch.linalg.vecdot(squares, values)
    fourth = torch.linalg.vecdot(squares, squares)
    return torch.stack([squares.sum(dim=1), third, fourth], dim=1) / values.shape[1]
