"""The loops over the sample, compiled: a neuron's activations lie side by side.

As in :mod:`tinyinterp.neuron_census.kernels`, each call processes the neurons from ``first`` up to
``last``, and results do not depend on how they are divided.
"""

from __future__ import annotations

from typing import no_type_check

import numpy as np

from tinyinterp.compiled import compiled

TILE = 64  # rows that are turned at a time: they stay in the cache
GROUP = 32  # neurons, likewise


@compiled
@no_type_check
def keep_rows(values, rows, kept, start, first, last):
    """Copy rows to ``kept`` [neuron row], from its row ``start`` on."""
    for tile in range(0, len(rows), TILE):
        for group in range(first, last, GROUP):
            for index in range(tile, min(tile + TILE, len(rows))):
                for n in range(group, min(group + GROUP, last)):
                    kept[n, start + index] = values[rows[index], n]


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
        bounds: [neuron bound], descending: the number of bounds above a value is its band.
        counts: [neuron band], filled.
        picked: [neuron band k], filled with up to ``k`` rows of each band; -1: no more.
    """
    n_bands, most = picked.shape[1:]
    seen = np.empty(n_bands, np.int64)
    bands = np.empty(values.shape[1], np.int8)
    for n in range(first, last):
        bands[:] = 0
        for bound in bounds[n]:
            _add_below(bands, values[n], bound)
        counts[n] = 0
        for band in bands:
            counts[n, band] += 1
        wanted = np.full((n_bands, most + 1), -1)
        for band in range(n_bands):
            each = min(most, counts[n, band])
            for k in range(each):
                wanted[band, k] = int((k + 0.5) * counts[n, band] / each)
        picked[n] = -1
        seen[:] = 0
        next_ = np.zeros(n_bands, np.int64)
        for row in range(len(bands)):
            band = bands[row]
            if seen[band] == wanted[band, next_[band]]:
                picked[n, band, next_[band]] = row
                next_[band] += 1
            seen[band] += 1


@compiled
@no_type_check
def _add_below(bands, values, bound):
    for row in range(len(values)):
        bands[row] += np.int8(values[row] < bound)
