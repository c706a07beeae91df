"""The tables of one layer beside that of its neurons: associations, histograms, extremes."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import numpy as np
import pyarrow as pa
from jaxtyping import Float, Int

from tinyinterp.io.table import METADATA, rounded, rounded_array
from tinyinterp.neuron_census.association import Association
from tinyinterp.neuron_census.contexts import Hit
from tinyinterp.neuron_census.evidence import Judged
from tinyinterp.neuron_census.extremes import NOWHERE
from tinyinterp.neuron_census.kernels import count_bins, over_neurons

BINS = 40


def association_table(
    layer: int, association: Association, judged: Judged, notes: Mapping[str, Any]
) -> pa.Table:
    """A row for each neuron and target; targets with too few tokens have AUROC 0.5 and q 1."""
    known, n_neurons = association.all_targets, association.auroc.shape[1]
    columns = {
        "layer": np.full(n_neurons * known.n, layer),
        "neuron": np.repeat(np.arange(n_neurons), known.n),
        "target": [known.side_of(target) for target in range(known.n)] * n_neurons,
        "tag": [known.tag_of(target) for target in range(known.n)] * n_neurons,
        "tested": np.tile(association.tested, n_neurons),
        "auroc": _column(association.auroc),
        "auroc_low": _column(association.low),
        "auroc_high": _column(association.high),
        "average_precision": _column(association.precision),
        "purity": _column(judged.purity),
        "lift": _column(judged.lift),
        "q_value": _column(association.q),
    }
    return _table(columns, notes)


def histogram_table(
    layer: int,
    values: Float[np.ndarray, "row neuron"],
    smallest: Float[np.ndarray, " neuron"],
    largest: Float[np.ndarray, " neuron"],
    notes: Mapping[str, Any],
) -> pa.Table:
    """Counts of sampled activations in equal bins between the extremes over the whole text.

    All are in the first bin where both are equal.
    """
    low, high = smallest.astype(np.float64), largest.astype(np.float64)
    counts = np.zeros((len(low), BINS), dtype=np.int64)
    bins_each = BINS / np.where(high > low, high - low, 1.0)
    over_neurons(
        lambda first, last: count_bins(values, low, bins_each, counts, first, last), len(low)
    )
    columns = {
        "layer": np.full(len(low), layer),
        "neuron": np.arange(len(low)),
        "low": [rounded(value) for value in low.tolist()],
        "high": [rounded(value) for value in high.tolist()],
        "counts": counts.tolist(),
    }
    return _table(columns, notes)


def hit_table(
    layer: int,
    values: Float[np.ndarray, "neuron k"],
    ids: Int[np.ndarray, "neuron k"],
    hits: Mapping[int, Hit],
    notes: Mapping[str, Any],
) -> pa.Table:
    """A row a hit, by neuron and rank."""
    neurons, places = np.nonzero(ids != NOWHERE)
    found = [hits[number] for number in ids[neurons, places].tolist()]
    columns = {
        "layer": np.full(len(found), layer),
        "neuron": neurons,
        "rank": places + 1,
        "activation": [rounded(value + 0.0) for value in values[neurons, places].tolist()],
    }
    columns |= {
        name: [getattr(hit, name) for hit in found]
        for name in ("token", "before", "after", "tag", "story", "position")
    }
    return _table(columns, notes)


def _column(values: Float[np.ndarray, "target neuron"]) -> Float[np.ndarray, " row"]:
    return rounded_array(values.T.ravel())


def _table(columns: Mapping[str, Any], notes: Mapping[str, Any]) -> pa.Table:
    text = {"token", "before", "after", "tag", "target"}
    arrays = {
        name: pa.array(values, pa.string() if name in text else None)
        for name, values in columns.items()
    }
    return pa.table(arrays).replace_schema_metadata({METADATA: json.dumps(notes)})
