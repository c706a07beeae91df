"""Why a head got its label, in plain words: numbers, thresholds, intervals, checks."""

from __future__ import annotations

import math
import textwrap
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from jaxtyping import Float

from tinyinterp.head_census.correlation import DISTANCE_THRESHOLD, REPORT_THRESHOLD
from tinyinterp.head_census.labels import THRESHOLDS, Decision, Quantities, decide

WIDTH = 100
SHOWN = 5  # largest weights of the example
RULES_WORDS = {
    "report": f"the report's rule: |r| above {REPORT_THRESHOLD} is positional, else semantic",
    "distance-correlation": f"the distance correlation: {DISTANCE_THRESHOLD} or more is "
    "positional, else semantic",
}
UNKNOWN = "unknown"
# The tests before that of position: the column, what it says, what is needed.
FIRST_TESTS = (
    (
        Decision.INDUCTION,
        "induction",
        "on repeated random tokens {:.0%} goes to what followed the same token earlier (I)",
        f"at least {THRESHOLDS.induction:.0%}",
    ),
    (
        Decision.DUPLICATE,
        "duplicate_token",
        "{:.0%} goes to the earlier copy itself (D)",
        f"at least {THRESHOLDS.duplicate:.0%}",
    ),
    (
        Decision.SINK,
        "sink",
        "on stories {:.0%} rests on the first token (S)",
        f"at least {THRESHOLDS.sink:.0%}",
    ),
    (
        Decision.DIFFUSE,
        "contrast",
        "without that, it is {:.0%} of the way from attending to everything alike (C)",
        f"less than {THRESHOLDS.contrast:.0%}",
    ),
)
Row = Mapping[str, Any]


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
    heading = f"Layer {row['layer']}, head {row['head']} ({row['attention']}): {_label(row)}"
    lines = [heading, "=" * len(heading)]
    for paragraph in explanation_paragraphs(row, notes):
        lines += ["", *textwrap.wrap(paragraph, WIDTH, break_on_hyphens=False)]
    return [*lines, *_examples(row), "", *_example(tokens, pattern)]


def explanation_paragraphs(row: Row, notes: Mapping[str, Any]) -> list[str]:
    """What decided, what stands beside it, the causal checks, the report's rule: each unbroken."""
    rule = notes.get("rule", "evidence")
    decided = [_simple(row, rule)] if rule in RULES_WORDS else _evidence(row)
    beside = _when_tokens_change(row), _looks_at(row), _causal(row), _report(row)
    return [said for said in (*decided, *beside) if said]


def _label(row: Row) -> str:
    if row["kind"] == "undetermined":
        return f"undetermined ({row['role']})" if row["role"] else "undetermined"
    return f"{row['kind']}, {row['role']}" if row["role"] else row["kind"]


def _simple(row: Row, rule: str) -> str:
    return f"Decided by {RULES_WORDS[rule]}. Here it is {_number(row['value'])}."


def _evidence(row: Row) -> list[str]:
    """What the table of tests said, in its order, as far as the one that decided."""
    found = _decision(row)
    lines = []
    for test, column, words, needed in FIRST_TESTS:
        passed = test is found
        verdict = "which decides" if passed else "which does not decide"
        value = row[column]
        said = words.format(value) if _known(value) else f"{column} is {UNKNOWN}"
        lines.append(f"{said}: {needed} is needed, {verdict}")
        if passed:
            break
    else:
        lines.append(_position(row, found))
    return ["The tests, in order: " + "; ".join(lines) + ".", _certainty(row, found)]


def _position(row: Row, found: Decision) -> str:
    values = [row["position_explained"], row["place_explained"]]
    best = max((v for v in values if _known(v)), default=None)
    share = UNKNOWN if best is None else f"{best:.0%}"
    verdict = {
        Decision.POSITIONAL: f"at least {THRESHOLDS.positional:.0%} makes it positional",
        Decision.SEMANTIC: f"at most {THRESHOLDS.semantic:.0%} makes it semantic",
    }.get(found, f"between {THRESHOLDS.semantic:.0%} and {THRESHOLDS.positional:.0%} is mixed")
    return (
        f"where tokens stand explains {share} of that departure (distance F "
        f"{_number(values[0])}, place in the text V {_number(values[1])}): {verdict}"
    )


def _certainty(row: Row, found: Decision) -> str:
    interval = f"{_number(row['low'])} to {_number(row['high'])}"
    limits = " or ".join(f"{limit:g}" for limit in _limits(found))
    said = f"The deciding number is {_number(row['value'])}, its 95 % interval {interval}"
    if row["kind"] == "undetermined":
        said += f": the threshold {limits} lies inside, or there was too little text to tell"
    else:
        said += f", on one side of the threshold {limits}"
    if _known(row["stability"]):
        said += f"; {row['stability']:.0%} of resamples of the stories give this kind"
    if _known(row["q_value"]):
        said += f". Compared with randomly initialised models q is {_number(row['q_value'])}"
    return said + "."


def _limits(found: Decision) -> tuple[float, ...]:
    return {
        Decision.INDUCTION: (THRESHOLDS.induction,),
        Decision.DUPLICATE: (THRESHOLDS.duplicate,),
        Decision.SINK: (THRESHOLDS.sink,),
        Decision.DIFFUSE: (THRESHOLDS.contrast,),
        Decision.POSITIONAL: (THRESHOLDS.positional,),
        Decision.SEMANTIC: (THRESHOLDS.semantic,),
    }.get(found, (THRESHOLDS.semantic, THRESHOLDS.positional))


def _when_tokens_change(row: Row) -> str:
    stays, moves = (row.get(name) for name in ("content_invariance", "equivariance"))
    if not (_known(stays) or _known(moves)):
        return ""
    return (
        f"When other tokens are drawn its pattern stays with r = {_number(stays)} (content "
        f"invariance), when they are permuted it moves along with r = {_number(moves)} "
        "(equivariance)."
    )


def _looks_at(row: Row) -> str:
    if not row.get("looks_at"):
        return ""
    name = row["looks_at"]
    asking, _, asked = name.rpartition("->")
    who = f"queries that are {asking} give to {asked}" if asking else f"it gives to {name}"
    share, tells = row["looks_at_share"], row["looks_at_tells"]
    said = (
        f"Beyond position it looks most at {name}: {who} {share:.0%} of their attention"
        if asking
        else f"Beyond position it looks most at {name}: {who} {share:.0%} of its attention"
    )
    said += (
        f", {_number(row['looks_at_lift'])} times what position alone would give ("
        f"{_number(row['looks_at_low'])} to {_number(row['looks_at_high'])}), which tells "
        f"{tells:.1%} of what position leaves unexplained."
    )
    if row["kind"] == "semantic" and row["role"] == name:
        return said + " That makes it the role."
    if row["kind"] == "semantic" and not row["role"]:
        return said + (
            f" A role needs a lift of {THRESHOLDS.lift:g} with its interval above "
            f"{THRESHOLDS.lift_low:g}, and telling {THRESHOLDS.tells:.1%}; so it has none."
        )
    return said


def _examples(row: Row) -> list[str]:
    """Where it looks at that most."""
    if not row.get("looks_at") or not row.get("examples"):
        return []
    heading = (
        "Where it looks most at that: the weight, the key in [brackets], the query in {braces}"
    )
    lines = ["", heading]
    for example in row["examples"]:
        lines += textwrap.wrap(example, WIDTH, initial_indent="  ", subsequent_indent=7 * " ")
    return lines


def _causal(row: Row) -> str:
    if not _known(row["ablation_loss_increase"]):
        return "The causal check was left out."
    ablation, surrogate = (
        f"{row[f'{name}_loss_increase']:.4f} nats per token ({row[f'{name}_low']:.4f} to "
        f"{row[f'{name}_high']:.4f})"
        for name in ("ablation", "surrogate")
    )
    said = (
        f"Causal check: with its output replaced by its mean the loss rises by {ablation}; with "
        f"its pattern replaced by what position alone would do, by {surrogate}. "
    )
    expected = {"positional": "more", "semantic": "less"}.get(row["kind"])
    if expected is None:
        return said + f"It has nothing to say about a head that is {row['kind']}."
    if not _known(row["position_keeps"]):
        return said + "The first is not surely above 0, so nothing can be said about the label."
    interval = f"{row['position_keeps_low']:.2f} to {row['position_keeps_high']:.2f}"
    said += (
        f"So position alone keeps {row['position_keeps']:.2f} ({interval}) of what the head does "
        f"for the loss; of a {row['kind']} head it should keep {expected} than half"
    )
    verdict = {
        "agrees": ", and it does.",
        "contradicts": ", and it does not: this contradicts the label.",
        "": ", which this text does not decide.",
    }
    return said + verdict[row["causal_check"]]


def _report(row: Row) -> str:
    r, label = row["report_r"], row["report_label"]
    if not _known(r):
        return "The report's rule has nothing to go by on this text."
    beside = "above" if abs(r) > REPORT_THRESHOLD else "not above"
    said = (
        f"The report's rule, on one story: r = {_number(r)}, |r| is {beside} {REPORT_THRESHOLD}, "
        f"so {label}"
    )
    if row["kind"] not in ("positional", "semantic"):
        return said + f"; the evidence says {row['kind']}."
    return said + ("; they agree." if label == row["kind"] else "; they disagree.")


def _example(tokens: Sequence[str], pattern: Float[np.ndarray, "query key"]) -> list[str]:
    """The largest weights between different tokens of the story, the first token left out."""
    weights = np.tril(np.nan_to_num(pattern), -1)
    weights[:, :1] = 0
    order = np.argsort(-weights, axis=None, kind="stable")[:SHOWN]
    found = [divmod(int(index), len(pattern)) for index in order]
    lines = [
        f"  {tokens[query]!r} ({query}) looks at {tokens[key]!r} ({key}): {weights[query, key]:.2f}"
        for query, key in found
        if weights[query, key] > 0
    ]
    return ["Its largest weights in the story of the pictures, first token aside:", *lines]


def _decision(row: Row) -> Decision:
    names = ("induction", "duplicate_token", "sink", "contrast")
    explained = ("position_explained", "place_explained")
    values = [np.array([_float(row[name])]) for name in (*names, *explained)]
    return Decision(int(decide(Quantities(*values))[0]))


def _float(value: float | None) -> float:
    return math.nan if value is None else float(value)


def _known(value: float | None) -> bool:
    return value is not None and math.isfinite(value)


def _number(value: float | None) -> str:
    return f"{value:.3g}" if value is not None and math.isfinite(value) else UNKNOWN
