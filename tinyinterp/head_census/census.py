"""The census of heads: measure, decide, check causally; one row a head."""

from __future__ import annotations

from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from jaxtyping import Float, Int

from tinyinterp import statistics
from tinyinterp.corpus import Corpus, MicroBatch, Survey
from tinyinterp.head_census import labels
from tinyinterp.head_census.causal import LossRises, measure_loss_rises
from tinyinterp.head_census.correlation import (
    DISTANCE_THRESHOLD,
    REPORT_THRESHOLD,
    report_correlation,
)
from tinyinterp.head_census.estimates import Estimates, draws, interval
from tinyinterp.head_census.labels import KIND, UNDETERMINED, Decision, Quantities
from tinyinterp.head_census.measure import (
    EXAMPLE_TOKENS,
    Measured,
    choose_example,
    measure,
    read_patterns,
    sides,
)
from tinyinterp.head_census.nulls import NULL_TOKENS, measure_twins, number_of_twins, q_values
from tinyinterp.model import Model
from tinyinterp.progress import Progress, progress
from tinyinterp.table import Table

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.figure import Figure

Rule = Literal["evidence", "distance-correlation", "report"]
CAUSAL_BATCHES = 2  # micro-batches of TEST, evenly spaced by length, about 4,000 tokens
PROFILE_OFFSETS = 64


@dataclass(frozen=True)
class HeadSettings:
    """How the census is taken. ``batch_size`` never changes a number."""

    rule: Rule = "evidence"
    seed: int = 0
    batch_size: int = 8
    causal: bool = True


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
    ablation_loss_increase: float
    ablation_low: float
    ablation_high: float
    surrogate_loss_increase: float
    surrogate_low: float
    surrogate_high: float


@dataclass(frozen=True)
class HeadCensus:
    """The table with what pictures need beside it."""

    table: Table
    model_name: str
    corpus_name: str
    example_tokens: list[str]
    example_patterns: dict[int, Float[np.ndarray, "head query key"]]
    profiles: Float[np.ndarray, "layer head offset"]
    warnings: list[str] = field(default_factory=list)

    def to_pandas(self) -> pd.DataFrame:
        """The table as a pandas data frame."""
        return self.table.to_pandas()

    def write(self, folder: Path) -> list[Path]:
        """Write ``heads.csv``, ``heads.parquet`` and ``heads.json``; returns the paths."""
        return self.table.write(folder)

    def plot(self) -> Figure:
        """The map of kinds, layers by heads."""
        from tinyinterp.views.kind_map import draw_kind_map  # measuring needs no pictures

        return draw_kind_map(self.table, f"{self.model_name} on {self.corpus_name}")

    def _repr_html_(self) -> str:
        return self.table._repr_html_()


def census_heads(model: Model, corpus: Corpus, settings: HeadSettings | None = None) -> HeadCensus:
    """Say of every head whether it works by position or by meaning.

    Raises:
        CorpusError: the text cannot be read.
    """
    settings = settings or HeadSettings()
    config = model.config
    survey = corpus.survey()
    twins_total = number_of_twins(config) * min(survey.tokens, NULL_TOKENS)
    checked = _causal_batches(corpus, survey) if settings.causal else []
    causal_cost = 3 * config.n_heads * sum(sum(b.lengths) for b in checked)
    with progress("heads", survey.tokens + twins_total + causal_cost) as bar:
        measured = measure(
            model.decoder,
            config,
            corpus,
            seed=settings.seed,
            batch_size=settings.batch_size,
            report=bar,
        )
        twins = measure_twins(
            config, corpus, seed=settings.seed, batch_size=settings.batch_size, report=bar
        )
        rises = None
        if checked:
            rises = measure_loss_rises(
                model.decoder,
                checked,
                measured.mean_z,
                measured.surrogates,
                measured.mean_sinks,
                report=_Slower(bar, 3 * config.n_heads / config.n_layers),
            )
    example = choose_example(corpus)
    patterns = read_patterns(model.decoder, config, example)
    rows = _rows(model, measured, twins, rises, patterns, settings)
    warnings = _warnings(model, measured)
    shown = {layer: p[:, :EXAMPLE_TOKENS, :EXAMPLE_TOKENS] for layer, p in patterns.items()}
    tokens = [model.tokenizer.token_text(int(t)) for t in example.tokens[:EXAMPLE_TOKENS]]
    notes = {
        "model": model.name,
        "fingerprint": model.fingerprint,
        "text": corpus.name,
        "tokens": measured.tokens,
        "sequences": measured.sequences,
        "rule": settings.rule,
        "seed": settings.seed,
        "warnings": warnings,
    }
    return HeadCensus(
        table=Table("heads", rows, notes=notes),
        model_name=model.name,
        corpus_name=corpus.name,
        example_tokens=tokens,
        example_patterns=shown,
        profiles=_profiles(measured),
        warnings=warnings,
    )


@dataclass(frozen=True)
class _Slower:
    """A progress bar whose steps count for more: the causal check is slower than a scan."""

    bar: Progress
    factor: float

    def advance(self, steps: float = 1) -> None:
        self.bar.advance(steps * self.factor)


def _causal_batches(corpus: Corpus, survey: Survey) -> list[MicroBatch]:
    """A few micro-batches of TEST from the middle of the lengths."""
    _, test_side = sides(survey)
    batches = list(islice(corpus.micro_batches(test_side), 64))
    places = np.linspace(0, len(batches) - 1, CAUSAL_BATCHES + 2)[1:-1]
    return [batches[i] for i in sorted({int(place) for place in places})]


def _rows(
    model: Model,
    measured: Measured,
    twins: list[Estimates],
    rises: LossRises | None,
    patterns: dict[int, Float[np.ndarray, "head query key"]],
    settings: HeadSettings,
) -> list[HeadRow]:
    config, estimates = model.config, measured.estimates
    point = estimates.point
    tests = labels.decide(point)
    q = q_values(estimates, tests, twins)
    stability = _stability(estimates.replicates, tests)
    ablation, surrogate = _rises(rises, settings.seed, tests.shape)
    by_distance = settings.rule == "distance-correlation"
    correlations = {
        at: measured.cells.correlations(*at, with_p=by_distance) for at in np.ndindex(tests.shape)
    }
    if by_distance:
        p = np.array([correlations[at][1] for at in np.ndindex(tests.shape)])
        q = statistics.q_values(np.nan_to_num(p, nan=1.0)).reshape(tests.shape)
    rows = []
    for layer, head in np.ndindex(tests.shape):
        at = (layer, head)
        kernel = measured.surrogates[layer].kernel[head].numpy()
        r = report_correlation(patterns[layer][head])
        correlation, _, rho = correlations[at]
        label = _label(Decision(int(tests[at])), at, measured, settings.seed)
        label |= {"q_value": float(q[at]), "stability": float(stability[at])}
        if settings.rule == "report":
            label = _simple("report_r", r, positional=abs(r) > REPORT_THRESHOLD, q=np.nan)
        elif by_distance:
            positional = correlation >= DISTANCE_THRESHOLD
            label = _simple(
                "distance_correlation", correlation, positional=positional, q=float(q[at])
            )
        rows.append(
            HeadRow(
                layer=layer,
                head=head,
                attention=config.attention[layer],
                **label,
                sink=float(point.sink[at]),
                contrast=float(point.contrast[at]),
                position_explained=float(point.position_explained[at]),
                place_explained=float(point.place_explained[at]),
                previous_token=float(kernel[1]) if len(kernel) > 1 else 0.0,
                current_token=float(kernel[0]),
                duplicate_token=float(point.duplicate[at]),
                induction=float(point.induction[at]),
                report_r=r,
                report_label="positional" if abs(r) > REPORT_THRESHOLD else "semantic",
                distance_correlation=correlation,
                spearman=rho,
                ablation_loss_increase=float(ablation[0][at]),
                ablation_low=float(ablation[1][at]),
                ablation_high=float(ablation[2][at]),
                surrogate_loss_increase=float(surrogate[0][at]),
                surrogate_low=float(surrogate[1][at]),
                surrogate_high=float(surrogate[2][at]),
            )
        )
    return rows


def _label(test: Decision, at: tuple[int, int], measured: Measured, seed: int) -> dict[str, Any]:
    """Kind, role and evidence of one head by the decision table."""
    estimates = measured.estimates
    name, values = estimates.point.deciding(test)
    lows, highs = interval(estimates.replicates.deciding(test)[1][:, at[0], at[1]])
    value, low, high = float(values[at]), float(lows), float(highs)
    kind, role = KIND[test], _role(test, at, measured, seed)
    few = measured.sequences < labels.THRESHOLDS.sequences or estimates.blocks < 2
    if few or labels.straddles(test, low, high):
        kind, role = UNDETERMINED, f"nearest: {kind}"
    return {
        "kind": kind,
        "role": role,
        "decided_by": name,
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
    if test is Decision.SEMANTIC and measured.keys is not None:
        looked_at = measured.keys.role(*at, seed)
        return looked_at.name if looked_at else ""
    return ""


def _simple(name: str, value: float, *, positional: bool, q: float) -> dict[str, Any]:
    """A label by one of the simple rules: no interval, no stability."""
    kind = "positional" if positional else "semantic"
    if not np.isfinite(value):
        kind = UNDETERMINED
    nothing = {"low": np.nan, "high": np.nan, "stability": np.nan}
    return {"kind": kind, "role": "", "decided_by": name, "value": value, "q_value": q, **nothing}


def _stability(
    replicates: Quantities, tests: Int[np.ndarray, "layer head"]
) -> Float[np.ndarray, "layer head"]:
    """Share of bootstrap replicates that give the same kind."""
    kinds = np.array([KIND[test] for test in Decision])
    return (kinds[labels.decide(replicates)] == kinds[tests]).mean(axis=0)


def _rises(
    rises: LossRises | None, seed: int, shape: tuple[int, ...]
) -> tuple[tuple[Float[np.ndarray, "layer head"], ...], ...]:
    """Mean rise with its interval, nats per token, for ablation and for the surrogate."""
    if rises is None:
        nothing = (np.full(shape, np.nan),) * 3
        return nothing, nothing
    weights = draws(rises.tokens > 0, np.random.default_rng((seed, 3)))
    tokens = (weights @ rises.tokens)[:, None, None]
    results = []
    for values in (rises.ablation, rises.surrogate):
        replicates = np.einsum("rb,blh->rlh", weights, values) / tokens
        results.append((values.sum(axis=0) / rises.tokens.sum(), *interval(replicates)))
    return tuple(results)


def _profiles(measured: Measured) -> Float[np.ndarray, "layer head offset"]:
    """Kernels of all heads, cut or filled up with zeros to one length."""
    n_heads = len(measured.surrogates[0].kernel)
    profiles = np.zeros((len(measured.surrogates), n_heads, PROFILE_OFFSETS))
    for layer, surrogate in enumerate(measured.surrogates):
        shown = min(PROFILE_OFFSETS, surrogate.full_row)
        kernel = surrogate.kernel[:, :shown].numpy()
        profiles[layer, :, : kernel.shape[1]] = kernel
    return profiles


def _warnings(model: Model, measured: Measured) -> list[str]:
    """What a reader of the table must know."""
    warnings = []
    if measured.sequences < labels.THRESHOLDS.sequences:
        warnings.append(
            f"only {measured.sequences} sequences: every head is undetermined; give at least "
            f"{labels.THRESHOLDS.sequences} stories"
        )
    elif measured.estimates.blocks < 2:
        warnings.append(
            "what is reported comes from one block of stories, so no interval can be told: every "
            "head is undetermined; give more stories"
        )
    if "local" in model.config.attention and measured.longest <= model.config.window:
        warnings.append(
            f"no sequence is longer than the window of {model.config.window}: local layers "
            "cannot be told from global ones"
        )
    return warnings
