"""The census of the neurons of a layer: read the text twice over, count, decide; a row a neuron."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from tinyinterp.corpus import Corpus
from tinyinterp.errors import SelectionError
from tinyinterp.model import Model
from tinyinterp.neuron_census import dump
from tinyinterp.neuron_census.association import Association, TokenControl, associate
from tinyinterp.neuron_census.contexts import find_hits
from tinyinterp.neuron_census.effect import raised_and_lowered
from tinyinterp.neuron_census.evidence import gather_evidence
from tinyinterp.neuron_census.labels import THRESHOLDS, Evidence, decide
from tinyinterp.neuron_census.measure import Measured, Survey, measure, survey
from tinyinterp.neuron_census.top import NOWHERE
from tinyinterp.progress import progress
from tinyinterp.speech import TAGS, SpeechReader
from tinyinterp.statistics import Interval, auroc_interval
from tinyinterp.table import Table

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.figure import Figure

LOW_COVERAGE = 0.8  # below this share of scored tokens a warning stands beside the table


@dataclass(frozen=True)
class NeuronSettings:
    """What is asked for. ``batch_size`` never changes a number.

    Args:
        layer: counted from 0.
        top: activations kept for each neuron.
        seed: of the token sample and the bootstrap.
        batch_size: micro-batches read ahead at a time.
    """

    layer: int
    top: int = 20
    seed: int = 0
    batch_size: int = 8

    def __post_init__(self) -> None:
        for name, least in (("layer", 0), ("top", 1), ("seed", 0), ("batch_size", 1)):
            if getattr(self, name) < least:
                raise SelectionError(
                    f"{name} is {getattr(self, name)}; it must be at least {least}"
                )


@dataclass(frozen=True)
class NeuronRow:
    """One neuron; the columns of the neurons table."""

    layer: int
    neuron: int
    kind: str
    best_tag: str  # the one that decides, or the one with the largest AUROC; "" if there is none
    auroc: float
    auroc_low: float
    auroc_high: float
    q_value: float
    token_auroc: float
    purity: float  # share of the hits that have the best tag
    lift: float  # that share over the tag's share of all tokens
    hits: int
    types: int  # token types among the hits
    words: list[str]  # the three most frequent of these types
    word_share: float  # the share of the hits that they make
    position_share: float  # share of the variance that position explains
    max_activation: float
    density: float
    raises: list[str]
    lowers: list[str]


@dataclass(frozen=True)
class NeuronCensus:
    """A row for every neuron, and what each fires on most."""

    table: Table
    top: Table

    def to_pandas(self) -> pd.DataFrame:
        """The table of neurons as a pandas data frame."""
        return self.table.to_pandas()

    def plot(self) -> Figure:
        """Purity and AUROC of every neuron, coloured by kind."""
        from tinyinterp.views.neuron_plot import draw_neurons  # measuring needs no pictures

        notes = self.table.notes
        return draw_neurons(self.table, f"Neurons of layer {notes['layer']} of {notes['model']}")

    def _repr_html_(self) -> str:
        return self.table.to_html()

    def write(self, folder: Path) -> list[Path]:
        """Write both tables, and the top activations as text; returns the paths."""
        return [*self.table.write(folder), *dump.write_top(self.table, self.top, folder)]

    def neuron_lines(self, neuron: int) -> list[str]:
        """A neuron's label, its numbers and its top activations, at most 100 columns wide.

        Raises:
            SelectionError: there is no such neuron.
        """
        if not 0 <= neuron < len(self.table):
            raise SelectionError(
                f"there is no neuron {neuron}; this layer has {len(self.table)}, counted from 0"
            )
        return dump.neuron_lines(self.table, self.top, neuron)


def census_neurons(model: Model, corpus: Corpus, settings: NeuronSettings) -> NeuronCensus:
    """Say of every neuron of a layer what it fires on.

    The FIT stories give what hits and predictions are measured by; the TEST stories all that is
    reported but the largest activations, which are those of both. ``mlp.hook_post`` is read: the
    value that the neuron hands on. If all stories fall on one side, they serve as both, and a
    warning says so.

    Raises:
        SelectionError: the model has no such layer.
    """
    config, layer = model.config, settings.layer
    if layer >= config.n_layers:
        raise SelectionError(
            f"there is no layer {layer}; this model has {config.n_layers}, counted from 0 "
            f"to {config.n_layers - 1}"
        )
    speech = SpeechReader()
    text = survey(corpus)
    with progress(f"Neurons of layer {layer}", text.tokens * (1 if text.split else 2)) as report:
        measured = measure(
            model.decoder,
            corpus,
            speech,
            layer=layer,
            top=settings.top,
            seed=settings.seed,
            batch_size=settings.batch_size,
            split=text.split,
            report=report,
        )
    notes = _notes(model, corpus, settings, measured, text, speech)
    rows = _rows(model, settings, measured, text)
    hits = _top_rows(corpus, speech, settings, measured)
    return NeuronCensus(
        Table(f"neurons_layer{layer}", rows, notes=notes),
        Table(f"top_activations_layer{layer}", hits, notes=notes),
    )


def _rows(
    model: Model, settings: NeuronSettings, measured: Measured, text: Survey
) -> list[NeuronRow]:
    stories = text.test_stories if text.split else text.fit_stories + text.test_stories
    evidence = gather_evidence(measured, stories, settings.seed)
    association = associate(measured.sample)
    means = measured.fitted.means_of(np.unique(measured.sample.tokens))
    control = TokenControl(measured.sample, means)
    raises, lowers = raised_and_lowered(model.decoder, model.tokenizer, settings.layer)
    density = measured.held_out.density()
    rows = []
    for neuron, found in enumerate(evidence):
        label = decide(found)
        target = label.target
        if target is None:
            target = _best_target(association, neuron, found)
        words = measured.held_out.type_hits(neuron)[0][: THRESHOLDS.word_types]
        about = _about(measured, association, control, neuron, target)
        rows.append(
            NeuronRow(
                layer=settings.layer,
                neuron=neuron,
                kind=label.kind,
                best_tag=TAGS[target % len(TAGS)] if target is not None else "",
                auroc=about.auroc.value,
                auroc_low=about.auroc.low,
                auroc_high=about.auroc.high,
                q_value=about.q,
                token_auroc=about.by_token,
                purity=about.purity,
                lift=about.lift,
                hits=found.hits,
                types=found.types,
                words=[model.tokenizer.token_text(token) for token in words.tolist()],
                word_share=found.few_types.value,
                position_share=found.position.value,
                max_activation=found.largest,
                density=float(density[neuron]),
                raises=raises[neuron],
                lowers=lowers[neuron],
            )
        )
    return rows


@dataclass(frozen=True)
class _About:
    """A neuron and one target."""

    auroc: Interval
    q: float
    by_token: float
    purity: float
    lift: float


def _about(
    measured: Measured,
    association: Association,
    control: TokenControl,
    neuron: int,
    target: int | None,
) -> _About:
    if target is None:
        return _About(Interval(0.5, 0.0, 1.0), 1.0, 0.5, 0.0, 0.0)
    held_out, sample = measured.held_out, measured.sample
    hits = int(held_out.block_hits[:, neuron].sum())
    purity = int(held_out.block_target_hits[:, target, neuron].sum()) / max(hits, 1)
    return _About(
        auroc=auroc_interval(
            association.ranks[:, neuron].astype(np.float64), sample.positive(target), sample.blocks
        ),
        q=float(association.q[target, neuron]),
        by_token=control.auroc(neuron, target),
        purity=purity,
        lift=purity / float(held_out.base_rates()[target]),
    )


def _best_target(association: Association, neuron: int, evidence: Evidence) -> int | None:
    """The tag with the largest AUROC; None for a constant, or if no tag has tokens enough."""
    tested = np.flatnonzero(association.tested[: len(TAGS)])
    if not len(tested) or evidence.largest - evidence.smallest < THRESHOLDS.range:
        return None
    return int(tested[association.auroc[tested, neuron].argmax()])


def _top_rows(
    corpus: Corpus, speech: SpeechReader, settings: NeuronSettings, measured: Measured
) -> list[dict[str, Any]]:
    values, ids = measured.top.values.tolist(), measured.top.ids.numpy()
    hits = find_hits(corpus, speech, ids[ids != NOWHERE])
    return [
        {
            "layer": settings.layer,
            "neuron": neuron,
            "rank": rank,
            "activation": value + 0.0,  # no minus zero
            **asdict(hits[number]),
        }
        for neuron, numbers in enumerate(ids.tolist())
        for rank, (number, value) in enumerate(zip(numbers, values[neuron], strict=True), start=1)
        if number != NOWHERE
    ]


def _notes(
    model: Model,
    corpus: Corpus,
    settings: NeuronSettings,
    measured: Measured,
    text: Survey,
    speech: SpeechReader,
) -> dict[str, Any]:
    held_out = measured.held_out
    coverage = held_out.n_scored / max(held_out.n_tokens, 1)
    stories = text.test_stories if text.split else text.fit_stories + text.test_stories
    warnings = []
    if not text.split:
        warnings.append(
            f"all {stories} stories fall on one side of the split, so that nothing was held out"
        )
    if stories < THRESHOLDS.stories:
        warnings.append(
            f"only {stories} stories were counted; with fewer than {THRESHOLDS.stories} every "
            "neuron that is not dead is undetermined"
        )
    if coverage < LOW_COVERAGE:
        warnings.append(f"only {coverage:.0%} of the tokens could be given a part of speech")
    return {
        "model": model.name,
        "checkpoint": model.fingerprint,
        "text": corpus.name,
        "layer": settings.layer,
        "place": "mlp.hook_post",
        "seed": settings.seed,
        "top": settings.top,
        "tokens": measured.fitted.n_tokens + (held_out.n_tokens if text.split else 0),
        "test_tokens": held_out.n_tokens,
        "test_stories": stories,
        "tagger": speech.tagger.name,
        "coverage": round(coverage, 6),
        "thresholds": asdict(THRESHOLDS),
        "warnings": warnings,
    }
