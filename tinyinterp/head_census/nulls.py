"""The same numbers in randomly initialised models: what heads show without any training.

A *random model* has the configuration of the model and fresh weights. Its heads are nearly uniform,
so a share explained (F, V) means little there; heads are therefore compared by nats: how much of a
row position explains, or leaves unexplained. A random head can lean on position through the
position embedding; the q-value says what exceeds that. For what a head looks at random models are
too tame a null, see :mod:`tinyinterp.head_census.shuffled`.

Both sides of the comparison are fitted and scored on the same tokens. On less text the surrogate of
a random head fits worse: position explains .0047 nats of a row (median) with 4,000 tokens and .0102
with 40,000, so that a null fitted on less would favour small q-values.
"""

from __future__ import annotations

import numpy as np
import torch
from jaxtyping import Float, Int

from tinyinterp.head_census import labels
from tinyinterp.head_census.estimates import Estimates
from tinyinterp.head_census.labels import Decision
from tinyinterp.head_census.measure import measure
from tinyinterp.head_census.repeated import Repeated
from tinyinterp.io.progress import Progress
from tinyinterp.network.config import DecoderConfig
from tinyinterp.network.decoder import Decoder
from tinyinterp.statistics import q_values as benjamini_hochberg
from tinyinterp.text.corpus import Corpus

NULL_HEADS = 200  # at least, over all random models
MOST_MODELS = 8


def number_of_random_models(config: DecoderConfig) -> int:
    """Enough for ``NULL_HEADS`` heads, but at most ``MOST_MODELS``."""
    heads = config.n_layers * config.n_heads
    return int(np.clip(-(-NULL_HEADS // heads), 1, MOST_MODELS))


def measure_random_models(
    config: DecoderConfig,
    corpus: Corpus,
    *,
    seed: int,
    with_repeated: bool = True,
    report: Progress | None,
    device: torch.device | None = None,
) -> list[Estimates]:
    """Estimates of randomly initialised models on a text, without replicates.

    Args:
        config: of the models.
        corpus: what they read.
        seed: of their weights, and of the rest.
        with_repeated: whether they also read repeated random tokens; of no use where no head is
            compared by what it does there.
        report: advances by the tokens of the text that are read.
        device: of the models; weights are drawn on the CPU, so always the same.
    """
    repeated = None if with_repeated else Repeated.unread(config)

    def estimates(number: int) -> Estimates:  # the model and its patterns' sums end with the call
        generator = torch.Generator().manual_seed(seed * MOST_MODELS + number)
        decoder = Decoder(config).initialize(generator).eval().to(device)
        return measure(
            decoder,
            config,
            corpus,
            seed=seed,
            with_looks_at=False,
            reported=False,
            repeated=repeated,
            report=report,
        ).estimates

    return [estimates(number) for number in range(number_of_random_models(config))]


def q_values(
    estimates: Estimates, tests: Int[np.ndarray, "layer head"], random_models: list[Estimates]
) -> Float[np.ndarray, "layer head"]:
    """Benjamini-Hochberg q-values over all heads, from ranks among the random models' heads.

    p is ``(1 + number of null heads at least as extreme) / (1 + number of null heads)``.

    Args:
        estimates: of the model, on the text that the random models read.
        tests: the test that decided the label of each head.
        random_models: of :func:`measure_random_models`.
    """
    p = np.ones(tests.shape)
    for test in labels.QUANTITY:  # where none decided, nothing is compared and p stays 1
        chosen = tests == test
        if not chosen.any():
            continue
        null = np.sort(np.concatenate([_evidence(found, test).ravel() for found in random_models]))
        observed = _evidence(estimates, test)[chosen]
        above = len(null) - np.searchsorted(null, observed, side="left")
        p[chosen] = (1 + above) / (1 + len(null))
    return benjamini_hochberg(p)


def _evidence(estimates: Estimates, test: Decision) -> Float[np.ndarray, "layer head"]:
    """The evidence for a label, larger for more."""
    point = estimates.point
    evidence = {
        Decision.INDUCTION: point.induction,
        Decision.DUPLICATE: point.duplicate,
        Decision.SINK: point.sink,
        Decision.DIFFUSE: -point.contrast,
        Decision.SEMANTIC: estimates.unexplained_nats,
    }.get(test, estimates.explained_nats)
    return np.nan_to_num(evidence, nan=0.0)
