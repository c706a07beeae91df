"""Whether two measures put models in the same order: Spearman's correlation over models."""

from __future__ import annotations

import csv
import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from itertools import permutations
from pathlib import Path

import numpy as np
from jaxtyping import Float
from scipy import stats

from tinyinterp.errors import SelectionError
from tinyinterp.io.table import Table, is_known
from tinyinterp.statistics import q_values

EXACT = 8  # models, up to which all orders are tried
DRAWS = 20_000  # random orders beyond that
LEAST = 4  # models; of three, no order is a finding
EVEN = 1e-12  # correlations that differ by less are the same


@dataclass(frozen=True)
class Agreement:
    """Spearman's correlation over models, with the chance of one as strong between random orders.

    An interval would need more models than there are; the p-value is that of a permutation test,
    two-sided, exact up to eight models.
    """

    rho: float
    p_value: float
    models: int


def rank_correlation(
    one: Mapping[str, float], other: Mapping[str, float], seed: int = 0
) -> Agreement:
    """Agreement of two measures over the models that both know; ties share their mean rank.

    Args:
        one: value of each model.
        other: the same of another measure.
        seed: of the random orders, with more than eight models.

    Returns:
        NaN with fewer than four models, or if all are equal in one measure.

    >>> rank_correlation({"a": 1, "b": 2, "c": 3, "d": 4}, {"a": 2, "b": 3, "c": 5, "d": 9})
    Agreement(rho=1.0, p_value=0.08333333333333333, models=4)
    """
    names = [name for name in one if is_known(one[name]) and is_known(other.get(name))]
    x, y = (_ranks([values[name] for name in names]) for values in (one, other))
    scale = float(np.sqrt((x @ x) * (y @ y)))
    if len(names) < LEAST or not scale:
        return Agreement(math.nan, math.nan, len(names))
    rho = float(x @ y) / scale
    if len(names) <= EXACT:
        orders = np.array(list(permutations(range(len(names)))))
    else:
        random = np.random.default_rng(seed)
        orders = np.array([random.permutation(len(names)) for _ in range(DRAWS)])
        orders[0] = np.arange(len(names))  # the order that was found counts, too
    as_strong = np.abs(y[orders] @ x) / scale >= abs(rho) - EVEN
    return Agreement(rho, float(as_strong.mean()), len(names))


def agreement_table(
    means: Iterable[Mapping[str, object]],
    scores: Mapping[str, Mapping[str, float]],
    seed: int = 0,
) -> Table:
    """Agreement of every measure with every published score, over models.

    Args:
        means: rows with ``model``, ``share``, ``measure`` and ``value``, such as those of
            :func:`tinyinterp.evaluation.proxies.measure_proxies`.
        scores: value of each model, by score.
        seed: of the permutation test.

    Returns:
        A row for each share, measure and score: ``rho``, ``p_value``, ``q_value``
        (Benjamini-Hochberg over all rows), ``models``. Pairs that cannot be ranked are left out.
    """
    values: dict[tuple[str, str], dict[str, float]] = {}
    for row in means:
        if is_known(value := row["value"]):
            key = (str(row["share"]), str(row["measure"]))
            values.setdefault(key, {})[str(row["model"])] = float(str(value))
    found = []
    for (share, measure), of_models in values.items():
        for score, published in scores.items():
            agreement = rank_correlation(of_models, published, seed)
            if is_known(agreement.rho):
                found.append((share, measure, score, agreement))
    q = q_values(np.array([each.p_value for *_, each in found])) if found else []
    rows = [
        {
            "share": share,
            "measure": measure,
            "score": score,
            "rho": each.rho,
            "p_value": each.p_value,
            "q_value": float(q_value),
            "models": each.models,
        }
        for (share, measure, score, each), q_value in zip(found, q, strict=True)
    ]
    return Table("agreement", rows)


def read_scores(path: Path) -> dict[str, dict[str, float]]:
    """Scores of models, from a CSV with a row a model: ``model``, then a column for each score.

    Returns:
        Value of each model, by score; empty cells are left out.

    Raises:
        SelectionError: it cannot be read, has no such columns, names a model twice, or a value is
            no number.
    """
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            rows = list(csv.DictReader(file, strict=True))
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise SelectionError(f"{path} cannot be read as a CSV of scores: {error}") from None
    names = [name for name in (rows[0] if rows else {}) if name and name != "model"]
    if not names or "model" not in rows[0]:
        raise SelectionError(
            f"{path} has no scores; expected a column 'model', one for each score, and a row for "
            "each model"
        )
    scores: dict[str, dict[str, float]] = {name: {} for name in names}
    seen = set[str]()
    for number, row in enumerate(rows, 2):
        model = row["model"]
        if not model or model in seen:
            given = "names no model" if not model else f"names {model!r} again"
            raise SelectionError(f"line {number} of {path} {given}; name each model once")
        seen.add(model)
        for name in names:
            if (cell := row[name]) and cell.strip():
                scores[name][model] = _number(cell, f"{name} of {model!r} in {path}")
    return scores


def _number(cell: str, what: str) -> float:
    try:
        value = float(cell)
    except ValueError:
        value = math.nan
    if not math.isfinite(value):
        raise SelectionError(f"{what} is {cell!r}; expected a number")
    return value


def _ranks(values: list[float]) -> Float[np.ndarray, " model"]:
    """Ranks less their mean."""
    ranks = np.asarray(stats.rankdata(np.array(values, dtype=np.float64)))
    return ranks - ranks.mean() if len(ranks) else ranks
