"""The census of heads: measure, decide, check causally; one row a head."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass, field, replace
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from jaxtyping import Float

from tinyinterp.devices import device_note
from tinyinterp.head_census import labels
from tinyinterp.head_census.causal import LossRises, measure_loss_rises
from tinyinterp.head_census.declared import registered
from tinyinterp.head_census.kernel import Surrogate
from tinyinterp.head_census.measure import (
    EXAMPLE_TOKENS,
    Measured,
    choose_example,
    measure,
    read_patterns,
    sides,
)
from tinyinterp.head_census.notes import census_notes, warnings_about
from tinyinterp.head_census.nulls import (
    measure_random_models,
    number_of_random_models,
    q_values,
)
from tinyinterp.head_census.registry import with_measures
from tinyinterp.head_census.rows import ON_REPETITION, head_rows
from tinyinterp.head_census.settings import HeadSettings
from tinyinterp.head_census.shuffled import number_of_shuffled_models, role_q_values
from tinyinterp.io.progress import Progress, progress
from tinyinterp.io.table import Table
from tinyinterp.model import Model
from tinyinterp.text.corpus import Corpus, Survey
from tinyinterp.text.sequences import MicroBatch, group_by_length

if TYPE_CHECKING:
    import pandas as pd

CAUSAL_SHARE = 0.1  # of the sequences of TEST, evenly spaced by length, for the causal check
CAUSAL_LEAST, CAUSAL_MOST = 12, 64  # sequences: the check is by far the slowest part
CAUSAL_CHOSEN_FROM = 1024  # the first sequences of TEST
PROFILE_OFFSETS = 64


@dataclass(frozen=True)
class HeadCensus:
    """The table, and what its pictures need beside it."""

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
    """Measure and label every head; check the labels causally.

    Raises:
        CorpusError: the text cannot be read.
    """
    settings = settings or HeadSettings()
    found = _gather(model, corpus, settings)
    measured = found.measured
    example = choose_example(corpus)
    patterns = read_patterns(model.decoder, model.config, example)
    rows = head_rows(
        model,
        measured,
        found.rises,
        patterns,
        rule=settings.rule,
        seed=settings.seed,
        q=found.q,
        role_q=found.role_q,
    )
    warnings = warnings_about(model.config, measured)
    notes = census_notes(model, corpus, measured.survey, settings) | {
        "blank_lines": corpus.blank_lines,
        "tokens_of_random_models": found.null_tokens,
        "tokens_of_shuffled_models": found.null_tokens if np.isfinite(found.role_q).any() else 0,
        "report_tokens": len(patterns[0][0]),
        "warnings": warnings,
        "measures": measured.declared.notes(),
        **device_note(model.device),
    }
    declared = measured.declared.columns(settings.seed)
    return HeadCensus(
        table=Table("heads", with_measures((asdict(row) for row in rows), declared), notes=notes),
        model_name=model.name,
        corpus_name=corpus.name,
        example_tokens=[
            model.tokenizer.token_text(int(t)) for t in example.tokens[:EXAMPLE_TOKENS]
        ],
        example_patterns={
            layer: p[:, :EXAMPLE_TOKENS, :EXAMPLE_TOKENS] for layer, p in patterns.items()
        },
        profiles=offset_profiles(measured.surrogates),
        warnings=warnings,
    )


@dataclass(frozen=True)
class _Gathered:
    """What the passes over the text found, of the model and of those it is compared with."""

    measured: Measured
    rises: LossRises | None  # None without the causal check
    q: Float[np.ndarray, "layer head"]
    role_q: Float[np.ndarray, "layer head"]
    null_tokens: int  # of the beginning of the text, which the models compared with read


def _gather(model: Model, corpus: Corpus, settings: HeadSettings) -> _Gathered:
    """Read the text with the model, its beginning with others, and some of it causally."""
    decoder, config, seed = model.decoder, model.config, settings.seed
    survey = corpus.survey()
    most = min(settings.null_tokens, corpus.max_tokens or settings.null_tokens)
    beginning = replace(corpus, max_tokens=most)
    null_tokens = beginning.survey().tokens
    n_others = number_of_random_models(config) + number_of_shuffled_models(config)
    null_steps = (1 + n_others) * null_tokens
    checked = _causal_batches(corpus, survey) if settings.causal else []
    causal_cost = 3 * config.n_heads * sum(sum(b.lengths) for b in checked)
    with progress("heads", survey.tokens + null_steps + causal_cost) as bar:
        measured = measure(
            decoder,
            config,
            corpus,
            seed=seed,
            with_resampled=True,
            with_mean_z=settings.causal,
            declared=registered(),
            report=bar,
        )
        compared = measured
        if null_tokens < survey.tokens:
            compared = measure(
                decoder,
                config,
                beginning,
                seed=seed,
                reported=False,
                repeated=measured.repeated,
                report=bar,
            )
        tests = labels.decide(measured.estimates.point)
        random_models = measure_random_models(
            config,
            beginning,
            seed=seed,
            with_repeated=bool(np.isin(tests, ON_REPETITION).any()),
            report=bar,
            device=model.device,
        )
        role_q = role_q_values(decoder, beginning, measured, compared, seed=seed, report=bar)
        rises = None
        if checked and measured.mean_z is not None:
            rises = measure_loss_rises(
                decoder,
                checked,
                measured.mean_z,
                measured.surrogates,
                measured.mean_sinks,
                report=_Slower(bar, 3 / (2 * config.n_layers)),
            )
    q = q_values(compared.estimates, tests, random_models)
    return _Gathered(measured, rises, q, role_q, null_tokens)


@dataclass(frozen=True)
class _Slower:
    """A progress bar whose steps weigh more: the causal check is slower than a scan."""

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
    at = np.linspace(0, len(by_length) - 1, wanted + 2)[1:-1]
    chosen = [by_length[i] for i in sorted({round(index) for index in at})]
    return list(group_by_length(chosen, corpus.tokenizer.padding))


def offset_profiles(surrogates: Sequence[Surrogate]) -> Float[np.ndarray, "layer head offset"]:
    """Kernels of all heads, cut or padded with zeros to one length."""
    n_heads = len(surrogates[0].kernel)
    profiles = np.zeros((len(surrogates), n_heads, PROFILE_OFFSETS))
    for layer, surrogate in enumerate(surrogates):
        shown = min(PROFILE_OFFSETS, surrogate.full_row)
        kernel = surrogate.kernel[:, :shown].numpy()
        profiles[layer, :, : kernel.shape[1]] = kernel
    return profiles
