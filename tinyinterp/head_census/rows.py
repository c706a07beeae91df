"""One row a head: label, evidence, and the interventions."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from jaxtyping import Float, Int

from tinyinterp.head_census import labels
from tinyinterp.head_census.causal import LossRises
from tinyinterp.head_census.correlation import (
    DISTANCE_THRESHOLD,
    REPORT_THRESHOLD,
    report_correlation,
)
from tinyinterp.head_census.effects import effects_of
from tinyinterp.head_census.estimates import Estimates
from tinyinterp.head_census.labels import (
    KIND,
    NEAREST,
    QUANTITY,
    UNDETERMINED,
    Decision,
    Quantities,
)
from tinyinterp.head_census.looked_at import LookedAt
from tinyinterp.head_census.measure import Measured
from tinyinterp.model import Model
from tinyinterp.statistics import percentile_interval
from tinyinterp.statistics import q_values as benjamini_hochberg

ON_REPETITION = (Decision.INDUCTION, Decision.DUPLICATE)  # not measured on the text
ROLE_Q = 0.05  # false discovery rate of roles that are a mark or a token
LEAST_NATS = 1e-6  # a row; where position leaves less unexplained, nothing is to explain


@dataclass(frozen=True)
class HeadRow:
    """One head; the columns of the heads table."""

    layer: int
    head: int
    attention: str
    kind: str
    role: str
    decided_by: str
    value: float
    low: float
    high: float
    q_value: float
    stability: float
    sink: float
    contrast: float
    position_explained: float
    place_explained: float
    previous_token: float
    current_token: float
    duplicate_token: float
    induction: float
    report_r: float
    report_label: str
    distance_correlation: float
    spearman: float
    content_invariance: float  # how much of the pattern stays when tokens are resampled
    equivariance: float  # how much of it moves with them when tokens are permuted
    ablation_loss_increase: float
    ablation_low: float
    ablation_high: float
    surrogate_loss_increase: float
    surrogate_low: float
    surrogate_high: float
    position_keeps: float  # share of what ablation costs that position alone saves
    position_keeps_low: float
    position_keeps_high: float
    causal_check: str  # "agrees", "contradicts" or "": nothing can be said
    looks_at: str  # the class, word or token that explains most beyond position; "" if none
    looks_at_lift: float
    looks_at_low: float
    looks_at_high: float
    looks_at_share: float  # of the attention of the queries it is about
    looks_at_tells: float  # share of what position leaves unexplained
    examples: list[str]  # its largest attention to that: weight, [key] and {query} in context


def head_rows(
    model: Model,
    measured: Measured,
    rises: LossRises | None,
    patterns: dict[int, Float[np.ndarray, "head query key"]],
    *,
    rule: str,
    seed: int,
    q: Float[np.ndarray, "layer head"],
    role_q: Float[np.ndarray, "layer head"],
) -> list[HeadRow]:
    """A row for every head, by the rule asked for.

    Args:
        model: whose heads.
        measured: what the passes gathered.
        rises: of the causal check; None without it.
        patterns: of the story that the report's rule looks at, by layer.
        rule: how heads are judged.
        seed: of the bootstrap.
        q: of the evidence rule, see :mod:`tinyinterp.head_census.nulls`.
        role_q: of roles that are a mark or a token, see :mod:`tinyinterp.head_census.shuffled`;
            those that could be chance are left out.
    """
    config, estimates = model.config, measured.estimates
    point = estimates.point
    tests = labels.decide(point)
    stability = _stability(estimates.replicates, tests)
    effects = effects_of(rises, seed, tests.shape)
    by_distance = rule == "distance-correlation"
    correlations = {
        at: measured.cells.correlations(*at, with_p=by_distance) for at in np.ndindex(tests.shape)
    }
    if by_distance:
        p = np.array([correlations[at][1] for at in np.ndindex(tests.shape)])
        q = benjamini_hochberg(np.nan_to_num(p, nan=1.0)).reshape(tests.shape)
    rows = []
    for layer, head in np.ndindex(tests.shape):
        at = (layer, head)
        r = report_correlation(patterns[layer][head])
        by_report = _either(r, positional=abs(r) > REPORT_THRESHOLD)
        correlation, _, rho = correlations[at]
        label = label_of(Decision(int(tests[at])), at, measured, seed)
        if role_q[at] > ROLE_Q:
            label["role"] = ""
        label |= {"q_value": float(q[at]), "stability": float(stability[at])}
        if rule == "report":
            label = _simple("report_r", r, by_report, np.nan)
        elif by_distance:
            kind = _either(correlation, positional=correlation >= DISTANCE_THRESHOLD)
            label = _simple("distance_correlation", correlation, kind, float(q[at]))
        rows.append(
            HeadRow(
                layer=layer,
                head=head,
                attention=config.attention[layer],
                **label,
                **scores(estimates, at),
                report_r=r,
                report_label=by_report,
                distance_correlation=correlation,
                spearman=rho,
                **_when_tokens_change(measured, at),
                **effects.columns(at, label["kind"]),
                **_looks_at(looked_at(measured, at, seed), estimates, at),
                examples=[] if measured.examples is None else measured.examples.examples(*at),
            )
        )
    return rows


def scores(estimates: Estimates, at: tuple[int, int]) -> dict[str, Any]:
    """The columns of a head's measures, which do not depend on its label."""
    point = estimates.point
    measured = {
        "sink": point.sink,
        "contrast": point.contrast,
        "position_explained": point.position_explained,
        "place_explained": point.place_explained,
        "previous_token": estimates.previous_token,
        "current_token": estimates.current_token,
        "duplicate_token": point.duplicate,
        "induction": point.induction,
    }
    return {name: float(values[at]) for name, values in measured.items()}


def _when_tokens_change(measured: Measured, at: tuple[int, int]) -> dict[str, float]:
    """The columns of :mod:`tinyinterp.head_census.resampled`."""
    names = ("content_invariance", "equivariance")
    found = measured.resampled
    return {n: float("nan") if found is None else float(getattr(found, n)[at]) for n in names}


def label_of(test: Decision, at: tuple[int, int], measured: Measured, seed: int) -> dict[str, Any]:
    """Kind, role and evidence of one head by the decision table."""
    estimates = measured.estimates
    if test is Decision.UNKNOWN:
        decided_by = labels.first_unknown(estimates.point, at)
        number = dict.fromkeys(("value", "low", "high"), np.nan)
        return {"kind": UNDETERMINED, "role": "", "decided_by": decided_by, **number}
    value = float(estimates.point.deciding(test)[at])
    low, high = map(float, percentile_interval(estimates.replicates.deciding(test)[:, *at]))
    if estimates.blocks < 2 and test not in ON_REPETITION:
        low, high = -np.inf, np.inf
    kind, role = KIND[test], _role(test, at, measured, seed)
    few = measured.survey.test_sequences < labels.THRESHOLDS.sequences or estimates.blocks < 2
    if few or labels.straddles(test, low, high):
        kind, role = UNDETERMINED, NEAREST + kind
    return {
        "kind": kind,
        "role": role,
        "decided_by": QUANTITY[test],
        "value": value,
        "low": low,
        "high": high,
    }


def _role(test: Decision, at: tuple[int, int], measured: Measured, seed: int) -> str:
    if test is Decision.INDUCTION:
        return "induction"
    if test is Decision.DUPLICATE:
        return "duplicate-token"
    if test is Decision.POSITIONAL:
        surrogate = measured.surrogates[at[0]]
        return labels.positional_role(surrogate.kernel[at[1], : surrogate.full_row].numpy())
    if test is Decision.MIXED:
        explained = measured.estimates.point.explained[at]
        return "more positional" if explained >= 0.5 else "more semantic"
    if test is Decision.SEMANTIC:
        found = looked_at(measured, at, seed)
        telling = found and tells(found.nats, measured.estimates, at) >= labels.THRESHOLDS.tells
        return found.name if found and found.strong and telling else ""
    return ""


def looked_at(measured: Measured, at: tuple[int, int], seed: int) -> LookedAt | None:
    """What a head looks at most beyond position; None if it was not measured, or not found."""
    return None if measured.keys is None else measured.keys.looked_at(*at, seed)


def tells(nats: float, estimates: Estimates, at: tuple[int, int]) -> float:
    """The share of what position leaves unexplained that so many nats a row are."""
    unexplained = float(estimates.unexplained_nats[at])
    return nats / unexplained if unexplained > LEAST_NATS else 0.0


def _looks_at(found: LookedAt | None, estimates: Estimates, at: tuple[int, int]) -> dict[str, Any]:
    """The columns about what a head looks at."""
    if found is None:
        numbers = dict.fromkeys(("lift", "low", "high", "share", "tells"), np.nan)
    else:
        numbers = {name: getattr(found, name) for name in ("lift", "low", "high", "share")}
        numbers["tells"] = tells(found.nats, estimates, at)
    named = {f"looks_at_{name}": value for name, value in numbers.items()}
    return {"looks_at": found.name if found else "", **named}


def _simple(name: str, value: float, kind: str, q: float) -> dict[str, Any]:
    """A label by one of the simple rules: no interval, no stability."""
    unknown = {"low": np.nan, "high": np.nan, "stability": np.nan}
    return {
        "kind": kind,
        "role": "",
        "decided_by": name,
        "value": value,
        "q_value": q,
        **unknown,
    }


def _either(value: float, *, positional: bool) -> str:
    """The kind by a simple rule, which knows two."""
    if not np.isfinite(value):
        return UNDETERMINED
    return "positional" if positional else "semantic"


def _stability(
    replicates: Quantities, tests: Int[np.ndarray, "layer head"]
) -> Float[np.ndarray, "layer head"]:
    """Share of bootstrap replicates that give the same kind."""
    kinds = np.array([KIND[test] for test in Decision])
    return (kinds[labels.decide(replicates)] == kinds[tests]).mean(axis=0)
