"""What the same numbers are in models that have learned nothing.

The *randomly initialised twin* has the same configuration and reads the same text. Its heads are
nearly uniform, so a share explained (F, V) means little there; heads are therefore compared by
nats: how much of a row position explains, or leaves unexplained. A random head can really lean on
position, through the position embedding; the q-value says what exceeds that. For what a head looks
at this twin is too tame a null, see :mod:`tinyinterp.head_census.shuffled`.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import torch
from jaxtyping import Float, Int

from tinyinterp.head_census.estimates import Estimates
from tinyinterp.head_census.labels import Decision
from tinyinterp.head_census.measure import measure
from tinyinterp.io.progress import Progress
from tinyinterp.network.config import DecoderConfig
from tinyinterp.network.decoder import Decoder
from tinyinterp.statistics import q_values as benjamini_hochberg
from tinyinterp.text.corpus import Corpus

NULL_HEADS = 200  # at least, over all twins
MOST_TWINS = 8
NULL_TOKENS = 4_000  # of the text that twins read


def number_of_twins(config: DecoderConfig) -> int:
    """So many that there are ``NULL_HEADS`` heads, within reason."""
    heads = config.n_layers * config.n_heads
    return int(np.clip(-(-NULL_HEADS // heads), 1, MOST_TWINS))


def measure_twins(
    config: DecoderConfig, corpus: Corpus, *, seed: int, report: Progress | None
) -> list[Estimates]:
    """Estimates of randomly initialised twins on the beginning of the text."""
    most = min(corpus.max_tokens or NULL_TOKENS, NULL_TOKENS)
    short = replace(corpus, max_tokens=most)
    twins = []
    for number in range(number_of_twins(config)):
        generator = torch.Generator().manual_seed(seed * MOST_TWINS + number)
        twin = Decoder(config).initialize(generator).eval()
        measured = measure(
            twin,
            config,
            short,
            seed=seed,
            with_looks_at=False,
            report=report,
        )
        twins.append(measured.estimates)
    return twins


def q_values(
    estimates: Estimates, tests: Int[np.ndarray, "layer head"], twins: list[Estimates]
) -> Float[np.ndarray, "layer head"]:
    """Benjamini-Hochberg q-values over all heads, from ranks among the twins' heads.

    p is ``(1 + number of null heads at least as extreme) / (1 + number of null heads)``.
    """
    p = np.ones(tests.shape)
    for test in Decision:
        chosen = tests == test
        if not chosen.any():
            continue
        null = np.sort(np.concatenate([_evidence(twin, test).ravel() for twin in twins]))
        observed = _evidence(estimates, test)[chosen]
        above = len(null) - np.searchsorted(null, observed, side="left")
        p[chosen] = (1 + above) / (1 + len(null))
    return benjamini_hochberg(p)


def _evidence(estimates: Estimates, test: Decision) -> Float[np.ndarray, "layer head"]:
    """What speaks for a label, larger for more."""
    point = estimates.point
    evidence = {
        Decision.INDUCTION: point.induction,
        Decision.DUPLICATE: point.duplicate,
        Decision.SINK: point.sink,
        Decision.DIFFUSE: -point.contrast,
        Decision.SEMANTIC: estimates.unexplained_nats,
    }.get(test, estimates.explained_nats)
    return np.nan_to_num(evidence, nan=0.0)
