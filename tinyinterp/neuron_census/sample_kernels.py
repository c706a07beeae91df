"""The loops over the sample, compiled: a neuron's activations lie side by side.

As in :mod:`tinyinterp.neuron_census.kernels`, each call processes the neurons from ``first`` up to
``last``, and results do not depend on how they are divided.
"""

from __future__ import annotations

from typing import no_type_check

import numpy as np

from tinyinterp.compiled import compiled

SPAN = 256  # rows that are counted together
TILE = 64  # rows that are turned at a time: they stay in the cache
GROUP = 32  # neurons, likewise


@compiled
@no_type_check
def turn_rows(values, rows, columns, first, last):
    """Copy rows of ``values`` [row neuron], in this order, to ``columns`` [neuron row]."""
    for tile in range(0, len(rows), TILE):
        for group in range(first, last, GROUP):
            for index in range(tile, min(tile + TILE, len(rows))):
                for n in range(group, min(group + GROUP, last)):
                    columns[n, index] = values[rows[index], n]


@compiled
@no_type_check
def count_bins(values, low, bins_each, counts, first, last):
    """Count values [neuron row] in equal bins from ``low`` up; outliers go to the end bins."""
    last_bin = counts.shape[1] - 1
    for n in range(first, last):
        for value in values[n]:
            bin_ = int((value - low[n]) * bins_each[n])
            counts[n, min(max(bin_, 0), last_bin)] += 1


@compiled
@no_type_check
def pick_rows(values, bounds, counts, picked, first, last):
    """Count values in bands, and pick rows of each band, evenly spaced.

    Args:
        values: [neuron row].
        bounds: [neuron bound], fp32, descending: the number of bounds above a value is its band.
        counts: [neuron band], filled.
        picked: [neuron band k], filled with up to ``k`` rows of each band; -1: no more.
    """
    n_rows, (n_bands, most) = values.shape[1], picked.shape[1:]
    below = np.empty((-(-n_rows // SPAN), n_bands), np.int64)  # rows of a span below each bound
    for n in range(first, last):
        for span in range(len(below)):
            part = values[n, span * SPAN : (span + 1) * SPAN]
            for band in range(n_bands - 1):
                below[span, band] = _count_below(part, bounds[n, band])
            below[span, n_bands - 1] = 0
        picked[n] = -1
        for band in range(n_bands):
            total = 0
            for span in range(len(below)):
                total += _in_band(below[span], band, min(SPAN, n_rows - span * SPAN))
            counts[n, band] = total
            each = min(most, total)
            span, before = 0, 0  # rows of the band before the span
            for k in range(each):
                wanted = int((k + 0.5) * total / each)
                here = _in_band(below[span], band, min(SPAN, n_rows - span * SPAN))
                while before + here <= wanted:
                    before += here
                    span += 1
                    here = _in_band(below[span], band, min(SPAN, n_rows - span * SPAN))
                row, seen = span * SPAN - 1, before - 1
                while seen < wanted:
                    row += 1
                    seen += _band_of(values[n, row], bounds[n]) == band
                picked[n, band, k] = row


@compiled
@no_type_check
def _in_band(below, band, n_rows):
    """How many of the rows of a span are in a band: above it end those of the band before."""
    more = n_rows if band == 0 else below[band - 1]
    return more - below[band] if band < len(below) - 1 else more


@compiled
@no_type_check
def _band_of(value, bounds):
    band = 0
    for bound in bounds:
        band += value < bound
    return band


@compiled
@no_type_check
def _count_below(values, bound):
    found = np.int32(0)
    for row in range(len(values)):
        found += np.int32(values[row] < bound)
    return found
