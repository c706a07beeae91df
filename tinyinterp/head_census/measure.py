"""The passes over a text from which all numbers about heads are computed."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor, nn

from tinyinterp.head_census.causal import MeanZ
from tinyinterp.head_census.correlation import CellAccumulator
from tinyinterp.head_census.estimates import Estimates, estimate
from tinyinterp.head_census.examples import ExampleAccumulator
from tinyinterp.head_census.kernel import Surrogate, fit_surrogate
from tinyinterp.head_census.key_classes import (
    ClassReader,
    candidates,
    most_frequent,
    token_names,
)
from tinyinterp.head_census.looked_at import ChoiceAccumulator, LookedAtAccumulator
from tinyinterp.head_census.on_device import fit_accumulator, score_accumulator
from tinyinterp.head_census.patterns import OnPatterns, pattern_hook
from tinyinterp.head_census.registry import HeadMeasure, MeasureAccumulator
from tinyinterp.head_census.repeated import Repeated, read_repeated
from tinyinterp.head_census.resampled import Resampled, ResampledAccumulator, resampled_batches
from tinyinterp.io.progress import Progress
from tinyinterp.network.config import DecoderConfig
from tinyinterp.scan import forward, kept, scan
from tinyinterp.statistics import REPLICATES
from tinyinterp.text.corpus import Corpus, Survey
from tinyinterp.text.sequences import Sequence, Side

EXAMPLE_TOKENS = 48  # of the story that pictures show
REPORT_TOKENS = 128  # of the story that the report's rule looks at
GOOD_LENGTH = 100  # tokens that this story should have at least
CHOICE_TOKENS = 30_000  # of the text; what each head looks at is chosen on their FIT stories


@dataclass(frozen=True)
class Measured:
    """The results of the passes."""

    estimates: Estimates
    surrogates: list[Surrogate]
    mean_sinks: list[Float[Tensor, "head query"]]
    mean_z: Float[Tensor, "layer head d_head"] | None  # None unless asked for
    cells: CellAccumulator  # empty where nothing is reported
    keys: LookedAtAccumulator | None  # None unless asked for
    examples: ExampleAccumulator | None  # of what was chosen for ``keys``; None as that
    repeated: Repeated
    resampled: Resampled | None  # None unless asked for
    survey: Survey  # of the text
    declared: MeasureAccumulator  # measures that are registered


def sides(survey: Survey) -> tuple[Side | None, Side | None]:
    """FIT and TEST; where one of them is empty (a story or two), the whole text twice."""
    return (Side.FIT, Side.TEST) if survey.two_sided else (None, None)


def measure(
    engine: nn.Module,
    config: DecoderConfig,
    corpus: Corpus,
    *,
    seed: int,
    with_looks_at: bool = True,
    with_resampled: bool = False,
    with_mean_z: bool = False,
    reported: bool = True,
    repeated: Repeated | None = None,
    declared: Iterable[HeadMeasure] = (),
    report: Progress | None = None,
) -> Measured:
    """Fit on FIT, score on TEST, then read repeated random tokens.

    Args:
        engine: anything of the shape ``config`` that :func:`tinyinterp.scan.scan` can forward.
        with_looks_at: also find what each head looks at, which reads a part of FIT once more.
        with_resampled: also read some of TEST with its tokens resampled and permuted.
        with_mean_z: also take the mean of every head's output, for the causal check.
        reported: False where heads are only compared with these: no interval, sampled cell or
            example is needed then.
        repeated: of this model, if repeated random tokens were read, or need not be.
        declared: measures that only have to be added up.
    """
    survey = corpus.survey()
    fit_side, test_side = sides(survey)
    device = next(engine.parameters()).device
    fit, mean_z = fit_accumulator(config, survey.longest, device), MeanZ(config)
    batches, on_fit = corpus.micro_batches(fit_side), OnPatterns(config, [fit])
    scan(engine, batches, [on_fit, mean_z] if with_mean_z else [on_fit], report=report)
    surrogates = [fit_surrogate(fit.sums(layer)) for layer in range(config.n_layers)]
    mean_sinks = [fit.mean_sink(layer) for layer in range(config.n_layers)]
    del fit, on_fit  # with long texts the largest of all that is held

    test, cells = score_accumulator(config, surrogates, device), CellAccumulator(config, seed)
    keys = examples = None
    if with_looks_at:
        keys = _choose(engine, config, corpus, surrogates, report=report)
        examples = ExampleAccumulator(config, keys.reader, keys.chosen) if reported else None
    own = MeasureAccumulator(config, declared)
    on_cells, on_declared = cells if reported else None, own if own.measures else None
    heard = (test, on_cells, keys, examples, on_declared)
    listening = [a for a in heard if a is not None]
    batches = corpus.micro_batches(test_side)
    scan(engine, batches, [OnPatterns(config, listening)], report=report)

    if repeated is None:
        start = next(iter(corpus.tokenizer.front), None)
        repeated = read_repeated(engine, config, start, seed)
    resampled = None
    if with_resampled:
        changed = ResampledAccumulator(config, seed)
        scan(engine, resampled_batches(corpus, test_side, seed), [changed])
        resampled = changed.correlations()
    estimates = estimate(
        test.block_sums(),
        repeated.induction,
        repeated.duplicate,
        seed,
        REPLICATES if reported else 0,
    )
    return Measured(
        estimates=estimates,
        surrogates=surrogates,
        mean_sinks=mean_sinks,
        mean_z=mean_z.mean() if with_mean_z else None,
        cells=cells,
        keys=keys,
        examples=examples,
        repeated=repeated,
        resampled=resampled,
        survey=survey,
        declared=own,
    )


def _choose(
    engine: nn.Module,
    config: DecoderConfig,
    corpus: Corpus,
    surrogates: list[Surrogate],
    *,
    report: Progress | None,
) -> LookedAtAccumulator:
    """Choose on FIT what TEST measures: for each head, what it looks at most."""
    most = min(corpus.max_tokens or CHOICE_TOKENS, CHOICE_TOKENS)
    short = replace(corpus, max_tokens=most)
    side, _ = sides(short.survey())
    tokens = most_frequent(short, side)
    known = candidates(token_names(corpus.tokenizer, tokens))
    reader = ClassReader(tokens)
    choice = ChoiceAccumulator(config, surrogates, reader, known)
    batches = short.micro_batches(side)
    scan(engine, batches, [OnPatterns(config, [choice])], report=report)
    return LookedAtAccumulator(config, surrogates, reader, known, choice.chosen())


def choose_example(corpus: Corpus) -> Sequence:
    """The first sequence of TEST of a hundred tokens or more; else the longest of the text."""
    longest: Sequence | None = None
    for sequence in corpus.sequences():
        if sequence.side is Side.TEST and len(sequence.tokens) >= GOOD_LENGTH:
            return sequence
        if longest is None or len(sequence.tokens) > len(longest.tokens):
            longest = sequence
    if longest is None:
        raise AssertionError("a corpus has at least one story")
    return longest


def read_patterns(
    engine: nn.Module, config: DecoderConfig, sequence: Sequence
) -> dict[int, Float[np.ndarray, "head query key"]]:
    """Every layer's pattern on the first tokens of a sequence."""
    names = [pattern_hook(layer) for layer in range(config.n_layers)]
    tokens = torch.from_numpy(sequence.tokens[:REPORT_TOKENS])[None]
    with torch.inference_mode(), kept(engine, names) as seen:
        forward(engine, tokens)
    return {layer: seen[name][0].float().cpu().numpy() for layer, name in enumerate(names)}
