"""From what was gathered about a layer to the rows of its table."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from tinyinterp.model import Model
from tinyinterp.neuron_census.association import Association, TokenControl, associate
from tinyinterp.neuron_census.effect import raised_and_lowered
from tinyinterp.neuron_census.evidence import Judged
from tinyinterp.neuron_census.labels import THRESHOLDS
from tinyinterp.neuron_census.measure import Measured
from tinyinterp.neuron_census.survey import Survey


@dataclass(frozen=True)
class NeuronRow:
    """One neuron; the columns of the neurons table."""

    layer: int
    neuron: int
    kind: str
    best_tag: str  # the one that decides, or the one whose AUROC is surely largest; "" if none is
    best_target: str  # the word that has this tag: current, next or previous; "" if none
    auroc: float
    auroc_low: float
    auroc_high: float
    average_precision: float
    q_value: float
    token_auroc: float
    within_word_auroc: float  # between tokens of one type that have the tag and that have not
    within_word_tokens: int  # tokens of the sample that are of such a type; 0: no AUROC known
    purity: float  # share of the hits that have the best tag
    lift: float  # that share over the tag's share of all tokens
    hits: int
    types: int  # token types among the hits
    words: list[str]  # the three most frequent of these types
    word_share: float  # the share of the hits that they make
    position_share: float  # share of the variance that position explains
    max_activation: float
    min_activation: float
    mean_activation: float  # on FIT
    density: float
    raises: list[str]
    lowers: list[str]


def rows_of_layer(
    model: Model, layer: int, measured: Measured, text: Survey, judged: Judged
) -> tuple[list[NeuronRow], Association]:
    """A row for every neuron of a layer, and all that its rows were chosen from."""
    found = measured.layers[layer]
    scored = measured.sample.scored
    sample, values = measured.sample.chosen(scored), found.sampled.values[scored]
    association = associate(values, sample)
    control = TokenControl(values, sample, found.fitted.means_of(np.unique(sample.types)))
    best = association.best().tolist()
    raises, lowers = raised_and_lowered(model.decoder, model.tokenizer, layer)
    means = found.fitted.mean()
    density = found.held_out.density(measured.counts.n_tokens)
    names = {-1: ""} | {
        place: model.tokenizer.token_text(int(text.types[place]))
        for place in np.unique(judged.words).tolist()
        if place >= 0
    }
    rows = []
    for neuron, (evidence, label) in enumerate(zip(judged.evidence, judged.labels, strict=True)):
        constant = evidence.largest - evidence.smallest < THRESHOLDS.range
        target = label.target if label.target is not None else -1 if constant else best[neuron]
        words = [names[place] for place in judged.words[neuron].tolist() if place >= 0]
        rows.append(
            NeuronRow(
                layer=layer,
                neuron=neuron,
                kind=label.kind,
                **_about(association, control, judged, neuron, target),
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


def _about(
    association: Association, control: TokenControl, judged: Judged, neuron: int, target: int
) -> dict[str, Any]:
    """What a row says of the neuron and one target."""
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
