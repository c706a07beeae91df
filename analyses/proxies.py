"""Proxies of quality by size, and whether they rank the sizes as the report's Gemini scores do.

python -m analyses.proxies --text FILE --valid FILE [--runs runs/studies]

A proxy is no score (docs/evaluation.md). ``proxies_agreement`` has Spearman's correlation of each
with each score over the sizes, with the p-value of a permutation test; beside them stands the
loss that the report published, which no text went into.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from matplotlib.figure import Figure

from analyses import published
from analyses.completed import STORIES, completions
from analyses.inputs import Inputs
from analyses.intervals import arms
from analyses.study import Made, Row, Study
from analyses.train_models import SIZES
from tinyinterp.checkpoint.folder import bundled_folder
from tinyinterp.evaluation.agreement import agreement_table
from tinyinterp.evaluation.openings import ORIGINAL
from tinyinterp.evaluation.proxies import measure_proxies
from tinyinterp.io.table import Table, is_known
from tinyinterp.model import load
from tinyinterp.text.stories import read_stories
from tinyinterp.views import style

REFERENCE = bundled_folder() / "model.safetensors"
SHARE = "0.4"
SCORES = ("creativity", "grammar", "consistency", "plot")


def measure(inputs: Inputs) -> Made:
    """Measure the completions of each model under the bundled one."""
    found = {name: of_model(inputs, name) for name in inputs.models}
    rows = [row for mine in found.values() for row in mine["rows"] if row["model"] != ORIGINAL]
    first = next(iter(found.values()))
    rows += [row for row in first["rows"] if row["model"] == ORIGINAL]
    scores = {
        score: {size.name: getattr(size, score) for size in published.SIZES} for score in SCORES
    }
    losses = [
        {"model": size.name, "share": "", "measure": "published loss", "value": size.loss}
        for size in published.SIZES
    ]
    agreement = list(agreement_table([*rows, *losses], scores, STUDY.seed))
    notes = first["notes"] | {"scores": f"{published.SIZES_SOURCE}, by Gemini 1.5 Flash"}
    why = "none: eight models are too few; p-values are those of a permutation test; one seed"
    also = Table("proxies_agreement", agreement, notes={"interval": why})
    return Made(rows, "95 %, over stories; one seed", draw(rows), notes, also=(also,))


def of_model(inputs: Inputs, name: str) -> dict[str, Any]:
    """Means, with intervals, of a model's completions and of the original stories."""
    text, valid = inputs.text, inputs.valid
    if text is None or valid is None:
        raise ValueError("no texts were given to measure on")
    return inputs.once(
        "proxies", name, (valid, text, REFERENCE), lambda: _measure(inputs, name, text), opens=False
    )


def _measure(inputs: Inputs, name: str, text: Path) -> dict[str, Any]:
    done = [each for each in completions(inputs, name) if each.share == SHARE]
    means, _ = measure_proxies(done, load(None), read_stories(text), seed=STUDY.seed)
    return {"rows": json.loads(means.to_json())["rows"], "notes": means.notes}


def draw(rows: list[Row]) -> Figure:
    """A panel a proxy: a point a size, and a band for the original stories."""
    measures = list(dict.fromkeys(row["measure"] for row in rows))
    with style.settings():
        figure = Figure(figsize=(9, 4.8), facecolor="white", layout="constrained")
        panels = figure.subplots(2, (len(measures) + 1) // 2, squeeze=False).ravel()
        for axes, name in zip(panels, measures, strict=False):
            mine = [row for row in rows if row["measure"] == name and is_known(row["low"])]
            models = [row for row in mine if row["model"] != ORIGINAL]
            values, bars = [row["value"] for row in models], arms(models, "value", "low", "high")
            colour = style.LINE_COLOURS[0]
            axes.errorbar(range(len(models)), values, bars, fmt="o", color=colour, capsize=2)
            for row in mine:
                if row["model"] == ORIGINAL:
                    axes.axhspan(row["low"], row["high"], color=style.FAINT, alpha=0.4)
            names = [row["model"] for row in models]
            axes.set_xticks(range(len(models)), names, rotation=60, fontsize=6.5)
            axes.set_title(name.replace("_", " "), fontsize=8)
            axes.spines[["top", "right"]].set_visible(False)
        for axes in panels[len(measures) :]:
            axes.set_visible(False)
        figure.suptitle("Proxies by size, one seed each; band: the original stories")
    return figure


STUDY = Study(
    "proxies", "proxies of quality by size, beside the report's scores", measure,
    models=SIZES, least=1, texts=("text", "valid"), assets=(REFERENCE,),
    also=("proxies_agreement",), limit=STORIES,
)  # fmt: skip

if __name__ == "__main__":
    STUDY.main()
