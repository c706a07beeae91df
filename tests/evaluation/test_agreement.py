from __future__ import annotations

import math
from itertools import permutations

import numpy as np
import pytest
from scipy import stats

from tinyinterp.errors import SelectionError
from tinyinterp.evaluation.agreement import agreement_table, rank_correlation, read_scores

NAMES = "abcdefgh"


def values(*numbers: float) -> dict[str, float]:
    return dict(zip(NAMES, numbers, strict=False))


def test_the_correlation_is_scipy_s_and_the_p_value_counts_all_orders():
    one, other = values(1, 2, 2, 5, 3, 9), values(3, 1, 4, 4, 8, 7)
    found = rank_correlation(one, other)
    x, y = list(one.values()), list(other.values())
    assert found.rho == pytest.approx(stats.spearmanr(x, y).statistic)
    every = [stats.spearmanr(x, order).statistic for order in permutations(y)]
    assert found.p_value == np.mean([abs(each) >= abs(found.rho) - 1e-12 for each in every])


def test_models_that_only_one_knows_are_left_out():
    one = values(1, 2, 3, 4, math.nan)
    found = rank_correlation(one, values(4, 3, 2, 1, 7) | {"z": 8})
    assert found.rho == pytest.approx(-1)
    assert found.models == 4
    assert found.p_value == pytest.approx(2 / 24)


@pytest.mark.parametrize(("one", "other"), [((1, 2, 3), (1, 2, 3)), ((1, 1, 1, 1), (1, 2, 3, 4))])
def test_too_few_models_or_no_order_is_not_known(one, other):
    assert math.isnan(rank_correlation(values(*one), values(*other)).rho)


def test_many_models_are_compared_with_seeded_orders():
    one = {str(n): float(n) for n in range(12)}
    found = rank_correlation(one, one, seed=3)
    assert found.rho == pytest.approx(1)
    assert 0 < found.p_value < 0.001
    assert found == rank_correlation(one, one, seed=3)


def test_every_measure_meets_every_score():
    rows = [
        {"model": name, "share": "0.4", "measure": measure, "value": value}
        for measure, numbers in {"bits": (4, 3, 2, 1.0), "same": (1, 1, 1, 1)}.items()
        for name, value in values(*numbers).items()
    ]
    scores = {"grammar": values(1, 2, 3, 4), "plot": values(1, 3, 2, 4)}
    table = agreement_table(rows, scores)
    assert [(row["measure"], row["score"]) for row in table] == [
        ("bits", "grammar"),
        ("bits", "plot"),
    ]
    assert table.row(score="grammar")["rho"] == -1
    assert table.row(score="plot")["rho"] == pytest.approx(-0.8)
    assert all(row["q_value"] >= row["p_value"] for row in table)
    assert len(agreement_table([], scores)) == 0


def test_scores_are_read_by_model(tmp_path):
    path = tmp_path / "scores.csv"
    path.write_text("model,plot,grammar\nsmall,3.5,4\nlarge,6,\n", "utf-8-sig")
    assert read_scores(path) == {"plot": {"small": 3.5, "large": 6.0}, "grammar": {"small": 4.0}}


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "has no scores"),
        ("name,plot\na,1\n", "has no scores"),
        ("model\na\n", "has no scores"),
        ("model,plot\na,1\na,2\n", "names 'a' again"),
        ("model,plot\n,1\n", "names no model"),
        ("model,plot\na,good\n", "plot of 'a' .* expected a number"),
        ("model,plot\na,nan\n", "expected a number"),
        ("model,plot\na,'\x00\n", "."),
    ],
)
def test_what_are_no_scores_is_said(tmp_path, text, said):
    path = tmp_path / "scores.csv"
    path.write_text(text)
    with pytest.raises(SelectionError, match=said):
        read_scores(path)


def test_scores_that_are_not_there(tmp_path):
    with pytest.raises(SelectionError, match="cannot be read"):
        read_scores(tmp_path / "none.csv")
