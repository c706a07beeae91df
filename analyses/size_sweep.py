"""The report's sizes by width, layers and heads: loss, prompts and proxies, beside its own loss.

python -m analyses.size_sweep --text FILE --valid FILE [--runs runs/studies] [--full]

As Figures 1 to 3 of the report, where a judge's scores stand in place of prompts and proxies.
``size_sweep_seeds`` says how far two models of one size are apart that differ in their seed alone:
``sd`` is pooled over the sizes that were trained twice, and two single models differ by more than
their seeds explain (95 %) if they are further apart than ``beyond_seeds``.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import replace
from itertools import product

import numpy as np
from jaxtyping import Float
from scipy.stats import rankdata
from scipy.stats import t as student_t

from analyses import completed, prompts, proxies, published
from analyses.inputs import Inputs
from analyses.measured_loss import STORIES, block_loss, loss_columns
from analyses.size_sweep_picture import draw
from analyses.study import Made, Row, Study
from analyses.train_models import SIZES, TWICE
from tinyinterp.evaluation.loss_by_block import BlockLoss
from tinyinterp.evaluation.prompts import ALL
from tinyinterp.io.table import Table, is_known
from tinyinterp.statistics import block_bootstrap

LEAST_RANKED = 3
PROXIES = (
    "bits_per_byte", "names_kept", "hero_named", "unclosed_quotations", "repeated_4grams",
)  # fmt: skip
MEASURES = (
    "nats_per_token", "bits_per_byte", "answered", "p_right",
    *(f"proxy_{name}" for name in PROXIES),
)  # fmt: skip


def measure(inputs: Inputs) -> Made:
    """Measure each model, and compare the order of the sizes."""
    losses = {name: block_loss(inputs, name) for name in inputs.models}
    rows: list[Row] = []
    for name, loss in losses.items():
        size = name.removesuffix("-seed1")
        width, layers, heads = map(int, size.split("-"))
        shape = {"size": size, "width": width, "layers": layers, "heads": heads}
        row: Row = {"model": name, **shape, "seed": inputs.record(name).get("seed", 0)}
        row |= loss_columns(loss) | {"published_loss": published.LOSSES[size]}
        rows.append(row | prompt_columns(inputs, name) | proxy_columns(inputs, name))
    seeds = between_seeds(rows)
    interval = (
        "95 %: loss over blocks of stories, prompts over those that share candidates, proxies over "
        "stories; one seed"
    )
    if trained_twice := seeds[0]["sizes"]:
        interval += f" of most sizes, two of {trained_twice}"
    notes = order(rows, losses) | {"source": published.SIZES_SOURCE}
    why = "pooled over sizes; it has none of its own, and few sizes were trained twice"
    also = Table("size_sweep_seeds", seeds, notes={"interval": why})
    return Made(rows, interval, draw(rows, interval), notes, also=(also,))


def prompt_columns(inputs: Inputs, name: str) -> Row:
    """How many prompts a model answers, and what share it gives to the right continuations."""
    found = prompts.answers(replace(inputs, limit=None), name)["prompt_accuracy"]
    (row,) = (row for row in found if row["category"] == ALL)
    answered = {"answered": row["accuracy"], "answered_low": row["low"]}
    answered["answered_high"] = row["high"]
    return answered | {key: row[key] for key in ("p_right", "p_right_low", "p_right_high")}


def proxy_columns(inputs: Inputs, name: str) -> Row:
    """The proxies of a model's completions."""
    limit = completed.STORIES if inputs.limit else None
    found = proxies.of_model(replace(inputs, limit=limit), name)["rows"]
    mine = {row["measure"]: row for row in found if row["model"] == name}
    columns: Row = {}
    for proxy in PROXIES:
        for end, column in (("", "value"), ("_low", "low"), ("_high", "high")):
            columns[f"proxy_{proxy}{end}"] = mine[proxy][column]
    return columns


def between_seeds(rows: Sequence[Row]) -> list[Row]:
    """A row a measure: the deviation between seeds, pooled over the sizes that have two.

    >>> rows = [{"size": "a", **dict.fromkeys(MEASURES, value)} for value in (1.0, 2.0)]
    >>> found = between_seeds(rows)[0]
    >>> found["sizes"], round(found["sd"], 3), round(found["beyond_seeds"], 2)
    (1, 0.707, 12.71)
    """
    found: list[Row] = []
    for name in MEASURES:
        values = defaultdict[str, list[float]](list)
        for row in rows:
            if is_known(row[name]):
                values[row["size"]].append(row[name])
        pairs = [pair for pair in values.values() if len(pair) == 2]
        row: Row = {"measure": name, "sizes": len(pairs), "sd": None, "beyond_seeds": None}
        row["largest_difference"] = None
        if pairs:
            apart = [abs(one - other) for one, other in pairs]
            sd = float(np.sqrt(np.mean(np.square(apart)) / 2))
            beyond = float(student_t.ppf(0.975, len(pairs)) * sd * np.sqrt(2))
            row |= {"sd": sd, "beyond_seeds": beyond, "largest_difference": max(apart)}
        found.append(row)
    return found


def order(rows: Sequence[Row], losses: Mapping[str, BlockLoss]) -> Row:
    """Spearman's correlation of our losses with the published, over sizes.

    The interval resamples blocks of stories, the same for all models; ``spearman_over_seeds`` are
    the least and the largest value of all choices of one seed for each size.
    """
    by_size = defaultdict[str, list[str]](list)
    for row in sorted(rows, key=lambda row: row["seed"]):
        by_size[row["size"]].append(row["model"])
    found: Row = {"spearman_with_published": None, "sizes_ranked": len(by_size)}
    if len(by_size) < LEAST_RANKED:
        return found
    theirs = np.array([published.LOSSES[size] for size in by_size])
    first = [losses[names[0]] for names in by_size.values()]
    sums = (np.stack([getattr(loss, of) for loss in first], axis=1) for of in ("nats", "tokens"))
    low, high = block_bootstrap(lambda nats, tokens: spearman(nats / tokens, theirs), *sums)
    value = {row["model"]: row["nats_per_token"] for row in rows}
    choices = np.array([[value[name] for name in one] for one in product(*by_size.values())])
    over = spearman(choices, theirs)
    found |= {"spearman_with_published": float(over[0])}
    found |= {"spearman_low": float(low), "spearman_high": float(high)}
    return found | {"spearman_over_seeds": [float(over.min()), float(over.max())]}


def spearman(
    ours: Float[np.ndarray, "choice size"], theirs: Float[np.ndarray, " size"]
) -> Float[np.ndarray, " choice"]:
    """Spearman's correlation of each row with one other row.

    >>> spearman(np.array([[1.0, 2, 3], [3, 2, 1]]), np.array([2.0, 4, 9])).tolist()
    [1.0, -1.0]
    """
    x, y = rankdata(ours, axis=1), rankdata(theirs)
    x, y = x - x.mean(axis=1, keepdims=True), y - y.mean()
    return x @ y / np.sqrt((x**2).sum(axis=1) * (y @ y))


STUDY = Study(
    "size_sweep", "loss, prompts and proxies of the report's sizes, beside its loss", measure,
    models=(*SIZES, *(f"{size}-seed1" for size in TWICE)), least=1, texts=("text", "valid"),
    assets=(prompts.bundled_prompts(), proxies.REFERENCE), also=("size_sweep_seeds",),
    limit=STORIES,
)  # fmt: skip

if __name__ == "__main__":
    STUDY.main()
