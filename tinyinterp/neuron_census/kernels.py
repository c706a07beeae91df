"""The inner loops over activations, compiled: each loop reads every activation once.

All take the activations of one layer as they leave the model (``[row neuron]``, fp32, end-of-text
and padding included) and the indices of the rows that count. Each call processes the neurons from
``first`` up to ``last`` and releases the interpreter's lock, so that threads can share a layer.
Neurons are independent: results do not depend on how they are divided.

numba compiles the loops at their first call and caches the result on disk. ``no_type_check`` keeps
the test run from wrapping them.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import no_type_check

import numpy as np

from tinyinterp.compiled import compiled, in_parts

STORY_SHIFT = 24  # an id is the story's number, then this many bits of position
GROUP = 32  # neurons that share a flag: one without a hit is skipped whole
SLICE = 64  # a thread gets a multiple of this many neurons


def over_neurons(work: Callable[[int, int], None], n_neurons: int) -> None:
    """Call ``work(first, last)`` for parts of a layer, in parallel."""
    in_parts(work, n_neurons, SLICE)


@compiled
@no_type_check
def enter(values, ids, value, number, per_story):
    """Insert a value into a sorted list, unless it is too small.

    Largest first; of equal values the one with the smallest id. With ``per_story`` a story has one
    entry, its best.
    """
    last = len(values) - 1
    if value < values[last] or (value == values[last] and number > ids[last]):
        return
    if per_story:
        for i in range(last + 1):
            if ids[i] >> STORY_SHIFT == number >> STORY_SHIFT:
                if value < values[i] or (value == values[i] and number >= ids[i]):
                    return
                last = i
                break
    while last > 0 and (
        value > values[last - 1] or (value == values[last - 1] and number < ids[last - 1])
    ):
        values[last], ids[last] = values[last - 1], ids[last - 1]
        last -= 1
    values[last], ids[last] = value, number


@compiled
@no_type_check
def fit_rows(
    values, rows, ids, types, positions, by_type, by_position, high, high_ids, low, low_ids,
    upper, lower, per_story, first, last,
):  # fmt: skip
    """Add rows to the sums by token type and by position, and to both lists of extremes.

    Args:
        values: [row neuron].
        rows: which rows count; the arrays after it have an entry for each.
        by_type: [type neuron], fp64. Fastest if rows of one type follow one another.
        by_position: [position neuron], fp64.
        high: [neuron k], the largest; ``low``: the smallest, negated.
        upper: [neuron], the last value of each list ``high``; ``lower``: that of ``low``.
    """
    flags = np.zeros(-(-(last - first) // GROUP), np.int32)
    for index in range(len(rows)):
        row = values[rows[index], first:last]
        _add(by_type[types[index], first:last], row)
        _add(by_position[positions[index], first:last], row)
        _flag_outside(row, upper[first:last], lower[first:last], flags)
        _enter_flagged(
            row, ids[index], flags, high[first:last], high_ids[first:last], low[first:last],
            low_ids[first:last], upper[first:last], lower[first:last], per_story,
        )  # fmt: skip


@compiled
@no_type_check
def test_rows(
    values, rows, ids, types, positions, blocks, targets, level, predicted, moments, above_zero,
    block_hits, target_hits, type_hits, high, high_ids, low, low_ids, upper, lower, listed,
    per_story, first, last,
):  # fmt: skip
    """Count hits by block, target and type, add to the moments and to the lists of extremes.

    Args:
        values: as for :func:`fit_rows`, like every argument of the same name.
        targets: [row three], the columns of ``target_hits`` that a row counts in; below 0: none.
        level: [neuron], a row that reaches it is a hit.
        predicted: [position neuron], what position alone predicts.
        moments: [3 block neuron], fp64: sums, squares, squared errors of ``predicted``.
        above_zero: [neuron], rows above zero.
        block_hits: [block neuron].
        target_hits: [block target neuron].
        type_hits: [type neuron].
        listed: whether these rows may enter the lists.
    """
    flags = np.zeros(-(-(last - first) // GROUP), np.int32)
    for index in range(len(rows)):
        row, block = values[rows[index], first:last], blocks[index]
        _add(moments[0, block, first:last], row)
        _add_squares(moments[1, block, first:last], row)
        _add_errors(moments[2, block, first:last], row, predicted[positions[index], first:last])
        _count_above_zero(above_zero[first:last], row)
        _flag_hits(row, level[first:last], flags)
        _count_hits(
            row, level[first:last], flags, block_hits[block, first:last],
            target_hits[block, :, first:last], type_hits[types[index], first:last], targets[index],
        )  # fmt: skip
        if listed:
            _flag_outside(row, upper[first:last], lower[first:last], flags)
            _enter_flagged(
                row, ids[index], flags, high[first:last], high_ids[first:last], low[first:last],
                low_ids[first:last], upper[first:last], lower[first:last], per_story,
            )  # fmt: skip


@compiled
@no_type_check
def list_rows(
    values, ids, high, high_ids, low, low_ids, upper, lower, first, last
):  # fmt: skip
    """Add all rows to both lists of extremes; arguments as for :func:`fit_rows`."""
    flags = np.zeros(-(-(last - first) // GROUP), np.int32)
    for index in range(len(values)):
        row = values[index, first:last]
        _flag_outside(row, upper[first:last], lower[first:last], flags)
        _enter_flagged(
            row, ids[index], flags, high[first:last], high_ids[first:last], low[first:last],
            low_ids[first:last], upper[first:last], lower[first:last], per_story=False,
        )  # fmt: skip


@compiled
@no_type_check
def add_by_target(values, rows, blocks, targets, sums, squares, first, last):
    """Add rows to the sums of each of their targets, and to the sums of squares.

    Args:
        values: as for :func:`test_rows`, like every argument of the same name.
        sums: [block target neuron], fp64.
        squares: [block neuron], fp64.
    """
    for index in range(len(rows)):
        row, block = values[rows[index], first:last], blocks[index]
        _add_squares(squares[block, first:last], row)
        for target in targets[index]:
            if target >= 0:
                _add(sums[block, target, first:last], row)


@compiled
@no_type_check
def _enter_flagged(
    row, number, flags, high, high_ids, low, low_ids, upper, lower, per_story
):  # fmt: skip
    for group in range(len(flags)):
        if flags[group]:
            for n in range(group * GROUP, min((group + 1) * GROUP, len(row))):
                x = row[n]
                if x >= upper[n]:
                    enter(high[n], high_ids[n], x, number, per_story)
                    upper[n] = high[n, -1]
                if x <= lower[n]:
                    enter(low[n], low_ids[n], -x, number, per_story)
                    lower[n] = -low[n, -1]


@compiled
@no_type_check
def _count_hits(row, level, flags, block_hits, target_hits, type_hits, targets):
    for group in range(len(flags)):
        if flags[group]:
            for n in range(group * GROUP, min((group + 1) * GROUP, len(row))):
                if row[n] >= level[n]:
                    block_hits[n] += 1
                    type_hits[n] += 1
                    for target in targets:
                        if target >= 0:
                            target_hits[target, n] += 1


# Branch-free loops over whole slices: only these compile to vector instructions.


@compiled
@no_type_check
def _add(sums, row):
    for n in range(len(row)):
        sums[n] += np.float64(row[n])


@compiled
@no_type_check
def _add_squares(sums, row):
    for n in range(len(row)):
        x = np.float64(row[n])
        sums[n] += x * x


@compiled
@no_type_check
def _add_errors(sums, row, predicted):
    for n in range(len(row)):
        error = np.float64(row[n]) - np.float64(predicted[n])
        sums[n] += error * error


@compiled
@no_type_check
def _count_above_zero(counts, row):
    for n in range(len(row)):
        counts[n] += np.int32(row[n] > 0)


@compiled
@no_type_check
def _flag_hits(row, level, flags):
    """Count, for each group of neurons, how many reach their level."""
    for group in range(len(flags)):
        part = row[group * GROUP : (group + 1) * GROUP]
        levels = level[group * GROUP : (group + 1) * GROUP]
        found = np.int32(0)
        for n in range(len(part)):
            found += np.int32(part[n] >= levels[n])
        flags[group] = found


@compiled
@no_type_check
def _flag_outside(row, upper, lower, flags):
    """Count, for each group of neurons, how many reach the upper or lower bound of their lists."""
    for group in range(len(flags)):
        part = row[group * GROUP : (group + 1) * GROUP]
        above = upper[group * GROUP : (group + 1) * GROUP]
        below = lower[group * GROUP : (group + 1) * GROUP]
        found = np.int32(0)
        for n in range(len(part)):
            found += np.int32(part[n] >= above[n]) + np.int32(part[n] <= below[n])
        flags[group] = found
