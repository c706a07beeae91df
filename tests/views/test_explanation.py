from __future__ import annotations

import numpy as np
import pytest

from tests.views.examples import KINDS, full_row
from tinyinterp.head_census.labels import KIND, QUANTITY, Decision, decision_of
from tinyinterp.views.explanation import WIDTH, explain_head
from tinyinterp.views.needs import NO_ACCOUNT

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


BY_WHAT = {"decided_by": "induction"}


@pytest.mark.parametrize(
    ("kind", "others", "said"),
    [
        ("positional", {"role": "local-decay"}, "Position explains 70% of that departure"),
        ("positional", {}, "at least 60% makes a head positional"),
        ("positional", {}, "F = 0.7; by absolute position, V = 0.69"),
        ("semantic", {"position_explained": 0.2, "place_explained": 0.1}, "at most 40% makes a"),
        ("mixed", {"position_explained": 0.5, "place_explained": 0.1}, "between 40% and 60% a"),
        (
            "sink",
            {"sink": 0.95},
            "95% of its attention goes to the first token (S; at least 90% needed): yes",
        ),
        ("semantic", {"induction": 0.5, **BY_WHAT}, "50% of its attention goes to the token that"),
        (
            "semantic",
            {"duplicate_token": 0.3, "decided_by": "duplicate_token"},
            "30% goes to the earlier copy itself (D; at least 20% needed): yes, which decides.",
        ),
        ("diffuse", {"contrast": 0.04}, "by 4% of the maximum (C; less than 5% needed): yes"),
        ("undetermined", {}, "undetermined (nearest: positional)"),
        ("undetermined", {}, "the threshold 0.6 lies inside it"),
        ("undetermined", {}, "99% of the resamples of the stories give positional"),
        ("positional", {}, "interval from 0.65 to 0.75, on one side of the threshold 0.6."),
        ("mixed", {}, ", between the thresholds 0.4 and 0.6."),
        ("positional", {}, "99% of the resamples of the stories give positional"),
        ("positional", {}, "Against randomly initialised models, q = 0.002."),
    ],
)
def test_what_decided_is_said_with_its_threshold(kind, others, said):
    assert said in explained(kind, **others)


@pytest.mark.parametrize(
    ("kind", "others", "said"),
    [  # the exact numbers were on the other side of the threshold than these, which are rounded
        (
            "diffuse",
            {"contrast": 0.05},
            "by just below 5% of the maximum (C; less than 5% needed): yes",
        ),
        ("positional", {"contrast": 0.05}, "by 5% of the maximum (C; less than 5% needed): no"),
        ("positional", {"sink": 0.9}, "just below 90% of its attention goes to the first token"),
        ("sink", {"sink": 0.9}, "stories, 90% of its attention goes to the first token"),
        ("positional", {"position_explained": 0.6, "place_explained": 0.5}, "explains 60% of"),
        ("semantic", {"position_explained": 0.4, "place_explained": 0.3}, "explains 40% of"),
        ("mixed", {"position_explained": 0.4, "place_explained": 0.3}, "explains just above 40%"),
        ("mixed", {"position_explained": 0.3, "place_explained": 0.6}, "explains just below 60%"),
        ("mixed", {"position_explained": 0.599, "place_explained": 0.3}, "explains 59.9% of"),
        ("semantic", {"position_explained": 0.39999, "place_explained": 0}, "explains 39.999% of"),
    ],
)
def test_the_decision_is_the_tables_whatever_its_rounded_numbers_are(kind, others, said):
    found = explained(kind, **others)
    assert said in found
    assert ("yes, which decides" in found) == (kind in ("diffuse", "sink"))
    assert ("makes a head" in found) == (kind in ("positional", "semantic"))


def test_the_rows_of_a_census_are_explained_by_what_decided_them():
    decided = {test: (QUANTITY[test], KIND[test]) for test in QUANTITY}
    assert set(Decision) - set(decided) == {Decision.UNKNOWN}  # a quantity that is not a number
    for test, (decided_by, kind) in decided.items():
        assert decision_of(decided_by, kind, "") is test
        assert decision_of(decided_by, "undetermined", f"nearest: {kind}") is test
    assert decision_of("report_r", "semantic", "") is None


def test_tests_after_the_one_that_decides_are_not_spoken_of():
    said = explained("sink", sink=0.95)
    assert said.count("needed): no.") == 2
    assert "departure" not in said


@pytest.mark.parametrize(
    ("kind", "check", "said"),
    [
        ("positional", "agrees", "keeps 0.85 (0.70 to 1.00) of the head's effect on the loss"),
        ("positional", "agrees", "loss, more than half: position is most of what the loss needs"),
        ("positional", "contradicts", "loss, less than half: position is not most of what the"),
        ("positional", "contradicts", "its kind, positional, is said of where it looks"),
        ("semantic", "agrees", "loss, less than half: position is not most of what the loss"),
        ("semantic", "contradicts", "loss, more than half: position is most of what the loss"),
        ("semantic", "", "this text cannot decide whether that is more than half."),
        ("mixed", "", "keeps 0.85 (0.70 to 1.00) of the head's effect on the loss. By the rule"),
    ],
)
def test_the_causal_check_is_read(kind, check, said):
    found = explained(kind, causal_check=check)
    assert said in found
    assert "0.0200 nats per token (0.0150 to 0.0250)" in found


def test_of_a_head_that_costs_nothing_nothing_can_be_said():
    found = explained("positional", causal_check="", position_keeps=float("nan"))
    assert "The first interval is not above 0, so there is no effect to keep." in found


def test_a_check_that_was_left_out_is_said():
    assert "The causal check was left out." in explained("positional", **ABSENT)


def test_the_reports_rule_stands_beside_it():
    assert "r = -0.12; |r| is not above 0.5, so semantic. The two disagree." in explained(
        "positional"
    )
    assert "so semantic. The two agree." in explained("semantic")
    assert "so semantic. The evidence says sink." in explained("sink", sink=0.95)
    assert "needs a longer story" in explained("positional", report_r=None)


def test_what_it_looks_at_makes_a_role_or_not():
    numbers = {"position_explained": 0.2, "place_explained": 0.1}
    weak = explained("semantic", **numbers)
    assert "1.2 times what position alone predicts (1.1 to 1.3)" in weak
    assert "It has no role: " in weak
    pair = explained("semantic", role="DET->NOUN", looks_at="DET->NOUN", **numbers)
    assert "queries that are DET give NOUN 30% of their attention" in pair
    assert "This is its role." in pair
    assert "Beyond position" not in explained("semantic", looks_at="", **numbers)


def test_how_the_pattern_changes_with_the_tokens_is_said_where_it_is_known():
    said = explained("positional")
    assert "stays in place with r = 0.91 (content invariance)" in said
    assert "moves with them with r = 0.06 (equivariance)" in said
    assert "r = unknown (equivariance)" in explained("positional", equivariance=float("nan"))
    neither = explained("positional", content_invariance=None, equivariance=None)
    assert "equivariance" not in neither


def test_the_largest_weights_of_the_story_leave_out_key_0_and_the_token_itself():
    lines = explain_head(full_row(3, 2, "sink", sink=0.95), NOTES, TOKENS, PATTERN)
    assert lines[-4:] == [
        "  ' dog' (2) looks at ' the' (1): 0.75",
        "  ' home' (4) looks at ' dog' (2): 0.50",
        "",
        NO_ACCOUNT,
    ]


NEEDED = {"needs": "tokens", "keeps": 0.857, "keeps_low": 0.8, "keeps_high": 0.914}


def test_with_an_account_kind_and_need_are_one_line_and_no_contradiction():
    row = {"role": "offset-2", "causal_check": "contradicts", **NEEDED}
    found = explained("positional", **row)
    assert (
        "positional, offset-2 (where it looks); for the loss it needs tokens, which keep "
        "0.86 (0.80 to 0.91) of its effect." in found
    )
    assert found.index("(where it looks)") < found.index("The tests, in order.")
    assert NO_ACCOUNT not in found
    assert "this contradicts" not in found


def test_without_an_account_the_last_line_says_how_to_get_one():
    assert explained("positional").endswith(NO_ACCOUNT)
    assert "tinyinterp account" in NO_ACCOUNT
    assert "--account" in NO_ACCOUNT


def test_a_simple_rule_is_explained_by_its_own_number():
    said = explained("semantic", {"rule": "report"}, decided_by="report_r", value=-0.12)
    assert (
        "Decided by the rule of the TinyStories student report (|r| above 0.5 is positional" in said
    )
    assert "The value here is -0.12." in said
    assert "departure" not in said


def test_the_best_examples_are_shown_whole_where_there_are_any():
    long = f"0.88 {'the [dog] ' * 12}… and then {{ran}} home"
    found = explained("semantic", examples=["0.91 the [cat] {sat} down", long])
    assert "and the {query}: 0.91 the [cat] {sat} down 0.88 the [dog] the [dog]" in found
    assert "… and then {ran} home Its largest weights" in found
    for nothing in ({"examples": []}, {}, {"examples": ["0.91 [a] {b}"], "looks_at": ""}):
        assert "{query}" not in explained("semantic", **nothing)


@pytest.mark.parametrize("kind", KINDS)
def test_any_number_may_be_missing(kind):
    """As in a table that another program wrote."""
    row = full_row(3, 2, kind, looks_at="mark", looks_at_share=0.5, looks_at_tells=0.1)
    for name in [name for name, value in row.items() if isinstance(value, float)]:
        assert explain_head(row | {name: None}, NOTES, TOKENS, PATTERN)
