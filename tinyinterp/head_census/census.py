"""The census of heads: measure, decide, check causally; one row a head."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Literal, get_args

import numpy as np
from jaxtyping import Float

from tinyinterp.errors import SelectionError
from tinyinterp.head_census import labels
from tinyinterp.head_census.causal import measure_loss_rises
from tinyinterp.head_census.kernel import Surrogate
from tinyinterp.head_census.measure import (
    EXAMPLE_TOKENS,
    Measured,
    choose_example,
    measure,
    read_patterns,
    sides,
)
from tinyinterp.head_census.nulls import NULL_TOKENS, measure_twins, number_of_twins
from tinyinterp.head_census.rows import head_rows
from tinyinterp.head_census.shuffled import role_q_values
from tinyinterp.io.progress import Progress, progress
from tinyinterp.io.table import Table
from tinyinterp.model import Model
from tinyinterp.network.config import DecoderConfig
from tinyinterp.text.corpus import Corpus, MicroBatch, Survey, group_by_length

if TYPE_CHECKING:
    import pandas as pd

Rule = Literal["evidence", "distance-correlation", "report"]
CAUSAL_SHARE = 0.1  # of the sequences of TEST, evenly spaced by length, are checked causally,
CAUSAL_LEAST, CAUSAL_MOST = 12, 64  # within these: it is by far the slowest part;
CAUSAL_CHOSEN_FROM = 1024  # only the first of a long text are looked at
PROFILE_OFFSETS = 64


@dataclass(frozen=True)
class HeadSettings:
    """How the census is taken."""

    rule: Rule = "evidence"
    seed: int = 0
    causal: bool = True
    twin_tokens: int = NULL_TOKENS  # of the text that randomly initialised models read

    def __post_init__(self) -> None:
        if self.rule not in get_args(Rule):
            known = ", ".join(get_args(Rule))
            raise SelectionError(f"rule is {self.rule!r}; choose one of {known}")
        for name, least in (("seed", 0), ("twin_tokens", 1)):
            if getattr(self, name) < least:
                raise SelectionError(
                    f"{name} is {getattr(self, name)}; it must be at least {least}"
                )


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

    def _repr_html_(self) -> str:
        return self.table.to_html()


def census_heads(model: Model, corpus: Corpus, settings: HeadSettings | None = None) -> HeadCensus:
    """Say of every head whether it works by position or by meaning.

    Raises:
        CorpusError: the text cannot be read.
    """
    settings = settings or HeadSettings()
    config = model.config
    survey = corpus.survey()
    beginning = replace(
        corpus, max_tokens=min(settings.twin_tokens, corpus.max_tokens or settings.twin_tokens)
    )
    twins_total = number_of_twins(config) * min(survey.tokens, settings.twin_tokens)
    checked = _causal_batches(corpus, survey) if settings.causal else []
    causal_cost = 3 * config.n_heads * sum(sum(b.lengths) for b in checked)
    with progress("heads", survey.tokens + twins_total + causal_cost) as bar:
        measured = measure(
            model.decoder,
            config,
            corpus,
            seed=settings.seed,
            with_resampled=True,
            report=bar,
        )
        twins = measure_twins(config, beginning, seed=settings.seed, report=bar)
        role_q = role_q_values(
            model.decoder,
            beginning,
            measured,
            seed=settings.seed,
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
    rows = head_rows(
        model,
        measured,
        twins,
        rises,
        patterns,
        rule=settings.rule,
        seed=settings.seed,
        role_q=role_q,
    )
    warnings = warnings_about(config, measured)
    shown = {layer: p[:, :EXAMPLE_TOKENS, :EXAMPLE_TOKENS] for layer, p in patterns.items()}
    tokens = [model.tokenizer.token_text(int(t)) for t in example.tokens[:EXAMPLE_TOKENS]]
    notes = census_notes(model, corpus.name, measured.survey, settings)
    notes |= {"blank_lines": corpus.blank_lines}
    notes |= {"report_tokens": len(patterns[0][0]), "warnings": warnings}
    return HeadCensus(
        table=Table("heads", rows, notes=notes),
        model_name=model.name,
        corpus_name=corpus.name,
        example_tokens=tokens,
        example_patterns=shown,
        profiles=offset_profiles(measured.surrogates),
        warnings=warnings,
    )


def census_notes(
    model: Model, text: str, survey: Survey, settings: HeadSettings
) -> dict[str, str | int | bool]:
    """What a census was taken of; two with the same notes are the same census."""
    return {
        "model": model.name,
        "fingerprint": model.fingerprint,
        "text": text,
        "tokens": survey.tokens,
        "sequences": survey.sequences,
        "test_sequences": survey.test_sequences,
        "rule": settings.rule,
        "seed": settings.seed,
        "causal_check": settings.causal,
        "tokens_of_random_models": min(survey.tokens, settings.twin_tokens),
    }


@dataclass(frozen=True)
class _Slower:
    """A progress bar whose steps count for more: the causal check is slower than a scan."""

    bar: Progress
    factor: float

    def advance(self, steps: float = 1, note: str | None = None) -> None:
        self.bar.advance(steps * self.factor, note)


def _causal_batches(corpus: Corpus, survey: Survey) -> list[MicroBatch]:
    """Some sequences of TEST, evenly spaced by length."""
    _, test_side = sides(survey)
    beginning = islice(corpus.sequences(test_side), CAUSAL_CHOSEN_FROM)
    by_length = sorted(beginning, key=lambda sequence: len(sequence.tokens))
    wanted = int(np.clip(len(by_length) * CAUSAL_SHARE, CAUSAL_LEAST, CAUSAL_MOST))
    places = np.linspace(0, len(by_length) - 1, wanted + 2)[1:-1]
    chosen = [by_length[i] for i in sorted({round(place) for place in places})]
    return list(group_by_length(chosen, corpus.tokenizer.end_of_text))


def offset_profiles(surrogates: Sequence[Surrogate]) -> Float[np.ndarray, "layer head offset"]:
    """Kernels of all heads, cut or filled up with zeros to one length."""
    n_heads = len(surrogates[0].kernel)
    profiles = np.zeros((len(surrogates), n_heads, PROFILE_OFFSETS))
    for layer, surrogate in enumerate(surrogates):
        shown = min(PROFILE_OFFSETS, surrogate.full_row)
        kernel = surrogate.kernel[:, :shown].numpy()
        profiles[layer, :, : kernel.shape[1]] = kernel
    return profiles


def warnings_about(config: DecoderConfig, measured: Measured) -> list[str]:
    """What a reader of the table must know about the text."""
    warnings = []
    tested = measured.survey.test_sequences
    if not measured.survey.two_sided:
        warnings.append(
            "all stories fall on one side, so what is fitted is also what is reported; give more "
            "stories"
        )
    if tested < labels.THRESHOLDS.sequences:
        warnings.append(
            f"only {tested} sequences to report on: by the evidence rule every head is "
            f"undetermined; give at least {2 * labels.THRESHOLDS.sequences} stories"
        )
    elif measured.estimates.blocks < 2:
        warnings.append(
            "what is reported comes from one block of stories, so no interval can be told: by "
            "the evidence rule every head is undetermined; give more stories"
        )
    if "local" in config.attention and measured.survey.longest <= config.window:
        warnings.append(
            f"no sequence is longer than the window of {config.window}: local layers "
            "cannot be told from global ones"
        )
    return warnings
