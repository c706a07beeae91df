"""The tables of one layer: its neurons, their hits, associations and histograms."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
from jaxtyping import Float, Int

from tinyinterp.io.table import METADATA, rounded, rounded_array
from tinyinterp.model import Model
from tinyinterp.neuron_census.association import Association, TokenControl, associate
from tinyinterp.neuron_census.corpus_stats import CorpusStats
from tinyinterp.neuron_census.effects import raised_and_lowered
from tinyinterp.neuron_census.evidence import Judged
from tinyinterp.neuron_census.kernels import count_bins, over_neurons
from tinyinterp.neuron_census.labels import THRESHOLDS
from tinyinterp.neuron_census.measure import Measured
from tinyinterp.neuron_census.top_activations import UNFILLED, Hit

BINS = 40


@dataclass(frozen=True)
class NeuronRow:
    """One neuron; the columns of the neurons table."""

    layer: int
    neuron: int
    kind: str
    best_tag: str  # the deciding tag, else the one whose AUROC has the largest lower bound, or ""
    best_target: str  # whose tag it is: the current, next or previous word's; or ""
    auroc: float
    auroc_low: float
    auroc_high: float
    average_precision: float
    q_value: float
    token_auroc: float
    within_word_auroc: float  # among tokens of types that occur with the tag and without it
    within_word_tokens: int  # tokens of the sample of such types; 0: no AUROC
    purity: float  # share of the hits that have the best tag
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
    model: Model, layer: int, measured: Measured, stats: CorpusStats, judged: Judged
) -> tuple[list[NeuronRow], Association]:
    """A row for every neuron of a layer, and the associations that its tag was chosen from."""
    found = measured.layers[layer]
    scored = measured.sample.scored
    sample, values = measured.sample.chosen(scored), found.sampled.values[scored]
    association = associate(values, sample)
    control = TokenControl(values, sample, found.fitted.means_of(np.unique(sample.types)))
    best = association.best().tolist()
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
                **_target_columns(association, control, judged, neuron, target),
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
    return rows, association


def _target_columns(
    association: Association, control: TokenControl, judged: Judged, neuron: int, target: int
) -> dict[str, Any]:
    """The columns about the best target; below 0: the neuron has none."""
    if target < 0:
        names = ("auroc", "token_auroc", "within_word_auroc")
        nothing = ("average_precision", "purity", "lift", "auroc_low", "within_word_tokens")
        return {
            "best_tag": "",
            "best_target": "",
            "auroc_high": 1.0,
            "q_value": 1.0,
            **dict.fromkeys(names, 0.5),
            **dict.fromkeys(nothing, 0),
        }
    within, tokens = control.within(neuron, target)
    at = target, neuron
    return {
        "best_tag": association.all_targets.tag_of(target),
        "best_target": association.all_targets.side_of(target),
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


def association_table(
    layer: int, association: Association, judged: Judged, notes: Mapping[str, Any]
) -> pa.Table:
    """A row per neuron and target; targets with too few tokens have AUROC 0.5 and q 1."""
    known, n_neurons = association.all_targets, association.auroc.shape[1]
    columns = {
        "layer": np.full(n_neurons * known.n, layer),
        "neuron": np.repeat(np.arange(n_neurons), known.n),
        "target": [known.side_of(target) for target in range(known.n)] * n_neurons,
        "tag": [known.tag_of(target) for target in range(known.n)] * n_neurons,
        "tested": np.tile(association.tested, n_neurons),
        "auroc": _column(association.auroc),
        "auroc_low": _column(association.low),
        "auroc_high": _column(association.high),
        "average_precision": _column(association.precision),
        "purity": _column(judged.purity),
        "lift": _column(judged.lift),
        "q_value": _column(association.q),
    }
    return notes_table(columns, notes)


def histogram_table(
    layer: int,
    values: Float[np.ndarray, "row neuron"],
    smallest: Float[np.ndarray, " neuron"],
    largest: Float[np.ndarray, " neuron"],
    notes: Mapping[str, Any],
) -> pa.Table:
    """Counts of sampled activations in equal bins between the extremes over the whole text.

    If both extremes are equal, all are in the first bin.
    """
    low, high = smallest.astype(np.float64), largest.astype(np.float64)
    counts = np.zeros((len(low), BINS), dtype=np.int64)
    bins_each = BINS / np.where(high > low, high - low, 1.0)
    over_neurons(
        lambda first, last: count_bins(values, low, bins_each, counts, first, last), len(low)
    )
    columns = {
        "layer": np.full(len(low), layer),
        "neuron": np.arange(len(low)),
        "low": [rounded(value) for value in low.tolist()],
        "high": [rounded(value) for value in high.tolist()],
        "counts": counts.tolist(),
    }
    return notes_table(columns, notes)


def hit_table(
    layer: int,
    values: Float[np.ndarray, "neuron k"],
    ids: Int[np.ndarray, "neuron k"],
    hits: Mapping[int, Hit],
    notes: Mapping[str, Any],
) -> pa.Table:
    """A row per hit, by neuron and rank."""
    neurons, ranks = np.nonzero(ids != UNFILLED)
    found = [hits[number] for number in ids[neurons, ranks].tolist()]
    columns = {
        "layer": np.full(len(found), layer),
        "neuron": neurons,
        "rank": ranks + 1,
        "activation": [rounded(value + 0.0) for value in values[neurons, ranks].tolist()],
    }
    return notes_table(columns | hit_columns(found), notes)


def hit_columns(hits: Sequence[Hit]) -> dict[str, list[Any]]:
    """The tokens of hits in their contexts, as columns."""
    names = ("token", "before", "after", "tag", "story", "position")
    return {name: [getattr(hit, name) for hit in hits] for name in names}


def _column(values: Float[np.ndarray, "target neuron"]) -> Float[np.ndarray, " row"]:
    return rounded_array(values.T.ravel())


def notes_table(columns: Mapping[str, Any], notes: Mapping[str, Any]) -> pa.Table:
    """The columns as a table that carries the notes."""
    text = {"token", "before", "after", "tag", "target", "band"}
    arrays = {
        name: pa.array(values, pa.string() if name in text else None)
        for name, values in columns.items()
    }
    return pa.table(arrays).replace_schema_metadata({METADATA: json.dumps(notes)})
