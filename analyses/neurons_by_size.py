"""Kinds of neurons of two layers, the report's 1 and 4, by the size of the model.

python -m analyses.neurons_by_size --valid FILE [--runs runs/studies] [--full]
"""

from __future__ import annotations

from collections import Counter
from typing import Any

import numpy as np
from matplotlib.figure import Figure

import tinyinterp
from analyses.inputs import Inputs
from analyses.study import Made, Row, Study
from analyses.train_models import SIZES
from tinyinterp.statistics import wilson_interval
from tinyinterp.views import style
from tinyinterp.views.kind_shares import draw_kind_shares

LAYERS = (1, 4)  # whose neurons the report shows
TOKENS = 20_000


def measure(inputs: Inputs) -> Made:
    """Count the kinds of each layer of each model."""
    if inputs.valid is None:
        raise ValueError("no text was given to measure on")
    rows: list[Row] = []
    for name in inputs.models:
        kinds = inputs.once("neurons", name, inputs.valid, lambda name=name: _kinds(inputs, name))
        for layer, found in zip(LAYERS, kinds, strict=True):
            counts, total = Counter(found), len(found)
            for kind in style.NEURON_COLOURS:
                low, high = wilson_interval(np.array([counts[kind]]), np.array([total]))
                about = {"model": name, "layer": layer, "kind": kind, "neurons": counts[kind]}
                about |= {"share": counts[kind] / total, "low": low[0], "high": high[0]}
                rows.append(about)
    interval = "Wilson's, 95 %, over the neurons of a layer; one seed"
    return Made(rows, interval, draw(rows))


def _kinds(inputs: Inputs, name: str) -> list[list[str]]:
    model: Any = inputs.open(name)
    found = tinyinterp.neurons(
        model, inputs.valid, layer=LAYERS, null_tokens=0, max_tokens=inputs.limit, seed=STUDY.seed
    )
    return [[row["kind"] for row in found.table if row["layer"] == layer] for layer in LAYERS]


def draw(rows: list[Row]) -> Figure:
    """A panel for each model."""
    shares: dict[str, dict[int, dict[str, float]]] = {}
    for row in rows:
        of_layer = shares.setdefault(row["model"], {}).setdefault(row["layer"], {})
        of_layer[row["kind"]] = row["share"]
    return draw_kind_shares(shares, "Kinds of neurons, one seed each")


STUDY = Study(
    "neurons_by_size", "kinds of neurons of two layers by size", measure,
    models=SIZES, least=1, texts=("valid",), limit=TOKENS,
)  # fmt: skip

if __name__ == "__main__":
    STUDY.main()
