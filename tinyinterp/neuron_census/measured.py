"""What the two passes over the text gather about neurons."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from jaxtyping import Int

from tinyinterp.neuron_census.correlation import TagSums
from tinyinterp.neuron_census.sample import Sample, SampledValues
from tinyinterp.neuron_census.sides import FittedSide, HeldOutSide
from tinyinterp.neuron_census.targets import Targets
from tinyinterp.neuron_census.top_activations import Extremes


@dataclass(frozen=True)
class LayerMeasured:
    """What the passes gathered about one layer."""

    fitted: FittedSide
    held_out: HeldOutSide
    extremes: Extremes
    sampled: SampledValues
    tag_sums: TagSums  # without a sample nothing was added


@dataclass(frozen=True)
class TextCounts:
    """The TEST tokens that were counted, the same for every layer."""

    block_tokens: Int[np.ndarray, " block"]
    target_tokens: Int[np.ndarray, " target"]
    all_targets: Targets

    @property
    def n_tokens(self) -> int:
        """All of them."""
        return int(self.block_tokens.sum())

    @property
    def n_scored(self) -> int:
        """Those that have a tag."""
        return int(self.target_tokens[: self.all_targets.own.stop].sum())


@dataclass(frozen=True)
class Measured:
    """What the passes gathered."""

    layers: dict[int, LayerMeasured]
    counts: TextCounts
    sample: Sample
    sampled_ids: Int[np.ndarray, " row"]  # of the tokens of the sample
