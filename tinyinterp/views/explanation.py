"""Why a head got its label, in words: numbers, thresholds, intervals, checks.

What decided comes first (:mod:`tinyinterp.views.decision`), then the measures beside it, the causal
check and the report's rule.
"""

from __future__ import annotations

import textwrap
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from jaxtyping import Float

from tinyinterp.head_census.correlation import DISTANCE_THRESHOLD, REPORT_THRESHOLD
from tinyinterp.head_census.labels import THRESHOLDS, decision_of
from tinyinterp.head_census.rows import ROLE_Q
from tinyinterp.io.lines import WIDTH
from tinyinterp.io.table import is_known
from tinyinterp.views.decision import (
    Row,
    certainty,
    label_words,
    shown,
    test_words,
)
from tinyinterp.views.glossary import declared_measures
from tinyinterp.views.needs import NEEDS, NO_ACCOUNT, head_needs

SHOWN = 5  # largest weights of the example
RULES_WORDS = {
    "report": "the rule of the TinyStories student report (|r| above "
    f"{REPORT_THRESHOLD} is positional, anything else semantic)",
    "distance-correlation": f"distance correlation ({DISTANCE_THRESHOLD} or more is positional, "
    "anything else semantic)",
}


def explain_head(
    row: Row,
    notes: Mapping[str, Any],
    tokens: Sequence[str],
    pattern: Float[np.ndarray, "query key"],
) -> list[str]:
    """Lines of at most ``WIDTH`` characters about one head.

    Args:
        row: of the heads table; None or NaN where a number is not known.
        notes: of the heads table.
        tokens: of the story that pictures show.
        pattern: the head's attention on it.
    """
    heading = f"Layer {row['layer']}, head {row['head']} ({row['attention']}): {label_words(row)}"
    lines = [heading, "=" * len(heading)]
    for paragraph in explanation_paragraphs(row, notes):
        lines += ["", *textwrap.wrap(paragraph, WIDTH, break_on_hyphens=False)]
    last = [] if NEEDS in row else ["", NO_ACCOUNT]
    return [*lines, *_examples(row), "", *_example(tokens, pattern), *last]


def explanation_paragraphs(row: Row, notes: Mapping[str, Any]) -> list[str]:
    """What decided, the measures beside it, the causal check, the report's rule: each unbroken.

    With an account in the row, what the head needs for the loss comes first.
    """
    rule = notes.get("rule", "evidence")
    found = decision_of(row["decided_by"], row["kind"], row["role"])
    if rule in RULES_WORDS or found is None:
        decided = [_simple(row, RULES_WORDS.get(rule) or str(row["decided_by"]))]
    else:
        decided = [test_words(row, found), certainty(row, found)]
    declared = _declared(row, notes)
    beside = _when_tokens_change(row), _looks_at(row), declared, _causal(row), _report(row)
    needs = head_needs(row, label_words(row)) if NEEDS in row else ""
    return [said for said in (needs, *decided, *beside) if said]


def _simple(row: Row, rule: str) -> str:
    return f"Decided by {rule}. The value here is {shown(row['value'])}."


def _when_tokens_change(row: Row) -> str:
    stays, moves = (row.get(name) for name in ("content_invariance", "equivariance"))
    if not (is_known(stays) or is_known(moves)):
        return ""
    return (
        "When the tokens are replaced by others, its pattern stays in place with r = "
        f"{shown(stays)} (content invariance); when they are permuted, it moves with them with "
        f"r = {shown(moves)} (equivariance)."
    )


def _declared(row: Row, notes: Mapping[str, Any]) -> str:
    """The measures that are declared apart: the number, and what it is."""
    said = []
    for name, measure in declared_measures(notes).items():
        if is_known(row.get(name)):
            unit = f" {measure['unit']}" if measure["unit"] else ""
            low, high = (shown(row.get(f"{name}_{end}")) for end in ("low", "high"))
            called = name.replace("_", " ").capitalize()
            said.append(f"{called}: {shown(row[name])}{unit} ({low} to {high}). {measure['about']}")
    return " ".join(said)


def _looks_at(row: Row) -> str:
    if not row.get("looks_at"):
        return ""
    name, share = row["looks_at"], shown(row["looks_at_share"], ".0%")
    asking, _, asked = name.rpartition("->")
    goes = (
        f"queries that are {asking} give {asked} {share} of their attention"
        if asking
        else f"{share} of its attention goes there"
    )
    said = (
        f"Beyond position, it looks most at {name}: {goes}, {shown(row['looks_at_lift'])} times "
        f"what position alone predicts ({shown(row['looks_at_low'])} to "
        f"{shown(row['looks_at_high'])}). This explains {shown(row['looks_at_tells'], '.1%')} of "
        "what position leaves unexplained."
    )
    if row["kind"] == "semantic" and row["role"] == name:
        return f"{said} This is its role."
    if row["kind"] == "semantic" and not row["role"]:
        return (
            f"{said} It has no role: a role needs a lift of {THRESHOLDS.lift:g} with its interval "
            f"above {THRESHOLDS.lift_low:g} and {THRESHOLDS.tells:.1%} explained; a mark or a "
            f"single token also needs q of at most {ROLE_Q:g} against shuffled models."
        )
    return said


def _examples(row: Row) -> list[str]:
    """The strongest examples of what it looks at."""
    if not row.get("looks_at") or not row.get("examples"):
        return []
    lines = ["", "The strongest examples, with the weight, the [key] and the {query}:"]
    for example in row["examples"]:
        lines += textwrap.wrap(example, WIDTH, initial_indent="  ", subsequent_indent=7 * " ")
    return lines


def _causal(row: Row) -> str:
    if not is_known(row["ablation_loss_increase"]):
        return "The causal check was left out."
    ablation, surrogate = (
        f"{_nats(row[f'{name}_loss_increase'])} nats per token ({_nats(row[f'{name}_low'])} "
        f"to {_nats(row[f'{name}_high'])})"
        for name in ("ablation", "surrogate")
    )
    said = (
        f"Causal check: replacing its output by its mean raises the loss by {ablation}; replacing "
        f"its pattern by what position alone predicts, by {surrogate}. "
    )
    if not is_known(row["position_keeps"]):
        return said + "The first interval is not above 0, so there is no effect to keep."
    said += (
        f"Position alone keeps {row['position_keeps']:.2f} ({_nats(row['position_keeps_low'], 2)} "
        f"to {_nats(row['position_keeps_high'], 2)}) of the head's effect on the loss"
    )
    if row["kind"] not in ("positional", "semantic"):
        return f"{said}."
    by_position = (row["kind"] == "positional") == (row["causal_check"] == "agrees")
    share = "more than half: position is" if by_position else "less than half: position is not"
    if not row["causal_check"]:
        return f"{said}; this text cannot decide whether that is more than half."
    return said + (
        f", {share} most of what the loss needs of it. That is said of its effect; its kind, "
        f"{row['kind']}, is said of where it looks (causal_check: {row['causal_check']})."
    )


def _report(row: Row) -> str:
    r, label = row["report_r"], row["report_label"]
    if not is_known(r):
        return "The rule of the TinyStories student report needs a longer story than this text has."
    beside = "above" if label == "positional" else "not above"
    said = (
        f"By the rule of the TinyStories student report, on one story: r = {shown(r)}; |r| is "
        f"{beside} {REPORT_THRESHOLD}, so {label}. "
    )
    if row["kind"] not in ("positional", "semantic"):
        return said + f"The evidence says {row['kind']}."
    return said + ("The two agree." if label == row["kind"] else "The two disagree.")


def _example(tokens: Sequence[str], pattern: Float[np.ndarray, "query key"]) -> list[str]:
    """The largest weights between different tokens of the story, without the first token."""
    weights = np.tril(np.nan_to_num(pattern), -1)
    weights[:, :1] = 0
    order = np.argsort(-weights, axis=None, kind="stable")[:SHOWN]
    found = [divmod(int(index), len(pattern)) for index in order]
    lines = [
        f"  {tokens[query]!r} ({query}) looks at {tokens[key]!r} ({key}): {weights[query, key]:.2f}"
        for query, key in found
        if weights[query, key] > 0
    ]
    return ["Its largest weights in the story of the pictures, without the first token:", *lines]


def _nats(value: float | None, digits: int = 4) -> str:
    return shown(value, f".{digits}f")
