"""From running counts to the evidence that decides a label."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Int

from tinyinterp.neuron_census.labels import THRESHOLDS, Evidence, Label, TagShare, decide
from tinyinterp.neuron_census.measured import LayerMeasured, TextCounts
from tinyinterp.statistics import Interval, ratio_interval, wilson_interval

MOST_TYPES = THRESHOLDS.word_types


@dataclass(frozen=True)
class Judged:
    """The evidence and the label of every neuron of a layer."""

    evidence: list[Evidence]
    labels: list[Label]
    words: Int[np.ndarray, "neuron three"]  # types with most hits, most first; -1: none left
    purity: Float[np.ndarray, "target neuron"]  # share of the hits with each target
    recall: Float[np.ndarray, "target neuron"]  # share of the tokens with each target that are hits
    lift: Float[np.ndarray, "target neuron"]  # that, over the target's share of all tokens


def judge(measured: LayerMeasured, counts: TextCounts, stories: int, seed: int) -> Judged:
    """The evidence for every neuron of a layer, and its label.

    Intervals resample blocks of stories, except that of the share of the most frequent types: which
    types these are is known only at the end, so hits by type are not kept by block. Theirs is
    Wilson's interval, which takes hits for independent.
    """
    held_out = measured.held_out
    position = _intervals(*held_out.position_shares(counts.block_tokens, seed))
    own = _tag_shares(measured, counts, counts.all_targets.own, seed)
    following = _tag_shares(measured, counts, counts.all_targets.following, seed)
    by_type = held_out.hits_by_type()
    words = _most_frequent(by_type)
    hits = by_type.sum(axis=1)
    most = np.where(words >= 0, np.take_along_axis(by_type, words, axis=1), 0)
    few = most.sum(axis=1)
    some = np.maximum(hits, 1)
    low, high = wilson_interval(few.astype(np.float64), hits.astype(np.float64))
    few_types = _intervals(few / some, low, high)
    one_type = most[:, 0] / some
    n_types = (by_type > 0).sum(axis=1)
    largest, smallest = measured.extremes.largest, measured.extremes.smallest
    evidence = [
        Evidence(
            largest=float(largest[n]),
            smallest=float(smallest[n]),
            position=position[n],
            hits=int(hits[n]),
            types=int(n_types[n]),
            one_type=float(one_type[n]),
            few_types=few_types[n],
            own=own[n],
            following=following[n],
            stories=stories,
        )
        for n in range(len(hits))
    ]
    target_hits = held_out.block_target_hits.sum(axis=0)
    purity = target_hits / some
    recall = target_hits / np.maximum(counts.target_tokens, 1)[:, None]
    rates = counts.target_tokens / max(counts.n_tokens, 1)
    lift = np.divide(purity, rates[:, None], out=np.zeros_like(purity), where=(rates > 0)[:, None])
    return Judged(evidence, [decide(found) for found in evidence], words, purity, recall, lift)


def _most_frequent(by_type: Int[np.ndarray, "neuron kind"]) -> Int[np.ndarray, "neuron three"]:
    """The types with most hits: most first, then by token id; -1 where none is left."""
    n_types = by_type.shape[1]
    found = np.full((len(by_type), MOST_TYPES), -1)
    kept = min(MOST_TYPES, n_types)
    # Larger for more hits and, among equals, for the smaller id, so that all keys differ.
    keys = by_type.astype(np.int64) * n_types + np.arange(n_types - 1, -1, -1)
    best = np.argpartition(keys, n_types - kept, axis=1)[:, n_types - kept :]
    order = np.argsort(-np.take_along_axis(keys, best, axis=1), axis=1)
    best = np.take_along_axis(best, order, axis=1)
    found[:, :kept] = np.where(np.take_along_axis(by_type, best, axis=1) > 0, best, -1)
    return found


def _intervals(
    value: Float[np.ndarray, " neuron"],
    low: Float[np.ndarray, " neuron"],
    high: Float[np.ndarray, " neuron"],
) -> list[Interval]:
    return list(map(Interval, value.tolist(), low.tolist(), high.tolist()))


def _tag_shares(
    measured: LayerMeasured, counts: TextCounts, targets: range, seed: int
) -> list[TagShare]:
    """For every neuron the target, of these, with the largest share of its hits."""
    held_out = measured.held_out
    by_block = held_out.block_target_hits[:, targets.start : targets.stop]
    best = by_block.sum(axis=0).argmax(axis=0)  # [neuron]
    best_hits = np.take_along_axis(by_block, best[None, None], axis=1)[:, 0].astype(np.float64)
    hits = held_out.block_hits.astype(np.float64)
    low, high = ratio_interval(best_hits, hits, seed=seed)
    shares = best_hits.sum(axis=0) / np.maximum(hits.sum(axis=0), 1)
    rates = counts.target_tokens[targets.start + best] / max(counts.n_tokens, 1)
    lift = np.divide(shares, rates, out=np.zeros_like(shares), where=rates > 0)
    return [
        TagShare(targets.start + int(target), share, float(times))
        for target, share, times in zip(best, _intervals(shares, low, high), lift, strict=True)
    ]
