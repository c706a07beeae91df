"""AUROC, average precision and standard errors of one neuron for every target, compiled.

Each function walks once over the sample in the order of the neuron's activation, one group of equal
values at a time. :mod:`tinyinterp.statistics` has plain versions of the same quantities.
"""

from __future__ import annotations

from typing import no_type_check

import numpy as np

from tinyinterp.compiled import compiled


@compiled
@no_type_check
def rank_targets(values, order, targets, blocks, counts, n_blocks, auroc, precision, error, null):
    """Fill in the numbers of one neuron for every target.

    Args:
        values: [row], the activations.
        order: [row], ascending.
        targets: [row side], the targets that a row has; below 0: none.
        blocks: [row], from 0.
        counts: [target], how many rows have each target.
        n_blocks: how many there are.
        auroc: [target], filled; 0.5 where no row or every row has the target.
        precision: [target], filled: average precision, equal values counted together.
        error: [target], filled: the standard error of ``auroc`` by DeLong, blocks as clusters.
        null: [target], filled: the standard error if target and activation are unrelated, from the
            scatter of the blocks' parts of ``auroc - 0.5``.
    """
    n, n_targets = len(order), len(counts)
    below = np.zeros(n_targets)  # rows with each target below the group, and half of those in it
    below_rows = np.zeros((n_blocks, n_targets))  # their sum over the rows of a block
    below_own = np.zeros((n_blocks, n_targets))  # over those with the target
    shares = np.zeros((n_blocks, n_targets))  # sum of (rank / n - 1/2) over the same
    all_shares = np.zeros(n_blocks)
    block_rows = np.zeros(n_blocks)
    block_own = np.zeros((n_blocks, n_targets))
    precision[:] = 0
    start = 0
    while start < n:
        stop = start + 1
        while stop < n and values[order[stop]] == values[order[start]]:
            stop += 1
        share = (start + stop) / (2.0 * n) - 0.5
        above = 1.0 / (n - start)
        for i in range(start, stop):
            for target in targets[order[i]]:
                if target >= 0:
                    precision[target] += (counts[target] - below[target]) * above
        for i in range(start, stop):
            for target in targets[order[i]]:
                if target >= 0:
                    below[target] += 0.5
        for i in range(start, stop):
            row = order[i]
            block = blocks[row]
            add(below_rows[block], below)
            all_shares[block] += share
            block_rows[block] += 1
            for target in targets[row]:
                if target >= 0:
                    below_own[block, target] += below[target]
                    shares[block, target] += share
                    block_own[block, target] += 1
        for i in range(start, stop):
            for target in targets[order[i]]:
                if target >= 0:
                    below[target] += 0.5
        start = stop
    for target in range(n_targets):
        inside, outside = float(counts[target]), float(n - counts[target])
        auroc[target], error[target], null[target] = 0.5, 0.0, 0.0
        if inside == 0 or outside == 0:
            precision[target] = inside / max(n, 1)
            continue
        precision[target] /= inside
        # The shares of all rows sum to 0, so those outside sum to minus those inside.
        effect = shares[:, target].sum() * (1 / inside + 1 / outside)
        auroc[target] = 0.5 + effect
        if n_blocks < 2:
            continue
        squares = 0.0
        null_squares = 0.0
        for block in range(n_blocks):
            own = block_own[block, target]
            others = block_rows[block] - own
            # n (share + 1/2) rows are below a row, half of its own group included
            negatives_below = n * shares[block, target] + 0.5 * n * own - below_own[block, target]
            positives_below = below_rows[block, target] - below_own[block, target]
            deviation = (negatives_below / outside - own * auroc[target]) / inside + (
                others - positives_below / inside - others * auroc[target]
            ) / outside
            squares += deviation * deviation
            part = (
                shares[block, target] / inside
                - (all_shares[block] - shares[block, target]) / outside
            )
            null_squares += (part - effect / n_blocks) ** 2
        error[target] = np.sqrt(squares * n_blocks / (n_blocks - 1))
        null[target] = np.sqrt(null_squares * n_blocks / (n_blocks - 1))


@compiled
@no_type_check
def add(sums, more):
    for i in range(len(sums)):
        sums[i] += more[i]


@compiled
@no_type_check
def auroc_within(values, order, positive, kinds, n_kinds):
    """AUROC over pairs of rows of the same kind, and how many rows are in such a pair.

    Args:
        values: [row]; ``order``: [row], ascending; ``positive``: [row].
        kinds: [row], from 0 to ``n_kinds``.

    Returns:
        0.5 and 0 where no kind has both.
    """
    below = np.zeros(n_kinds)  # negatives of the kind so far
    here = np.zeros(n_kinds)  # negatives of the kind in the group of equal values
    totals = np.zeros((n_kinds, 2))
    n = len(order)
    wins = 0.0
    start = 0
    while start < n:
        stop = start + 1
        while stop < n and values[order[stop]] == values[order[start]]:
            stop += 1
        for i in range(start, stop):
            kind = kinds[order[i]]
            if positive[order[i]]:
                totals[kind, 1] += 1
            else:
                totals[kind, 0] += 1
                here[kind] += 1
        for i in range(start, stop):
            if positive[order[i]]:
                wins += below[kinds[order[i]]] + here[kinds[order[i]]] / 2
        for i in range(start, stop):
            kind = kinds[order[i]]
            if not positive[order[i]]:
                below[kind] += 1
            here[kind] = 0
        start = stop
    pairs, rows = 0.0, 0.0
    for kind in range(n_kinds):
        both = totals[kind, 0] * totals[kind, 1]
        pairs += both
        if both > 0:
            rows += totals[kind, 0] + totals[kind, 1]
    if pairs == 0:
        return 0.5, 0
    return wins / pairs, int(rows)
