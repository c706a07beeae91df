"""Kinds of heads by the size of the model, beside randomly initialised models of the same shapes.

python -m analyses.heads_by_size --valid FILE [--runs runs/studies] [--full]
"""

from __future__ import annotations

from collections import Counter
from typing import Any

from matplotlib.figure import Figure

import tinyinterp
from analyses.inputs import Inputs
from analyses.random_model import randomly_initialised
from analyses.study import Made, Row, Study
from analyses.train_models import SIZES
from tinyinterp.model import Model, require_model
from tinyinterp.views import style

TOKENS = 10_000
COLUMNS = ("layer", "head", "kind", "role", "value", "low", "high", "report_r", "report_label")


def census(inputs: Inputs, name: str, *, trained: bool = True) -> list[Row]:
    """A row a head, without the causal check, which is the slowest part."""
    if inputs.valid is None:
        raise ValueError("no text was given to measure on")
    what = "heads" if trained else "random-heads"
    return inputs.once(what, name, inputs.valid, lambda: _take(inputs, name, trained=trained))


def _take(inputs: Inputs, name: str, *, trained: bool) -> list[Row]:
    model: Any = inputs.open(name)
    require_model(model)
    if trained:
        return _rows(model, inputs)
    with randomly_initialised(model, STUDY.seed) as other:
        return _rows(other, inputs)


def _rows(model: Model, inputs: Inputs) -> list[Row]:
    found = tinyinterp.heads(
        model, inputs.valid, causal=False, max_tokens=inputs.limit, seed=STUDY.seed
    )
    return [{column: row[column] for column in COLUMNS} for row in found.table]


def measure(inputs: Inputs) -> Made:
    """Count the kinds of each model."""
    rows: list[Row] = []
    for name in inputs.models:
        for trained in (True, False):
            counts = Counter(row["kind"] for row in census(inputs, name, trained=trained))
            total = counts.total()
            rows += [
                {
                    "model": name,
                    "trained": trained,
                    "kind": kind,
                    "heads": counts[kind],
                    "share": counts[kind] / total,
                }
                for kind in style.KIND_COLOURS
            ]
    interval = "none over seeds; a head whose own interval straddles a threshold is undetermined"
    return Made(rows, interval, draw(rows))


def draw(rows: list[Row]) -> Figure:
    """A bar for each model, by kind; the random models on the right."""
    with style.settings():
        figure = Figure(figsize=(8, 3.6), facecolor="white", layout="constrained")
        panels = figure.subplots(1, 2, sharey=True)
        for axes, trained in zip(panels, (True, False), strict=True):
            mine = [row for row in rows if row["trained"] == trained]
            names = list(dict.fromkeys(row["model"] for row in mine))
            left = dict.fromkeys(names, 0.0)
            for kind, colour in style.KIND_COLOURS.items():
                shares = {row["model"]: row["share"] for row in mine if row["kind"] == kind}
                at = [left[name] for name in names]
                axes.barh(names, [shares[n] for n in names], left=at, color=colour, label=kind)
                left = {name: left[name] + shares[name] for name in names}
            axes.set(xlim=(0, 1), title="trained" if trained else "randomly initialised")
            axes.spines[["top", "right"]].set_visible(False)
        handles = panels[0].get_legend_handles_labels()
        figure.legend(*handles, loc="outside lower center", ncols=6, frameon=False, fontsize=7)
        figure.suptitle("Share of heads of each kind, one seed each")
    return figure


STUDY = Study(
    "heads_by_size", "kinds of heads by size, beside random models", measure,
    models=SIZES, least=1, texts=("valid",), limit=TOKENS,
)  # fmt: skip

if __name__ == "__main__":
    STUDY.main()
