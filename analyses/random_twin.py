"""A trained model beside its randomly initialised one: what each measure says of no training.

python -m analyses.random_twin --valid FILE [--runs runs/studies]

A measure that gives a random model what it gives a trained one says nothing about training.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from typing import Any

import numpy as np
from matplotlib.figure import Figure

import tinyinterp
from analyses.inputs import Inputs
from analyses.intervals import arms
from analyses.neurons_by_size import LAYERS
from analyses.random_model import randomly_initialised
from analyses.study import Made, Row, Study
from tinyinterp.evaluation.prompts import ALL, answer_prompts
from tinyinterp.io.table import Table, is_known
from tinyinterp.model import Model
from tinyinterp.statistics import block_bootstrap, wilson_interval
from tinyinterp.views import style

MODEL = "256-8-4"
TOKENS = 10_000
HEAD_MEANS = ("contrast", "position_explained", "place_explained", "sink")
NEURON_MEANS = ("auroc", "purity", "density")


def measure(inputs: Inputs) -> Made:
    """Take both censuses, and the prompts, of both models."""
    if inputs.valid is None:
        raise ValueError("no text was given to measure on")
    rows = inputs.once("random", MODEL, inputs.valid, lambda: _of_both(inputs))
    interval = "95 %, over heads, neurons or prompts; one seed"
    return Made(rows, interval, draw(rows), {"layers_of_neurons": LAYERS})


def _of_both(inputs: Inputs) -> list[Row]:
    model: Any = inputs.open(MODEL)
    rows = _of_model(model, inputs, "trained")
    with randomly_initialised(model, STUDY.seed) as other:
        return rows + _of_model(other, inputs, "random")


def _of_model(model: Model, inputs: Inputs, name: str) -> list[Row]:
    seed = STUDY.seed
    heads = tinyinterp.heads(
        model, inputs.valid, causal=False, max_tokens=inputs.limit, seed=seed
    ).table
    neurons = tinyinterp.neurons(
        model, inputs.valid, layer=LAYERS, null_tokens=0, max_tokens=inputs.limit, seed=seed
    ).table
    found = [
        *_kinds("heads", heads, style.KIND_COLOURS),
        *_means("heads", heads, HEAD_MEANS),
        *_kinds("neurons", neurons, style.NEURON_COLOURS),
        *_means("neurons", neurons, NEURON_MEANS),
    ]
    labels = heads["report_label"]
    found.append(
        _share("heads", "semantic by the report's rule", labels.count("semantic"), len(labels))
    )
    answered = answer_prompts(model, name=name).accuracy.row(model=name, category=ALL)
    about = {"of": "prompts", "measure": "answered", "value": answered["accuracy"]}
    found.append(about | {"low": answered["low"], "high": answered["high"]})
    return [{"model": name, **row} for row in found]


def _kinds(of: str, table: Table, kinds: Iterable[str]) -> list[Row]:
    counts = Counter(table["kind"])
    return [_share(of, kind, counts[kind], counts.total()) for kind in kinds]


def _share(of: str, what: str, count: int, total: int) -> Row:
    low, high = wilson_interval(np.array([float(count)]), np.array([float(total)]))
    return {"of": of, "measure": what, "value": count / total, "low": low[0], "high": high[0]}


def _means(of: str, table: Table, columns: Iterable[str]) -> list[Row]:
    rows: list[Row] = []
    for column in columns:
        values = np.array([value for value in table[column] if is_known(value)], dtype=np.float64)
        low, high = block_bootstrap(np.divide, values, np.ones(len(values)), seed=STUDY.seed)
        about = {"of": of, "measure": f"mean {column}", "value": float(values.mean())}
        rows.append(about | {"low": float(low), "high": float(high)})
    return rows


def draw(rows: list[Row]) -> Figure:
    """A line a measure: the trained model, the random one, and their intervals."""
    names = list(dict.fromkeys((row["of"], row["measure"]) for row in rows))
    with style.settings():
        size = (6.4, 0.23 * len(names) + 1)
        figure = Figure(figsize=size, facecolor="white", layout="constrained")
        axes = figure.subplots()
        for colour, model in zip(style.LINE_COLOURS, ("trained", "random"), strict=False):
            mine = {(row["of"], row["measure"]): row for row in rows if row["model"] == model}
            at = [place + (0.15 if model == "random" else -0.15) for place in range(len(names))]
            points = [mine[name] for name in names]
            values, bars = [row["value"] for row in points], arms(points, "value", "low", "high")
            axes.errorbar(values, at, xerr=bars, fmt="o", markersize=3, color=colour, label=model)
        axes.set_yticks(range(len(names)), [f"{of}: {what}" for of, what in names], fontsize=7)
        axes.invert_yaxis()
        axes.set_title(f"{MODEL}, trained and randomly initialised")
        axes.legend(frameon=False, fontsize=7)
        axes.spines[["top", "right"]].set_visible(False)
    return figure


STUDY = Study(
    "random_twin", "a trained model beside its randomly initialised one", measure,
    models=(MODEL,), texts=("valid",), limit=TOKENS,
)  # fmt: skip

if __name__ == "__main__":
    STUDY.main()
