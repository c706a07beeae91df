"""Where the report's rule and the evidence disagree, and which side the causal check takes."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from tinyinterp.head_census.correlation import REPORT_THRESHOLD
from tinyinterp.io.table import is_known

Row = Mapping[str, Any]
DECIDED = ("positional", "semantic")  # what the report's rule can say


@dataclass(frozen=True)
class RuleComparison:
    """Counts of heads. The last three are of those that disagree."""

    heads: int
    by_report: Counter[str]  # its labels
    largest_r: float  # |r|; NaN where none is known
    agree: int
    disagree: Counter[str]  # by their kind
    other: Counter[str]  # heads that the evidence calls neither positional nor semantic
    causal_evidence: int  # the causal check agrees with the evidence
    causal_report: int  # it contradicts the evidence
    causal_silent: int


def compare_rules(rows: Iterable[Row]) -> RuleComparison:
    """Compare ``report_label`` with ``kind``, head by head."""
    rows = list(rows)
    decided = [row for row in rows if row["kind"] in DECIDED]
    apart = [row for row in decided if row["kind"] != row["report_label"]]
    sizes = [abs(row["report_r"]) for row in rows if is_known(row["report_r"])]
    checks = Counter(row["causal_check"] for row in apart)
    return RuleComparison(
        heads=len(rows),
        by_report=Counter(row["report_label"] for row in rows),
        largest_r=max(sizes, default=math.nan),
        agree=len(decided) - len(apart),
        disagree=Counter(row["kind"] for row in apart),
        other=Counter(row["kind"] for row in rows if row["kind"] not in DECIDED),
        causal_evidence=checks["agrees"],
        causal_report=checks["contradicts"],
        causal_silent=checks[""],
    )


def report_rule_sentences(rows: Iterable[Row], rule: str = "evidence") -> list[str]:
    """The comparison in a few sentences; none where the kinds are not those of the evidence."""
    rows = list(rows)
    if rule != "evidence" or not rows or "report_label" not in rows[0]:
        return []
    found = compare_rules(rows)
    opening = (
        f"The rule of the TinyStories student report (|r| above {REPORT_THRESHOLD} on one story) "
        f"labels {_counts(found.by_report)} of {found.heads} heads; the largest |r| is "
        f"{found.largest_r:.2f}."
    )
    sentences = [opening]
    apart = found.disagree.total()
    both = found.agree + apart
    sentences.append(
        f"By the evidence {both} are positional or semantic; the rule gives {found.agree} of them "
        f"the same label and {apart} the other"
        + (f" (evidence: {_counts(found.disagree)})." if apart else ".")
    )
    if found.other:
        sentences.append(f"By the evidence the rest are {_counts(found.other)}.")
    if apart and all(not is_known(row["ablation_loss_increase"]) for row in rows):
        sentences.append("The causal check was left out, so it takes no side.")
    elif apart:
        sentences.append(
            "Where they disagree, the causal check sides with the evidence for "
            f"{found.causal_evidence}, with the report's rule for {found.causal_report}, and "
            f"cannot decide {found.causal_silent}."
        )
    return sentences


def _counts(counts: Counter[str]) -> str:
    """``3 semantic and 1 positional``, most frequent first."""
    ranked = sorted(counts.items(), key=lambda item: (-item[1], item[0]))
    named = [f"{count} {kind}" for kind, count in ranked]
    return named[0] if len(named) == 1 else ", ".join(named[:-1]) + f" and {named[-1]}"
