from __future__ import annotations

import numpy as np
import pytest

from tests.views.examples import full_row
from tinyinterp.views.explanation import WIDTH, explain_head

TOKENS = ["<|endoftext|>", " the", " dog", " ran", " home"]
NOTES = {"rule": "evidence"}
PATTERN = np.zeros((5, 5))
PATTERN[2, 1], PATTERN[4, 2], PATTERN[3, 0], PATTERN[3, 3] = 0.75, 0.5, 0.9, 0.8
ABSENT = {
    f"{name}_{number}": None
    for name in ("ablation", "surrogate")
    for number in ("loss_increase", "low", "high")
}


def explained(kind, notes=NOTES, **others):
    lines = explain_head(full_row(3, 2, kind, **others), notes, TOKENS, PATTERN)
    assert max(map(len, lines)) <= WIDTH
    return " ".join(" ".join(lines).split())


@pytest.mark.parametrize(
    ("kind", "others", "said"),
    [
        ("positional", {"role": "local-decay"}, "explains 70% of that departure"),
        ("positional", {}, "at least 60% makes it positional"),
        ("positional", {}, "F 0.7, place in the text V 0.69"),
        ("semantic", {"position_explained": 0.2, "place_explained": 0.1}, "at most 40% makes it"),
        ("mixed", {"position_explained": 0.5, "place_explained": 0.1}, "between 40% and 60%"),
        ("sink", {"sink": 0.95}, "95% rests on the first token (S): at least 90% is needed"),
        ("semantic", {"induction": 0.5, "role": "induction"}, "50% goes to what followed"),
        ("semantic", {"duplicate_token": 0.3}, "30% goes to the earlier copy itself"),
        ("diffuse", {"contrast": 0.04, "position_explained": float("nan")}, "it is 4% of the way"),
        ("undetermined", {"role": "nearest: positional"}, "undetermined (nearest: positional)"),
        ("undetermined", {"role": "nearest: positional"}, "threshold 0.6 lies inside"),
        ("positional", {}, "95 % interval 0.65 to 0.75, on one side of the threshold 0.6"),
        ("positional", {}, "99% of resamples of the stories give this kind"),
    ],
)
def test_what_decided_is_said_with_its_threshold(kind, others, said):
    assert said in explained(kind, **others)


def test_tests_after_the_one_that_decides_are_not_spoken_of():
    said = explained("sink", sink=0.95)
    assert said.count("which does not decide") == 2
    assert "departure" not in said


@pytest.mark.parametrize(
    ("kind", "check", "said"),
    [
        ("positional", "agrees", "keeps 0.85 (0.70 to 1.00) of what the head does"),
        ("positional", "agrees", "it should keep more than half, and it does."),
        ("positional", "contradicts", "this contradicts the label"),
        ("semantic", "agrees", "it should keep less than half, and it does."),
        ("semantic", "", "which this text does not decide"),
        ("mixed", "", "nothing to say about a head that is mixed"),
    ],
)
def test_the_causal_check_is_read(kind, check, said):
    found = explained(kind, causal_check=check)
    assert said in found
    assert "0.0200 nats per token (0.0150 to 0.0250)" in found


def test_of_a_head_that_costs_nothing_nothing_can_be_said():
    found = explained("positional", causal_check="", position_keeps=float("nan"))
    assert "nothing can be said about the label" in found


def test_a_check_that_was_left_out_is_said():
    assert "The causal check was left out." in explained("positional", **ABSENT)


def test_the_reports_rule_stands_beside_it():
    assert "r = -0.12, |r| is not above 0.5, so semantic; they disagree." in explained("positional")
    assert "so semantic; they agree." in explained("semantic")
    assert "so semantic; the evidence says sink." in explained("sink", sink=0.95)
    assert "nothing to go by" in explained("positional", report_r=None)


def test_what_it_looks_at_makes_a_role_or_not():
    numbers = {"position_explained": 0.2, "place_explained": 0.1}
    weak = explained("semantic", **numbers)
    assert "1.2 times what position alone would give (1.1 to 1.3)" in weak
    assert "so it has none" in weak
    pair = explained("semantic", role="DET->NOUN", looks_at="DET->NOUN", **numbers)
    assert "queries that are DET give to NOUN 30% of their attention" in pair
    assert "That makes it the role." in pair
    assert "Beyond position" not in explained("semantic", looks_at="", **numbers)


def test_what_becomes_of_the_pattern_when_tokens_change_is_said_where_it_is_known():
    said = explained("positional")
    assert "stays with r = 0.91 (content invariance)" in said
    assert "moves along with r = 0.06 (equivariance)" in said
    assert "r = unknown (equivariance)" in explained("positional", equivariance=float("nan"))
    neither = explained("positional", content_invariance=None, equivariance=None)
    assert "equivariance" not in neither


def test_the_largest_weights_of_the_story_leave_out_key_0_and_the_token_itself():
    lines = explain_head(full_row(3, 2, "sink", sink=0.95), NOTES, TOKENS, PATTERN)
    assert lines[-2:] == [
        "  ' dog' (2) looks at ' the' (1): 0.75",
        "  ' home' (4) looks at ' dog' (2): 0.50",
    ]


def test_a_simple_rule_is_explained_by_its_own_number():
    said = explained("semantic", {"rule": "report"}, decided_by="report_r", value=-0.12)
    assert "Decided by the report's rule: |r| above 0.5 is positional" in said
    assert "Here it is -0.12." in said
    assert "departure" not in said


def test_the_best_examples_are_shown_whole_where_there_are_any():
    long = f"0.88 {'the [dog] ' * 12}… and then {{ran}} home"
    found = explained("semantic", examples=["0.91 the [cat] {sat} down", long])
    assert "the query in {braces} 0.91 the [cat] {sat} down 0.88 the [dog] the [dog]" in found
    assert "… and then {ran} home Its largest weights" in found
    for nothing in ({"examples": []}, {}, {"examples": ["0.91 [a] {b}"], "looks_at": ""}):
        assert "{braces}" not in explained("semantic", **nothing)
