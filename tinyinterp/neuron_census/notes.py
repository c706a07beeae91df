"""The notes of a table: what it was measured on, and warnings."""

from __future__ import annotations

from dataclasses import asdict, fields
from typing import Any

from tinyinterp.model import Model
from tinyinterp.neuron_census.corpus_stats import CorpusStats
from tinyinterp.neuron_census.labels import PART_OF_SPEECH, THRESHOLDS
from tinyinterp.neuron_census.measured import TextCounts
from tinyinterp.neuron_census.nulls import NULLS, NullKinds
from tinyinterp.neuron_census.sample import SAMPLE_TOKENS
from tinyinterp.neuron_census.settings import NeuronSettings
from tinyinterp.neuron_census.tables import ASSOCIATION_COLUMNS, NeuronRow
from tinyinterp.tagging import Tagger
from tinyinterp.text.corpus import Corpus
from tinyinterp.text.fingerprint import census_fingerprint as fingerprint_of

LOW_COVERAGE = 0.8  # below this share of scored tokens the notes carry a warning
MOST_BY_CHANCE = 0.05  # above this share of part-of-speech neurons in a null model, too


def census_fingerprint(
    model: Model, corpus: Corpus, settings: NeuronSettings, stats: CorpusStats, tagger: Tagger
) -> str:
    """SHA-256 of everything that a layer's tables depend on, except the layer.

    Their columns are part of it: a census without one of them is not used again.
    """
    chosen = asdict(settings)
    del chosen["layers"]
    return fingerprint_of(
        corpus,
        tokens=stats.tokens,
        digest=stats.digest,
        model=(model.name, model.fingerprint),
        settings=chosen,
        thresholds=asdict(THRESHOLDS),
        tagger=[tagger.name, tagger.tag_set.names],
        columns=[[field.name for field in fields(NeuronRow)], ASSOCIATION_COLUMNS],
    )


def layer_notes(
    model: Model,
    corpus: Corpus,
    settings: NeuronSettings,
    stats: CorpusStats,
    counts: TextCounts,
    tagger: Tagger,
    layer: int,
    nulls: NullKinds | None,
) -> dict[str, Any]:
    """The notes of a layer's tables."""
    coverage = counts.n_scored / max(counts.n_tokens, 1)
    return {
        "model": model.name,
        "checkpoint": model.fingerprint,
        "text": corpus.name,
        "blank_lines": corpus.blank_lines,
        "layer": layer,
        "reading": settings.reading,
        "seed": settings.seed,
        "top": settings.top,
        "per_story": settings.per_story,
        "tokens": stats.text_tokens,
        "test_tokens": counts.n_tokens,
        "test_stories": stats.counted_stories,
        "sampled_tokens": min(SAMPLE_TOKENS, counts.n_tokens),
        "tagger": tagger.name,
        "tags": tagger.tag_set.name,
        "coverage": round(coverage, 6),
        "thresholds": asdict(THRESHOLDS),
        "nulls": null_notes(nulls),
        "census": census_fingerprint(model, corpus, settings, stats, tagger),
        "warnings": _warnings(stats, coverage, nulls),
    }


def null_notes(nulls: NullKinds | None) -> dict[str, Any]:
    """The share of each kind among the neurons of each null model; empty without null models."""
    if nulls is None:
        return {}
    shares = {
        name: {kind: round(count / sum(kinds.values()), 6) for kind, count in sorted(kinds.items())}
        for name, kinds in nulls.kinds.items()
    }
    return {"tokens": nulls.tokens, "neurons": nulls.neurons} | shares


def _warnings(stats: CorpusStats, coverage: float, nulls: NullKinds | None) -> list[str]:
    stories = stats.counted_stories
    warnings = []
    if not stats.split:
        warnings.append(
            f"all {stories} stories fall on one side of the split, so nothing was held out"
        )
    if stories < THRESHOLDS.stories:
        warnings.append(
            f"only {stories} stories were counted; with fewer than {THRESHOLDS.stories}, every "
            "neuron that is not dead is undetermined"
        )
    if coverage < LOW_COVERAGE:
        warnings.append(f"only {coverage:.0%} of the tokens have a part of speech")
    for name, kinds in (nulls.kinds if nulls is not None else {}).items():
        share = kinds.get(PART_OF_SPEECH, 0) / sum(kinds.values())
        if share > MOST_BY_CHANCE:
            warnings.append(
                f"{share:.0%} of the neurons of the {name} model, which learned nothing, are "
                f"also {PART_OF_SPEECH}"
            )
    return warnings


def pooled_notes(layers: dict[int, dict[str, Any]]) -> dict[str, Any]:
    """The notes of several layers as those of one table; null shares are over all their neurons."""
    first = next(iter(layers.values()))
    pooled = first | {
        "layer": list(layers),
        "warnings": list(dict.fromkeys(w for notes in layers.values() for w in notes["warnings"])),
    }
    if not first["nulls"]:
        return pooled
    each = first["nulls"]["neurons"]
    nulls: dict[str, Any] = {"tokens": first["nulls"]["tokens"], "neurons": each * len(layers)}
    for name in NULLS:
        kinds = sorted({kind for notes in layers.values() for kind in notes["nulls"][name]})
        shares = {
            kind: sum(notes["nulls"][name].get(kind, 0.0) for notes in layers.values())
            for kind in kinds
        }
        nulls[name] = {kind: round(share / len(layers), 6) for kind, share in shares.items()}
    by_layer = {str(layer): notes["nulls"] for layer, notes in layers.items()}
    return pooled | {"nulls": nulls, "nulls_by_layer": by_layer}
