"""Examples from the whole range of every neuron, where top activations show only its end.

The range of a neuron is cut into bands by its largest activation over the whole text: quarters of
it, and everything below zero. From each band come a few of the sampled tokens, evenly spaced in
reading order, and the share of the sample that lies in the band.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pyarrow as pa
from jaxtyping import Float, Int

from tinyinterp.io.table import rounded_array
from tinyinterp.neuron_census.kernels import over_neurons
from tinyinterp.neuron_census.sample_kernels import pick_rows
from tinyinterp.neuron_census.tables import HitColumns, arrow_table

# From the highest; each begins at this share of the largest activation.
BANDS = {"top": 0.75, "upper": 0.5, "middle": 0.25, "lower": 0.0, "below zero": -np.inf}
EACH = 3  # examples of a band


@dataclass(frozen=True)
class RangePicks:
    """The chosen tokens of one layer, by neuron, band and rank."""

    neurons: Int[np.ndarray, " pick"]
    bands: Int[np.ndarray, " pick"]
    ranks: Int[np.ndarray, " pick"]  # from 1, in reading order
    rows: Int[np.ndarray, " pick"]  # of the sample
    activations: Float[np.ndarray, " pick"]
    shares: Float[np.ndarray, " pick"]  # of the sampled tokens that lie in the band


def pick_range(
    values: Float[np.ndarray, "row neuron"], largest: Float[np.ndarray, " neuron"]
) -> RangePicks:
    """Choose up to :data:`EACH` rows of each neuron and band.

    Args:
        values: the activations at the sampled tokens.
        largest: of each neuron over the whole text.
    """
    columns, (n_rows, n_neurons) = np.ascontiguousarray(values.T), values.shape
    starts = np.array(list(BANDS.values())[:-1])  # none is met below zero
    bounds = _least_fp32(starts * np.maximum(largest, 0.0)[:, None].astype(np.float64))
    counts = np.zeros((n_neurons, len(BANDS)), dtype=np.int64)
    picked = np.zeros((n_neurons, len(BANDS), EACH), dtype=np.int64)
    over_neurons(
        lambda first, last: pick_rows(columns, bounds, counts, picked, first, last), n_neurons
    )
    neurons, bands, ranks = np.nonzero(picked >= 0)
    shares = counts[neurons, bands] / max(n_rows, 1)
    rows = picked[neurons, bands, ranks]
    return RangePicks(neurons, bands, ranks + 1, rows, values[rows, neurons], shares)


def _least_fp32(bounds: Float[np.ndarray, "*shape"]) -> Float[np.ndarray, "*shape"]:
    """The least fp32 number that is not below each: the same fp32 numbers are below both."""
    near = bounds.astype(np.float32)
    return np.where(near < bounds, np.nextafter(near, np.float32(np.inf)), near)


def range_table(
    layer: int,
    picks: RangePicks,
    ids: Int[np.ndarray, " row"],
    hits: HitColumns,
) -> pa.Table:
    """A row per example, by neuron, band and rank; ``share`` is that of the band.

    Args:
        ids: of the sampled tokens.
        hits: at least those with the ids that were picked.
    """
    columns = {
        "layer": np.full(len(picks.rows), layer),
        "neuron": picks.neurons,
        "band": pa.array(list(BANDS)).take(pa.array(picks.bands)),
        "share": rounded_array(picks.shares),
        "rank": picks.ranks,
        "activation": rounded_array(picks.activations.astype(np.float64) + 0.0),
    }
    return arrow_table(columns | hits.columns(ids[picks.rows]))
