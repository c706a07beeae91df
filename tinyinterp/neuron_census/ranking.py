"""AUROC, average precision and standard errors of one neuron for every target, compiled.

Each function walks once over the sample in the order of the neuron's activation, one group of equal
values at a time. ``tests/reference.py`` has plain versions of the same quantities. All of it is one
file because numba, which keeps on disk what it compiled, does not notice when a function that is
called has changed in another file.
"""

from __future__ import annotations

from typing import no_type_check

import numpy as np
from jaxtyping import Int, UInt

from tinyinterp.compiled import compiled

DIGITS = 2048
DIGIT = DIGITS - 1
ROW_BITS = 31  # of a pair, below its key
ROW_MASK = (1 << ROW_BITS) - 1
MINUS_ZERO = -(1 << 31)  # its bits


@compiled
@no_type_check
def rank_targets(values, rows, counts, block_rows, block_own, found):
    """Fill in the numbers of some neurons for every target.

    Ranks and counts are added up as whole numbers, so sums are exact: twice the rank of a row is
    how many rows lie below it and how many do not lie above it.

    Args:
        values: [neuron row], the activations.
        rows: [row], the targets that a row has and its block, as :func:`pack_rows` gives them.
        counts: [column], how many rows have each target.
        block_rows: [block], how many rows it has.
        block_own: [block column], how many of these have each target; the columns after the targets
            mean nothing. Sums are kept in its type: it must hold twice the number of rows times
            itself.
        found: [neuron four target], filled: AUROC, 0.5 where no row or every row has the target;
            average precision, equal values counted together; the standard error of the AUROC by
            DeLong, blocks as clusters; the standard error if target and activation are unrelated,
            from the scatter of the blocks' parts of ``auroc - 0.5``.
    """
    n = values.shape[1]
    pairs, spare = np.empty(n, np.int64), np.empty(n, np.int64)
    twice = 2 * counts
    below = np.empty(block_own.shape[1], block_own.dtype)  # twice the rows of a target below
    precision = np.empty(block_own.shape[1])
    # The sum of ``below`` over the rows of a block, without a row's own half in its own targets.
    rows_below = np.empty_like(block_own)
    own_below = np.empty_like(block_own)  # over those with the target
    own_ranks = np.empty_like(block_own)  # the sum of twice the ranks over the same
    all_ranks = np.empty_like(block_rows)
    for neuron in range(len(values)):
        sort_rows(values[neuron], pairs, spare)
        below[:], precision[:], all_ranks[:] = 0, 0, 0
        rows_below[:], own_below[:], own_ranks[:] = 0, 0, 0
        start = 0
        while start < n:
            stop = start + 1
            while stop < n and pairs[stop] >> ROW_BITS == pairs[start] >> ROW_BITS:
                stop += 1
            ranks, above = start + stop, 0.5 / (n - start)
            if stop > start + 1:
                _add_group(
                    pairs[start:stop], rows, ranks, above, twice, below, precision, rows_below,
                    own_below, own_ranks, all_ranks,
                )  # fmt: skip
            else:  # the same for one row; in line, since most rows share their value with none
                one, two, three, block = _unpacked(rows[np.uint64(pairs[start] & ROW_MASK)])
                precision[one] += (twice[one] - below[one]) * above
                precision[two] += (twice[two] - below[two]) * above
                precision[three] += (twice[three] - below[three]) * above
                own_below[block, one] += below[one] + 1
                own_below[block, two] += below[two] + 1
                own_below[block, three] += below[three] + 1
                own_ranks[block, one] += ranks
                own_ranks[block, two] += ranks
                own_ranks[block, three] += ranks
                all_ranks[block] += ranks
                for column in range(len(below)):
                    rows_below[block, np.uint64(column)] += below[np.uint64(column)]
                below[one] += 2
                below[two] += 2
                below[three] += 2
            start = stop
        _errors(
            n, counts, block_rows, block_own, precision, rows_below, own_below, own_ranks,
            all_ranks, found[neuron],
        )  # fmt: skip


@compiled
@no_type_check
def _add_group(
    group, rows, ranks, above, twice, below, precision, rows_below, own_below, own_ranks, all_ranks
):  # fmt: skip
    """Walk past rows of one value; half of them count as below each."""
    for pair in group:
        own = _unpacked(rows[np.uint64(pair & ROW_MASK)])
        for side in range(3):
            precision[own[side]] += (twice[own[side]] - below[own[side]]) * above
    for pair in group:
        own = _unpacked(rows[np.uint64(pair & ROW_MASK)])
        for side in range(3):
            below[own[side]] += 1
    for pair in group:
        own = _unpacked(rows[np.uint64(pair & ROW_MASK)])
        block = own[3]
        all_ranks[block] += ranks
        for column in range(len(below)):
            rows_below[block, np.uint64(column)] += below[np.uint64(column)]
        for side in range(3):
            own_below[block, own[side]] += below[own[side]]
            own_ranks[block, own[side]] += ranks
            rows_below[block, own[side]] -= 1
    for pair in group:
        own = _unpacked(rows[np.uint64(pair & ROW_MASK)])
        for side in range(3):
            below[own[side]] += 1


@compiled
@no_type_check
def _errors(
    n, counts, block_rows, block_own, precision, rows_below, own_below, own_ranks, all_ranks, found
):  # fmt: skip
    n_blocks = len(block_rows)
    for target in range(found.shape[1]):
        inside, outside = float(counts[target]), float(n - counts[target])
        found[0, target], found[2, target], found[3, target] = 0.5, 0.0, 0.0
        if inside == 0 or outside == 0:
            found[1, target] = inside / max(n, 1)
            continue
        found[1, target] = precision[target] / inside
        ranks = 0
        for block in range(n_blocks):
            ranks += own_ranks[block, target]
        # The shares (rank / n - 1/2) of all rows sum to 0, so those outside sum to minus those
        # inside.
        effect = (ranks / (2.0 * n) - inside / 2) * (1 / inside + 1 / outside)
        auroc = 0.5 + effect
        found[0, target] = auroc
        if n_blocks < 2:
            continue
        squares = 0.0
        null_squares = 0.0
        for block in range(n_blocks):
            own = float(block_own[block, target])
            others = block_rows[block] - own
            # Half of its own group is below a row.
            negatives_below = (own_ranks[block, target] - own_below[block, target]) / 2.0
            positives_below = (rows_below[block, target] + own - own_below[block, target]) / 2.0
            deviation = (negatives_below / outside - own * auroc) / inside + (
                others - positives_below / inside - others * auroc
            ) / outside
            squares += deviation * deviation
            share = own_ranks[block, target] / (2.0 * n) - own / 2
            all_shares = all_ranks[block] / (2.0 * n) - block_rows[block] / 2.0
            part = share / inside - (all_shares - share) / outside
            null_squares += (part - effect / n_blocks) ** 2
        found[2, target] = np.sqrt(squares * n_blocks / (n_blocks - 1))
        found[3, target] = np.sqrt(null_squares * n_blocks / (n_blocks - 1))


def pack_rows(
    targets: Int[np.ndarray, "row three"], blocks: Int[np.ndarray, " row"], no_target: int
) -> UInt[np.ndarray, " row"]:
    """The three targets of each row, ``no_target`` where it has none, and its block in one number.

    Args:
        targets: below 2^16; below 0 where there is none.
        blocks: below 2^16.
        no_target: below 2^16.
    """
    parts = np.column_stack([np.where(targets < 0, no_target, targets), blocks]).astype(np.uint64)
    return np.bitwise_or.reduce(parts << (16 * np.arange(4, dtype=np.uint64)), axis=1)


@compiled
@no_type_check
def _unpacked(row):
    low = np.uint64(0xFFFF)
    two, three = row >> np.uint64(16), row >> np.uint64(32)
    return row & low, two & low, three & low, row >> np.uint64(48)


@compiled
@no_type_check
def sort_rows(values, pairs, spare):
    """Fill ``pairs``, ascending: a key in the order of the values, below it the number of the row.

    A radix sort, eleven bits at a time: the time does not depend on the values.

    Args:
        values: [row], fp32, side by side.
        pairs: [row], filled.
        spare: [row], overwritten.
    """
    bits = values.view(np.int32)
    starts = np.zeros((3, DIGITS), np.int64)
    for row in range(len(bits)):
        key = _key(bits[row])
        starts[0, key & DIGIT] += 1
        starts[1, key >> 11 & DIGIT] += 1
        starts[2, key >> 22] += 1
    for digit in range(3):
        total = 0
        for bucket in range(DIGITS):
            size = starts[digit, bucket]
            starts[digit, bucket] = total
            total += size
    for row in range(len(bits)):
        key = _key(bits[row])
        pairs[starts[0, key & DIGIT]] = key << ROW_BITS | row
        starts[0, key & DIGIT] += 1
    for pair in pairs:
        bucket = pair >> ROW_BITS + 11 & DIGIT
        spare[starts[1, bucket]] = pair
        starts[1, bucket] += 1
    for pair in spare:
        bucket = pair >> ROW_BITS + 22
        pairs[starts[2, bucket]] = pair
        starts[2, bucket] += 1


@compiled
@no_type_check
def _key(bits):
    """A number from 0 up to 2^32 in the order of the fp32 number with these bits."""
    wide = np.int64(bits)
    if wide == MINUS_ZERO:
        wide = 0
    return (wide ^ (wide >> 31 | 0x80000000)) & 0xFFFFFFFF


@compiled
@no_type_check
def auroc_of_kinds(scores, order, positives, totals):
    """AUROC of rows whose score is that of their kind; 0.5 where all or none are positive.

    Args:
        scores: [kind]; ``order``: [kind], ascending.
        positives: [kind], how many rows are positive; ``totals``: [kind], how many there are.
    """
    below, wins, n_positive = 0.0, 0.0, 0.0
    start, n = 0, len(order)
    while start < n:
        stop = start
        here, above = 0.0, 0.0  # negatives and positives in the group of equal scores
        while stop < n and scores[order[stop]] == scores[order[start]]:
            above += positives[order[stop]]
            here += totals[order[stop]] - positives[order[stop]]
            stop += 1
        wins += above * (below + here / 2)
        below += here
        n_positive += above
        start = stop
    pairs = n_positive * below
    return wins / pairs if pairs else 0.5


@compiled
@no_type_check
def auroc_within(values, positive, kinds, n_kinds):
    """AUROC over pairs of rows of the same kind, and how many rows are in such a pair.

    Args:
        values: [row], fp32, side by side; ``positive``: [row].
        kinds: [row], from 0 to ``n_kinds``.

    Returns:
        0.5 and 0 where no kind has both.
    """
    pairs = np.empty(len(values), np.int64)
    sort_rows(values, pairs, np.empty_like(pairs))
    order = pairs & ROW_MASK
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
    n_pairs, rows = 0.0, 0.0
    for kind in range(n_kinds):
        both = totals[kind, 0] * totals[kind, 1]
        n_pairs += both
        if both > 0:
            rows += totals[kind, 0] + totals[kind, 1]
    if n_pairs == 0:
        return 0.5, 0
    return wins / n_pairs, int(rows)
