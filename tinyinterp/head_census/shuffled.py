"""Whether a head looks at a mark or a token more than a head without training would.

A role such as ``NOUN`` holds over many words, and its interval says so. A mark or a single token
stands for no other word: a head with random preferences also prefers its few favourites, story
after story. Such a role must be compared with heads whose preferences are random. A *shuffled
model* is the model itself with the entries of every W_Q and W_K in random order: same embeddings,
same sizes of weights, nothing learned about what to look at.

p is the chance that a head of a shuffled model *tells* (explains, see
:mod:`tinyinterp.head_census.looked_at`) as much, measured on the same tokens. So few of them do
that counting is too coarse: the upper half of their values is taken to be exponential beyond the
median, as in Knijnenburg et al. (2009), "Fewer permutations, more accurate P-values", with the
shape at 0. The q-value is Benjamini-Hochberg's over all heads of the model. A role of this sort
needs q <= .05.
"""

from __future__ import annotations

import copy

import numpy as np
import torch
from jaxtyping import Float

from tinyinterp.head_census import labels
from tinyinterp.head_census.labels import Decision
from tinyinterp.head_census.measure import Measured, measure
from tinyinterp.head_census.repeated import Repeated
from tinyinterp.head_census.rows import label_of, looked_at, tells
from tinyinterp.io.progress import Progress
from tinyinterp.network.config import DecoderConfig
from tinyinterp.network.decoder import Decoder
from tinyinterp.statistics import q_values
from tinyinterp.text.corpus import Corpus

SHUFFLED_HEADS = 48  # at least, over all shuffled models
MOST_SHUFFLED = 6
LEAST_NULL = 8  # values of shuffled heads, for a tail to be known


def shuffle_queries_and_keys(decoder: Decoder, generator: torch.Generator) -> Decoder:
    """A copy with the entries of every query and key matrix in random order."""
    shuffled = copy.deepcopy(decoder)
    with torch.no_grad():
        for layer in range(shuffled.config.n_layers):
            attention = shuffled.block(layer).attn
            for weight in (attention.q.weight, attention.k.weight):
                order = torch.randperm(weight.numel(), generator=generator).to(weight.device)
                weight.copy_(weight.flatten()[order].view_as(weight))
    return shuffled


def role_q_values(
    decoder: Decoder,
    corpus: Corpus,
    measured: Measured,
    compared: Measured,
    *,
    seed: int,
    report: Progress | None = None,
) -> Float[np.ndarray, "layer head"]:
    """q-values of the roles that are a mark or a token; NaN for heads of any other.

    Nothing is read where there is no such role.

    Args:
        decoder: the model.
        corpus: the text that the shuffled models read.
        measured: what the census gathered about ``decoder``: it gives the roles.
        compared: the same on ``corpus``: it gives the numbers, by as much text as the null has.
        seed: of the shuffled models.
        report: advances by the tokens that they read, or would have read.
    """
    tests = labels.decide(measured.estimates.point)
    found = np.full(tests.shape, np.nan)
    for at in np.ndindex(tests.shape):
        role = label_of(Decision(int(tests[at])), at, measured, seed)["role"]
        candidate = looked_at(measured, at, seed)
        if candidate is not None and role == candidate.name and not candidate.many_words:
            found[at] = _strongest(compared, at) or 0.0
    asked = np.isfinite(found)
    if not asked.any():
        if report is not None:
            report.advance(number_of_shuffled_models(decoder.config) * corpus.survey().tokens)
        return found
    null = _null(decoder, corpus, seed=seed, report=report)
    p = np.where(asked, tail(np.nan_to_num(found), null), 1.0)
    return np.where(asked, q_values(p), np.nan)


def tail(
    values: Float[np.ndarray, "*shape"], null: Float[np.ndarray, " null_head"]
) -> Float[np.ndarray, "*shape"]:
    """The chance that one more value is as large as each of ``values``.

    With ``n`` excesses over the median of mean ``m``, that of a further one is above ``y`` with
    probability ``(1 + y / (n m)) ** -n`` if they are exponential. At or below the median, and with
    too few to go by, 1 is given.
    """
    if len(null) < LEAST_NULL:
        return np.ones_like(values)
    middle = float(np.median(null))
    excess = null[null > middle] - middle
    if not len(excess):
        return np.where(values > middle, 1 / (1 + len(null)), 1.0)
    beyond = np.maximum(values - middle, 0) / excess.sum()
    p = len(excess) / len(null) * (1 + beyond) ** -len(excess)
    return np.where(values > middle, p, 1.0)


def _strongest(measured: Measured, at: tuple[int, int]) -> float | None:
    """How much the strongest candidate of a head explains; None if the text holds none of it."""
    nats = None if measured.keys is None else measured.keys.nats(*at)
    return None if nats is None else tells(nats, measured.estimates, at)


def number_of_shuffled_models(config: DecoderConfig) -> int:
    """As many as give enough heads to compare with, up to a limit."""
    return min(MOST_SHUFFLED, -(-SHUFFLED_HEADS // (config.n_layers * config.n_heads)))


def _null(
    decoder: Decoder, corpus: Corpus, *, seed: int, report: Progress | None
) -> Float[np.ndarray, " null_head"]:
    """How much the strongest candidates of the shuffled models' heads explain."""
    config = decoder.config

    def strongest(number: int) -> list[float]:  # the model ends with the call
        generator = torch.Generator().manual_seed(seed * MOST_SHUFFLED + number)
        shuffled = shuffle_queries_and_keys(decoder, generator)
        found = measure(
            shuffled,
            config,
            corpus,
            seed=seed,
            reported=False,
            repeated=Repeated.unread(config),
            report=report,
        )
        heads = (_strongest(found, at) for at in np.ndindex(config.n_layers, config.n_heads))
        return [each for each in heads if each is not None]

    models = range(number_of_shuffled_models(config))
    return np.array([value for number in models for value in strongest(number)])
