"""The tables of one layer: its neurons, their hits, associations and histograms."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any

import numpy as np
import pyarrow as pa
from jaxtyping import Float, Int

from tinyinterp.io.table import rounded_array
from tinyinterp.model import Model
from tinyinterp.neuron_census.association import Association, TokenControl, associate
from tinyinterp.neuron_census.corpus_stats import CorpusStats
from tinyinterp.neuron_census.correlation import Correlation, correlate
from tinyinterp.neuron_census.direct_effect import raised_and_lowered
from tinyinterp.neuron_census.evidence import Judged
from tinyinterp.neuron_census.kernels import over_neurons
from tinyinterp.neuron_census.labels import THRESHOLDS
from tinyinterp.neuron_census.measured import LayerMeasured, Measured
from tinyinterp.neuron_census.sample_kernels import count_bins
from tinyinterp.neuron_census.top_activations import UNFILLED, Hit

BINS = 40
ASSOCIATION_COLUMNS = (
    *("layer", "neuron", "target", "tag", "tested"),
    *("tag_correlation", "tag_correlation_low", "tag_correlation_high", "tag_recall"),
    *("auroc", "auroc_low", "auroc_high", "average_precision", "purity", "lift", "q_value"),
)


@dataclass(frozen=True)
class Associated:
    """How every neuron of a layer goes with every target."""

    association: Association
    correlation: Correlation


@dataclass(frozen=True)
class NeuronRow:
    """One neuron; the columns of the neurons table."""

    layer: int
    neuron: int
    kind: str
    best_tag: str  # the deciding tag, else the one whose r has the largest lower bound, or ""
    best_target: str  # whose tag it is: the current, next or previous word's; or ""
    tag_correlation: float  # Pearson's r of activation and tag, over the scored TEST tokens
    tag_correlation_low: float
    tag_correlation_high: float
    tag_precision: float  # share of the hits that have the best tag
    tag_recall: float  # share of the TEST tokens with the best tag that are hits
    auroc: float
    auroc_low: float
    auroc_high: float
    average_precision: float
    q_value: float
    token_auroc: float
    within_word_auroc: float  # among tokens of types that occur with the tag and without it
    within_word_tokens: int  # tokens of the sample of such types; 0: no AUROC
    purity: float  # the same number as tag_precision
    lift: float  # that, over the tag's share of all tokens
    hits: int
    types: int  # token types among the hits
    words: list[str]  # the three most frequent of these types
    word_share: float  # their share of the hits
    position_share: float  # share of the variance that position explains
    max_activation: float
    min_activation: float
    mean_activation: float  # on FIT
    density: float
    raises: list[str]
    lowers: list[str]


def rows_of_layer(
    model: Model,
    layer: int,
    found: LayerMeasured,
    sampled: Float[np.ndarray, "row neuron"],
    measured: Measured,
    stats: CorpusStats,
    judged: Judged,
) -> tuple[list[NeuronRow], Associated]:
    """A row for every neuron of a layer, and the associations that its tag was chosen from.

    Args:
        model: the model.
        layer: its number.
        found: what the passes gathered about it.
        sampled: its activations at the tokens of the sample.
        measured: what they gathered that is the same for every layer.
        stats: of the text.
        judged: the evidence about the layer.
    """
    scored = measured.sample.scored
    sample = measured.sample.chosen(scored)
    values = np.compress(scored, sampled.T, axis=1).T
    association = associate(values, sample)
    correlation = correlate(found.tag_sums)
    associated = Associated(association, correlation)
    control = TokenControl(values, sample, found.fitted.means_of(np.unique(sample.types)))
    best = correlation.best(association.tested, association.all_targets.own).tolist()
    raises, lowers = raised_and_lowered(model.decoder, model.tokenizer, layer)
    means = found.fitted.mean()
    density = found.held_out.density(measured.counts.n_tokens)
    texts = {
        index: model.tokenizer.token_text(int(stats.types[index]))
        for index in np.unique(judged.words).tolist()
        if index >= 0
    }
    rows = []
    for neuron, (evidence, label) in enumerate(zip(judged.evidence, judged.labels, strict=True)):
        constant = evidence.largest - evidence.smallest < THRESHOLDS.range
        target = label.target if label.target is not None else -1 if constant else best[neuron]
        words = [texts[index] for index in judged.words[neuron].tolist() if index >= 0]
        rows.append(
            NeuronRow(
                layer=layer,
                neuron=neuron,
                kind=label.kind,
                **_target_columns(associated, control, judged, neuron, target),
                hits=evidence.hits,
                types=evidence.types,
                words=words,
                word_share=evidence.few_types.value,
                position_share=evidence.position.value,
                max_activation=evidence.largest,
                min_activation=evidence.smallest,
                mean_activation=float(means[neuron]),
                density=float(density[neuron]),
                raises=raises[neuron],
                lowers=lowers[neuron],
            )
        )
    return rows, associated


def _target_columns(
    associated: Associated, control: TokenControl, judged: Judged, neuron: int, target: int
) -> dict[str, Any]:
    """The columns about the best target; below 0: the neuron has none."""
    if target < 0:
        halves = ("auroc", "token_auroc", "within_word_auroc")
        zeros = (
            *("tag_correlation", "tag_precision", "tag_recall", "purity", "lift"),
            *("average_precision", "auroc_low", "within_word_tokens"),
        )
        return {
            "best_tag": "",
            "best_target": "",
            "tag_correlation_low": -1.0,
            **dict.fromkeys(("tag_correlation_high", "auroc_high", "q_value"), 1.0),
            **dict.fromkeys(halves, 0.5),
            **dict.fromkeys(zeros, 0),
        }
    association, correlation = associated.association, associated.correlation
    within, tokens = control.within(neuron, target)
    at = target, neuron
    return {
        "best_tag": association.all_targets.tag_of(target),
        "best_target": association.all_targets.side_of(target),
        "tag_correlation": float(correlation.value[at]),
        "tag_correlation_low": float(correlation.low[at]),
        "tag_correlation_high": float(correlation.high[at]),
        "tag_precision": float(judged.purity[at]),
        "tag_recall": float(judged.recall[at]),
        "auroc": float(association.auroc[at]),
        "auroc_low": float(association.low[at]),
        "auroc_high": float(association.high[at]),
        "average_precision": float(association.precision[at]),
        "q_value": float(association.q[at]),
        "token_auroc": control.by_token(neuron, target),
        "within_word_auroc": within,
        "within_word_tokens": tokens,
        "purity": float(judged.purity[at]),
        "lift": float(judged.lift[at]),
    }


def association_table(layer: int, associated: Associated, judged: Judged) -> pa.Table:
    """A row per neuron and target; targets with too few tokens have r 0, AUROC 0.5 and q 1."""
    association, correlation = associated.association, associated.correlation
    known, n_neurons = association.all_targets, association.auroc.shape[1]
    columns = (
        np.full(n_neurons * known.n, layer),
        np.repeat(np.arange(n_neurons), known.n),
        _repeated([known.side_of(target) for target in range(known.n)], n_neurons),
        _repeated([known.tag_of(target) for target in range(known.n)], n_neurons),
        np.tile(association.tested, n_neurons),
        _column(correlation.value),
        _column(correlation.low),
        _column(correlation.high),
        _column(judged.recall),
        _column(association.auroc),
        _column(association.low),
        _column(association.high),
        _column(association.precision),
        _column(judged.purity),
        _column(judged.lift),
        _column(association.q),
    )
    return arrow_table(dict(zip(ASSOCIATION_COLUMNS, columns, strict=True)))


def histogram_table(
    layer: int,
    values: Float[np.ndarray, "row neuron"],
    smallest: Float[np.ndarray, " neuron"],
    largest: Float[np.ndarray, " neuron"],
) -> pa.Table:
    """Counts of sampled activations in equal bins between the extremes over the whole text.

    If both extremes are equal, all are in the first bin.
    """
    low, high = smallest.astype(np.float64), largest.astype(np.float64)
    counts = np.zeros((len(low), BINS), dtype=np.int64)
    bins_each = BINS / np.where(high > low, high - low, 1.0)
    columns = np.ascontiguousarray(values.T)
    over_neurons(
        lambda first, last: count_bins(columns, low, bins_each, counts, first, last), len(low)
    )
    table = {
        "layer": np.full(len(low), layer),
        "neuron": np.arange(len(low)),
        "low": rounded_array(low),
        "high": rounded_array(high),
        "counts": pa.ListArray.from_arrays(np.arange(len(low) + 1) * BINS, counts.ravel()),
    }
    return arrow_table(table)


def hit_table(
    layer: int,
    values: Float[np.ndarray, "neuron k"],
    ids: Int[np.ndarray, "neuron k"],
    hits: HitColumns,
) -> pa.Table:
    """A row per hit, by neuron and rank."""
    neurons, ranks = np.nonzero(ids != UNFILLED)
    columns = {
        "layer": np.full(len(neurons), layer),
        "neuron": neurons,
        "rank": ranks + 1,
        "activation": rounded_array(values[neurons, ranks].astype(np.float64) + 0.0),
    }
    return arrow_table(columns | hits.columns(ids[neurons, ranks]))


class HitColumns:
    """Tokens in their contexts, looked up by their ids for many rows at a time.

    Args:
        hits: by id.
    """

    def __init__(self, hits: Mapping[int, Hit]) -> None:
        self._ids = np.sort(np.array(list(hits), dtype=np.int64))
        ordered = [hits[number] for number in self._ids.tolist()]
        self._columns = {
            field.name: _array(field.name, [getattr(hit, field.name) for hit in ordered])
            for field in fields(Hit)
        }

    def columns(self, ids: Int[np.ndarray, " row"]) -> dict[str, pa.Array]:
        """The columns of rows with these ids, each of which must be known."""
        at = pa.array(np.searchsorted(self._ids, ids))
        return {name: column.take(at) for name, column in self._columns.items()}


def _column(values: Float[np.ndarray, "target neuron"]) -> Float[np.ndarray, " row"]:
    return rounded_array(values.T.ravel())


def arrow_table(columns: Mapping[str, Any]) -> pa.Table:
    """The columns as a table; columns of text are text even where there is no row."""
    return pa.table({name: _array(name, values) for name, values in columns.items()})


def _array(name: str, values: Any) -> pa.Array:
    if isinstance(values, pa.Array):
        return values
    text = {"token", "before", "after", "tag", "target", "band"}
    return pa.array(values, pa.string() if name in text else None)


def _repeated(values: list[str], times: int) -> pa.Array:
    return pa.array(values, pa.string()).take(pa.array(np.tile(np.arange(len(values)), times)))
