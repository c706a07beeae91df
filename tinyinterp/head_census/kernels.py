"""The inner loops over patterns, compiled: each row is read once, up to its own query.

All take the patterns of one layer as they leave the model, in fp32, and work on the heads from
``first`` up to ``last``. A row is cleaned as in
:func:`tinyinterp.head_census.patterns.without_sink`, which is the slow way to the same numbers: key
0 is dropped, the rest divided by its sum, and rows with hardly a rest are left out.
"""

from __future__ import annotations

from typing import no_type_check

import numpy as np

from tinyinterp.compiled import compiled, compiled_sum
from tinyinterp.head_census.patterns import FIRST_QUERY, LEAST_LEFT

LEAST_SHARE = (
    1e-12  # of a row; what a surrogate gives to a key at least, where its logarithm is taken
)


@compiled
@no_type_check
def add_rows(raw, lengths, halves, weights, rows, first, last):
    """Add clean rows to their sums, sequence after sequence.

    Args:
        raw: the patterns, [batch head query key].
        lengths: [batch], tokens of each sequence.
        halves: [batch], which sums it goes to.
        weights: [half head query key], fp64.
        rows: [half head query], fp64, how many rows counted.
    """
    for head in range(first, last):
        for query in range(FIRST_QUERY, raw.shape[2]):
            for sequence in range(len(raw)):
                if query >= lengths[sequence]:
                    continue
                row = raw[sequence, head, query, 1 : query + 1]
                left = _sum(row)
                if left >= LEAST_LEFT:
                    half = halves[sequence]
                    rows[half, head, query] += 1
                    _add_divided(weights[half, head, query, 1 : query + 1], row, left)


@compiled
@no_type_check
def score_rows(raw, lengths, log_distance, log_position, log_keys, scores, first, last):
    """Score clean rows against the surrogates; a row adds in fp32, rows add up in fp64.

    Args:
        raw: the patterns, [batch head query key].
        lengths: [batch], tokens of each sequence.
        log_distance: [head query key], log P, fp32; ``log_position``: log V.
        log_keys: [query], the logarithm of how many keys it may see, fp64.
        scores: [batch head sum], fp64, zeros; the first seven of
            :class:`tinyinterp.head_census.sums.Sum` are added up, logarithms with their sign.
    """
    for head in range(first, last):
        for query in range(FIRST_QUERY, raw.shape[2]):
            by_distance = log_distance[head, query, 1 : query + 1]
            by_position = log_position[head, query, 1 : query + 1]
            for sequence in range(len(raw)):
                if query >= lengths[sequence]:
                    continue
                row = raw[sequence, head, query, 1 : query + 1]
                left = _sum(row)
                if left < LEAST_LEFT:
                    continue
                score = scores[sequence, head]
                score[0] += 1
                score[1] += _sum_x_log_x(row) / left - np.log(left)
                score[2] += log_keys[query]
                score[3] += _dot(row, by_distance) / left
                score[4] += _dot(row, by_position) / left
                score[5] += row[query - 1] / left
                score[6] += row[query - 2] / left


@compiled
@no_type_check
def score_shrinkages(weights, rows, prior, shrinkages, scores, first, last):
    """Score the mean rows of each half, shrunk towards P, on the other half.

    Args:
        weights: summed clean patterns, [half head query key], fp64.
        rows: how many rows counted, [half head query], fp64.
        prior: P, [head query key], fp64.
        shrinkages: how many rows of P are added.
        scores: [head shrinkage], fp64, log likelihoods are added.
    """
    for head in range(first, last):
        for half in range(2):
            for query in range(FIRST_QUERY, weights.shape[2]):
                if rows[1 - half, head, query] == 0:
                    continue
                count = rows[half, head, query]
                for key in range(1, query + 1):
                    judged = weights[1 - half, head, query, key]
                    if judged == 0:
                        continue
                    here = prior[head, query, key]
                    excess = weights[half, head, query, key] - count * here
                    for number in range(len(shrinkages)):
                        share = here + excess / (count + shrinkages[number])
                        log_share = np.log(np.float32(max(share, LEAST_SHARE)))
                        scores[head, number] += judged * log_share


@compiled
@no_type_check
def compare_rows(one, other, order, window, own, sums, first, last):
    """Products of how two patterns depart from uniform attention over the keys that both may see.

    Args:
        one: the patterns of a sequence, [head query key].
        other: those of the sequence whose token ``i`` is token ``order[i]`` of the first.
        order: [position].
        window: how many keys a query may see, itself included.
        own: whether the query's own token is one of the keys.
        sums: [head product], fp64, to which
            :class:`tinyinterp.head_census.resampled.Product` are added.
    """
    for head in range(first, last):
        for query in range(FIRST_QUERY, len(order)):
            source = order[query]
            keys = 0
            left_one = left_other = both = ones = others = 0.0
            for key in range(max(1, query - window + 1), query + own):
                before = source - order[key]
                if before < 0 or before >= window:
                    continue
                x = np.float64(one[head, source, order[key]])
                y = np.float64(other[head, query, key])
                keys += 1
                left_one += x
                left_other += y
                both += x * y
                ones += x * x
                others += y * y
            if keys < 2 or left_one < LEAST_LEFT or left_other < LEAST_LEFT:
                continue
            sums[head, 0] += 1
            sums[head, 1] += both / (left_one * left_other) - 1 / keys
            sums[head, 2] += ones / (left_one * left_one) - 1 / keys
            sums[head, 3] += others / (left_other * left_other) - 1 / keys


@compiled_sum
@no_type_check
def distance_sums(x, y, sums):
    """Sums over all pairs of points of how far apart they are, a = |x - x'| and b = |y - y'|.

    Args:
        x: [point], fp64; ``y`` likewise.
        sums: fp64, to which a b, a a, b b, a, b are added, and the sums over points of the products
            of their own sums, A B, A A, B B.
    """
    for i in range(len(x)):
        both = ones = others = one = other = 0.0
        for j in range(len(x)):
            a, b = abs(x[i] - x[j]), abs(y[i] - y[j])
            both += a * b
            ones += a * a
            others += b * b
            one += a
            other += b
        sums[0] += both
        sums[1] += ones
        sums[2] += others
        sums[3] += one
        sums[4] += other
        sums[5] += one * other
        sums[6] += one * one
        sums[7] += other * other


@compiled_sum
@no_type_check
def _sum(row):
    total = np.float32(0)
    for x in row:
        total += x
    return total


@compiled_sum
@no_type_check
def _dot(row, other):
    total = np.float32(0)
    for key in range(len(row)):
        total += row[key] * other[key]
    return total


@compiled_sum
@no_type_check
def _sum_x_log_x(row):
    total = np.float32(0)
    for x in row:
        if x > 0:
            total += x * np.log(x)
    return total


@compiled
@no_type_check
def _add_divided(sums, row, left):
    for key in range(len(row)):
        sums[key] += row[key] / left
