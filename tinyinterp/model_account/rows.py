"""The tables of an account, row by row."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from jaxtyping import Float

from tinyinterp.interventions import Rises
from tinyinterp.model import Model
from tinyinterp.model_account.fit import Fitted
from tinyinterp.model_account.judged import (
    Shares,
    explained_shares,
    kept_shares,
    needed,
    r2_shares,
    recovered,
)
from tinyinterp.model_account.ladder import LADDER, NEURON_RUNGS, PREDICTORS, RUNGS, THRESHOLDS
from tinyinterp.model_account.score import MEANS, PARTS, Scores
from tinyinterp.network.config import DecoderConfig

LANGUAGE = "language"
SHOWN_TOKENS = 8  # that a head is said to be drawn to
Row = dict[str, Any]


@dataclass(frozen=True)
class Evidence:
    """Everything that was measured.

    Args:
        scores: sums over TEST.
        heads: effects of single heads.
        layers: effects of all neurons of a layer.
        attributions: first-order effects of single neurons.
        agreement: correlation of these with exact effects, by what is put in place.
        ngrams: loss of the n-gram models by block, on the same TEST.
        ngram_parameters: how many numbers each of them stores.
        rung_parameters: how many numbers each part and rung stores.
        seed: of the bootstrap.
    """

    scores: Scores
    heads: Rises
    layers: Rises
    attributions: Rises
    agreement: dict[str, float]
    ngrams: Float[np.ndarray, "order block"]
    ngram_parameters: list[int]
    rung_parameters: dict[tuple[str, int], int]
    seed: int


def model_rows(evidence: Evidence) -> list[Row]:
    """A row for each part of the model and rung, then one for each n-gram model.

    ``loss_recovered`` is measured from everything at its mean, ``loss_recovered_unigram`` from the
    unigram model of FIT; ``low`` and ``high`` are the bounds of the former.
    """
    scores, seed = evidence.scores, evidence.seed
    total = scores.predicted.sum()
    rows: list[Row] = []
    keys: list[tuple[str, str, int]] = []
    losses: list[Float[np.ndarray, " block"]] = []
    for part in PARTS:
        for rung in range(MEANS, scores.rungs):
            keys.append(
                (
                    part,
                    "means" if rung == MEANS else RUNGS[rung],
                    evidence.rung_parameters[part, rung],
                )
            )
            losses.append(scores.loss[part, rung])
    for order, loss in enumerate(evidence.ngrams):
        keys.append((LANGUAGE, f"{order + 1}-gram", evidence.ngram_parameters[order]))
        losses.append(loss)
    stacked = np.stack(losses, axis=1)
    for number, (part, rung, parameters) in enumerate(keys):
        worst = scores.loss["both" if part == LANGUAGE else part, MEANS]
        from_means = recovered(stacked[:, number : number + 1], worst, scores.intact, seed)
        from_unigram = recovered(
            stacked[:, number : number + 1], evidence.ngrams[0], scores.intact, seed
        )
        rows.append(
            {
                "part": part,
                "rung": rung,
                "nats": float(stacked[:, number].sum() / total),
                "loss_recovered": float(from_means.value[0]),
                "loss_recovered_unigram": float(from_unigram.value[0]),
                "low": float(from_means.low[0]),
                "high": float(from_means.high[0]),
                "unigram_low": float(from_unigram.low[0]),
                "unigram_high": float(from_unigram.high[0]),
                "parameters": parameters,
            }
        )
    return rows


def head_rows(model: Model, fitted: Fitted, evidence: Evidence) -> list[Row]:
    """A row for each head: what each rung explains and keeps, and what the head needs."""
    seed = evidence.seed
    explained = explained_shares(evidence.scores, seed)
    ablation, kept = kept_shares(evidence.heads, seed)
    n_layers, n_heads = ablation.value.shape
    flat = Shares(*(each.reshape(LADDER, -1) for each in (kept.value, kept.low, kept.high)))
    needs = needed(flat, RUNGS, THRESHOLDS.keeps, THRESHOLDS.keeps_low)
    rows = []
    for layer, head in np.ndindex(n_layers, n_heads):
        row: Row = {"layer": layer, "head": head, "needs": needs[layer * n_heads + head]}
        for number, rung in enumerate(RUNGS):
            row |= _columns(f"explained_{rung}", explained, (number, layer, head))
        for number, rung in enumerate(RUNGS[:LADDER]):
            row |= _columns(f"keeps_{rung}", kept, (number, layer, head))
        row |= _columns("ablation_loss_increase", ablation, (layer, head))
        drawn = drawn_tokens(fitted.drawn[layer, head])
        row["drawn_to"] = [model.tokenizer.token_text(token) for token in drawn]
        rows.append(row)
    return rows


def neuron_rows(evidence: Evidence, declared: Sequence[str] = ()) -> list[Row]:
    """A row for each neuron: r² of each predictor, what it needs, first-order effects.

    Args:
        declared: the names of predictors beside our own, in their order.
    """
    rows: list[Row] = []
    tokens = evidence.attributions.tokens.sum()
    effects = evidence.attributions.rises.sum(1) / max(tokens, 1)  # [intervention layer neuron]
    for layer in range(effects.shape[1]):
        r2, r = r2_shares(evidence.scores, layer)
        needs = needed(r2, NEURON_RUNGS, THRESHOLDS.r2, THRESHOLDS.r2_low)
        for neuron in range(effects.shape[2]):
            row: Row = {"layer": layer, "neuron": neuron, "needs": needs[neuron]}
            for number, name in enumerate((*PREDICTORS, *declared)):
                row |= _columns(f"r2_{name}", r2, (number, neuron))
                row[f"r_{name}"] = float(r[number, neuron])
            for number, name in enumerate(("mean", *NEURON_RUNGS)):
                row[f"effect_{name}"] = float(effects[number, layer, neuron])
            rows.append(row)
    return rows


def layer_rows(evidence: Evidence) -> list[Row]:
    """A row for each layer and rung: what is kept where it stands for all neurons of the layer."""
    ablation, kept = kept_shares(evidence.layers, evidence.seed)
    rows = []
    for layer in range(len(ablation.value)):
        for number, rung in enumerate(NEURON_RUNGS):
            row: Row = {"layer": layer, "rung": rung}
            row |= _columns("keeps", kept, (number, layer))
            row |= _columns("ablation_loss_increase", ablation, (layer,))
            rows.append(row)
    return rows


def count_parameters(config: DecoderConfig, fitted: Fitted) -> dict[tuple[str, int], int]:
    """How many numbers the tables of each part and rung hold, with all contexts of FIT."""
    layers, contexts = config.n_layers, fitted.rows.contexts
    longest = fitted.surrogates[0].sink.shape[1]
    kernel = layers * config.n_heads * (longest * (longest - 1) // 2 + longest)  # V and the sink
    counts: dict[tuple[str, int], int] = {}
    for rung in range(MEANS, len(RUNGS)):
        nodes = 1 + sum(contexts.sizes()[: max(rung, 0)])
        features = fitted.gist.width if rung > contexts.order else 0
        positions = longest if rung > MEANS else 0
        neurons = layers * config.d_mlp * (nodes + positions + features)
        if rung == MEANS:
            heads = layers * config.n_heads * config.d_head
        elif rung == 0:
            heads = kernel
        else:
            streams = config.d_model * (nodes + positions + features)
            heads = kernel + layers * (streams + 2 * config.n_heads)
        counts |= {
            ("heads", rung): heads,
            ("neurons", rung): neurons,
            ("both", rung): heads + neurons,
        }
    return counts


def _columns(name: str, shares: Shares, at: tuple[int, ...]) -> Row:
    return {
        name: float(shares.value[at]),
        f"{name}_low": float(shares.low[at]),
        f"{name}_high": float(shares.high[at]),
    }


def drawn_tokens(scores: Float[np.ndarray, " n_vocab"]) -> list[int]:
    """The tokens with the largest mean scores as keys, largest first."""
    order = np.argsort(-scores, kind="stable")[:SHOWN_TOKENS]
    return [int(token) for token in order if np.isfinite(scores[token])]
