from __future__ import annotations

from collections import Counter

import pytest

from tests.views.examples import full_row
from tinyinterp.views.report_rule import compare_rules, report_rule_sentences

ROWS = [
    full_row(0, 0, "positional"),
    full_row(0, 1, "positional", causal_check="contradicts", report_r=-0.3),
    full_row(0, 2, "positional", causal_check=""),
    full_row(1, 0, "positional", causal_check="agrees"),
    full_row(1, 1, "semantic"),
    full_row(1, 2, "sink"),
    full_row(2, 0, "diffuse"),
    full_row(2, 1, "diffuse", report_r=float("nan"), report_label="undetermined"),
    full_row(2, 2, "positional", report_r=0.6, report_label="positional"),
]


def test_heads_are_counted_by_what_the_two_rules_say():
    found = compare_rules(ROWS)
    assert found.heads == 9
    assert found.by_report == {"semantic": 7, "positional": 1, "undetermined": 1}
    assert found.largest_r == 0.6
    assert found.agree == 2
    assert found.disagree == Counter(positional=4)
    assert found.other == {"sink": 1, "diffuse": 2}
    sides = (found.causal_evidence, found.causal_report, found.causal_silent)
    assert sides == (2, 1, 1)


def test_the_comparison_is_written_in_sentences():
    said = " ".join(report_rule_sentences(ROWS))
    assert "labels 7 semantic, 1 positional and 1 undetermined of 9 heads" in said
    assert "the largest |r| is 0.60" in said
    assert "the rule gives 2 of them the same label and 4 the other" in said
    assert "4 the other (evidence: 4 positional)" in said
    assert "the rest are 2 diffuse and 1 sink" in said
    assert "the evidence for 2, with the report's rule for 1, and cannot decide 1" in said


@pytest.mark.parametrize("value", [None, float("nan")])
def test_without_a_causal_check_no_side_is_taken(value):
    rows = [row | {"ablation_loss_increase": value, "causal_check": ""} for row in ROWS]
    assert "was left out, so it takes no side" in report_rule_sentences(rows)[-1]


def test_kinds_of_another_rule_are_not_compared():
    assert report_rule_sentences(ROWS, "report") == []
    assert report_rule_sentences([]) == []
