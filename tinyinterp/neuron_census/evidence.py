"""From running counts to the evidence that a label rests on."""

from __future__ import annotations

import numpy as np

from tinyinterp.neuron_census.held_out import N_TARGETS, HeldOutSide
from tinyinterp.neuron_census.labels import THRESHOLDS, Evidence, TagShare
from tinyinterp.neuron_census.measure import Measured
from tinyinterp.speech import TAGS
from tinyinterp.statistics import Interval, ratio_interval, wilson_interval


def gather_evidence(measured: Measured, stories: int, seed: int) -> list[Evidence]:
    """The evidence for every neuron.

    Intervals are over blocks of stories, but for the share of the most frequent types: which types
    those are is known only at the end, so their hits are not kept by block, and Wilson's interval,
    for independent hits, is taken.
    """
    held_out = measured.held_out
    positions = list(map(Interval, *(bound.tolist() for bound in held_out.position_shares(seed))))
    own = _tag_shares(held_out, range(len(TAGS)), seed)
    following = _tag_shares(held_out, range(len(TAGS), N_TARGETS), seed)
    largest = measured.top.values[:, 0]
    smallest = np.minimum(measured.fitted.smallest.numpy(), held_out.smallest.numpy())
    return [
        _evidence(
            largest=float(largest[neuron]),
            smallest=float(smallest[neuron]),
            type_hits=held_out.type_hits(neuron)[1],
            position=positions[neuron],
            own=own[neuron],
            following=following[neuron],
            stories=stories,
        )
        for neuron in range(len(own))
    ]


def _evidence(
    *,
    largest: float,
    smallest: float,
    type_hits: np.ndarray,
    position: Interval,
    own: TagShare,
    following: TagShare,
    stories: int,
) -> Evidence:
    hits, few = int(type_hits.sum()), int(type_hits[: THRESHOLDS.word_types].sum())
    low, high = wilson_interval(np.array([float(few)]), np.array([float(hits)]))
    return Evidence(
        largest=largest,
        smallest=smallest,
        position=position,
        hits=hits,
        types=len(type_hits),
        one_type=int(type_hits[0]) / hits if hits else 0.0,
        few_types=Interval(few / max(hits, 1), float(low[0]), float(high[0])),
        own=own,
        following=following,
        stories=stories,
    )


def _tag_shares(held_out: HeldOutSide, targets: range, seed: int) -> list[TagShare]:
    """For every neuron the one of these tags that most of its hits have."""
    by_block = held_out.block_target_hits[:, targets.start : targets.stop].astype(np.float64)
    best = by_block.sum(axis=0).argmax(axis=0)  # [neuron]
    best_hits = np.take_along_axis(by_block, best[None, None], axis=1)[:, 0]
    hits = held_out.block_hits.astype(np.float64)
    low, high = ratio_interval(best_hits, hits, seed=seed)
    shares = best_hits.sum(axis=0) / np.maximum(hits.sum(axis=0), 1)
    rates = held_out.base_rates()[targets.start + best]
    return [
        TagShare(
            target=targets.start + int(best[neuron]),
            share=Interval(float(shares[neuron]), float(low[neuron]), float(high[neuron])),
            lift=float(shares[neuron] / rates[neuron]) if shares[neuron] > 0 else 0.0,
        )
        for neuron in range(len(best))
    ]
