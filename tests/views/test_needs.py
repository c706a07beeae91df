from __future__ import annotations

import math

import pytest

from tinyinterp.model_account.ladder import CONTEXT, LADDER, NEURON_RUNGS, RUNGS
from tinyinterp.views.needs import head_needs, needs_by_kind, neuron_needs, short_needs

KEEPS = {"keeps": 0.857, "keeps_low": 0.8, "keeps_high": 0.914}
R2 = {"r2": 0.5, "r2_low": 0.46, "r2_high": 0.54}


@pytest.mark.parametrize(
    ("needs", "said"),
    [
        ("position", "it needs position, which keeps 0.86 (0.80 to 0.91) of its effect."),
        ("tokens", "it needs tokens, which keep 0.86 (0.80 to 0.91) of its effect."),
        ("predecessor", "it needs the token and the one before it, which keep 0.86 ("),
        ("context", "it needs context: the best rung keeps 0.86 (0.80 to 0.91) of its effect."),
        ("", "replacing its output by its mean does not raise the loss."),
    ],
)
def test_a_head_is_said_by_where_it_looks_and_by_what_the_loss_needs(needs: str, said: str):
    line = head_needs({"needs": needs, **KEEPS}, "positional")
    assert line.startswith("positional (where it looks); ")
    assert said in line
    assert ("for the loss it needs" in line) == bool(needs)


@pytest.mark.parametrize(
    ("needs", "said"),
    [
        ("position", "predicting it needs position: r² 0.50 (0.46 to 0.54)."),
        ("predecessor", "predicting it needs the token and the one before it: r² 0.50"),
        ("context", "predicting it needs context: the best rung reaches r² 0.50"),
        ("", "its activation is constant."),
    ],
)
def test_a_neuron_is_said_by_what_it_fires_on_and_by_what_predicts_it(needs: str, said: str):
    line = neuron_needs({"needs": needs, **R2}, "mixed")
    assert line.startswith("mixed (what it fires on); ")
    assert said in line


@pytest.mark.parametrize("unknown", [None, math.nan])
def test_a_share_that_is_not_known_is_left_out(unknown: float | None):
    row = {"needs": CONTEXT} | dict.fromkeys((*KEEPS, *R2), unknown)
    assert head_needs(row, "sink") == "sink (where it looks); for the loss it needs context."
    assert neuron_needs(row, "word") == "word (what it fires on); predicting it needs context."
    only_bounds = {"needs": "tokens", "keeps": 0.9, "keeps_low": unknown, "keeps_high": unknown}
    assert head_needs(only_bounds, "sink").endswith("which keep 0.90 of its effect.")


def test_every_need_has_words_and_a_column():
    needs = {*RUNGS[:LADDER], *NEURON_RUNGS[:LADDER], CONTEXT, ""}
    rows = [{"kind": "mixed", "needs": each} for each in needs]
    header, ((kind, *counts),) = needs_by_kind(rows, "nothing")
    assert header == ["kind", "position", "token", "tokens", "predecessor", "context", "nothing"]
    assert (kind, counts) == ("mixed", [1] * 6)
    assert all(short_needs(row) for row in rows)


def test_kinds_are_counted_by_need_the_most_frequent_first():
    rows = [("a", "position"), ("b", ""), ("b", "context"), ("b", "context")]
    made = needs_by_kind([{"kind": kind, "needs": needs} for kind, needs in rows], "none")
    assert made == (["kind", "position", "context", "none"], [["b", 0, 2, 1], ["a", 1, 0, 0]])
