"""Every rung scored on TEST, in one pass: patterns, activations, and the loss of the whole model.

Beside the model's own residual stream go others, in which every head, every neuron, or both follow
a rung's prediction, or stay at their means. All of them see a token only through the rung's context
and, where heads still carry values from earlier positions, through those positions' streams.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
import torch
from jaxtyping import Bool, Float, Int, Shaped
from torch import Tensor

from tinyinterp.head_census.patterns import number_of_keys, without_sink
from tinyinterp.interventions import losses_above
from tinyinterp.io.progress import Progress
from tinyinterp.model_account.calibration_sample import PATTERN
from tinyinterp.model_account.fit import POST, Fitted
from tinyinterp.model_account.predictors import Reading
from tinyinterp.model_account.registry import ClassRows
from tinyinterp.model_account.surrogates import keys_after_first, surrogate_pattern
from tinyinterp.model_account.tags import TagRows
from tinyinterp.network.decoder import Decoder
from tinyinterp.network.packed import packed
from tinyinterp.processes import add_up, share, shared
from tinyinterp.scan import Hook, hooked_at, kept
from tinyinterp.text.sequences import N_BLOCKS, MicroBatch

Part = Literal["heads", "neurons", "both"]
PARTS: tuple[Part, ...] = ("heads", "neurons", "both")
MEANS = -1  # the rung below position: everything at its mean
Z = "attn.hook_z"
TAG_PREDICTORS = 2  # tag, and tag pair
TINY = 1e-12


@dataclass
class Scores:
    """Sums over TEST by block of stories.

    Args:
        rungs: how many there are, position included.
        loss: of the model alone under ``("both", None)``, of each part and rung; nats.
        predicted: tokens that a loss was taken of.
        rows: rows of patterns that count; ``entropy`` and ``uniform`` as in the census of heads.
        cross: cross-entropy with each rung's surrogate.
        tokens: positions.
        moments: sums of activations and of their squares.
        errors: of each predictor (the rungs, tag, tag pair): squared errors, predictions, their
            squares, products with the activations.
    """

    rungs: int
    loss: dict[tuple[str, int], Float[np.ndarray, " block"]]
    intact: Float[np.ndarray, " block"]
    predicted: Float[np.ndarray, " block"]
    rows: Float[np.ndarray, "block layer head"]
    entropy: Float[np.ndarray, "block layer head"]
    uniform: Float[np.ndarray, "block layer head"]
    cross: Float[np.ndarray, "rung block layer head"]
    tokens: Float[np.ndarray, " block"]
    moments: Float[np.ndarray, "two block layer neuron"]
    errors: Float[np.ndarray, "predictor four block layer neuron"]

    def arrays(self) -> list[np.ndarray]:
        """All sums."""
        others = (value for value in vars(self).values() if isinstance(value, np.ndarray))
        return [*self.loss.values(), *others]


class ScorePass:
    """Reads TEST once.

    Args:
        decoder: the model.
        fitted: what FIT says.
        tags: of the words of TEST.
        rungs: how many, position included: 4 for position, tokens, predecessor and trigram.
        classes: of the predictors that are declared, as they were fitted; None: there are none.
    """

    def __init__(
        self,
        decoder: Decoder,
        fitted: Fitted,
        tags: TagRows,
        rungs: int,
        classes: ClassRows | None = None,
    ) -> None:
        self._decoder, self._fitted, self._tags, self._rungs = decoder, fitted, tags, rungs
        self._classes = classes or ClassRows()
        beside = TAG_PREDICTORS + len(self._classes.predictors)
        config = decoder.config
        heads = (N_BLOCKS, config.n_layers, config.n_heads)
        neurons = (N_BLOCKS, config.n_layers, config.d_mlp)
        self.scores = Scores(
            rungs=rungs,
            loss={(part, rung): np.zeros(N_BLOCKS) for part in PARTS for rung in range(-1, rungs)},
            intact=np.zeros(N_BLOCKS),
            predicted=np.zeros(N_BLOCKS),
            rows=np.zeros(heads),
            entropy=np.zeros(heads),
            uniform=np.zeros(heads),
            cross=np.zeros((rungs, *heads)),
            tokens=np.zeros(N_BLOCKS),
            moments=np.zeros((2, *neurons)),
            errors=np.zeros((rungs + beside, 4, *neurons)),
        )

    def read(self, batches: Sequence[MicroBatch], report: Progress | None = None) -> Scores:
        """Score all micro-batches of TEST."""
        with torch.inference_mode(), packed(self._decoder):
            for batch in shared(batches):
                self._read(batch.on(self._decoder.embed.weight.device))
                if report is not None:
                    report.advance(sum(batch.lengths) * share())
        add_up(*self.scores.arrays())
        return self.scores

    def _read(self, batch: MicroBatch) -> None:
        decoder, fitted, scores = self._decoder, self._fitted, self.scores
        blocks = np.array([sequence.block for sequence in batch.sequences])
        reading = fitted.read(batch.tokens)
        intact = decoder.residual(batch.tokens, stop_at_layer=0)
        streams = dict.fromkeys(scores.loss, intact)
        for layer in range(decoder.config.n_layers):
            block = decoder.block(layer)
            with kept(block, [PATTERN, POST]) as seen:
                intact = block(intact)
            activations = fitted.predictions(layer, reading, self._rungs)
            self._score_activations(layer, seen[POST], reading, batch, blocks)
            clean = without_sink(seen[PATTERN], batch.lengths)
            self._score_clean(layer, clean.weights, clean.rows, blocks)
            for rung in range(-1, self._rungs):
                heads: dict[str, Hook] = {}
                if rung == MEANS:
                    heads[Z] = _constant(fitted.mean_z[layer])
                else:
                    pattern = surrogate_pattern(
                        decoder, layer, fitted.surrogates[layer], rung, reading
                    )
                    self._score_pattern(layer, rung, pattern, clean.weights, clean.rows, blocks)
                    heads[PATTERN] = _constant(pattern)
                neurons = {POST: _constant(activations[rung + 1])}
                for part, hooks in (
                    ("heads", heads), ("neurons", neurons), ("both", {**heads, **neurons}),
                ):  # fmt: skip
                    with hooked_at(block, hooks):
                        streams[part, rung] = block(streams[part, rung])
        layers = decoder.config.n_layers
        np.add.at(scores.tokens, blocks, batch.lengths)
        _add(scores.predicted, blocks, (batch.targets >= 0).sum(1))
        _add(scores.intact, blocks, losses_above(decoder, layers, intact, batch).sum(1))
        for key, stream in streams.items():
            _add(scores.loss[key], blocks, losses_above(decoder, layers, stream, batch).sum(1))

    def _score_activations(
        self,
        layer: int,
        values: Float[Tensor, "batch position neuron"],
        reading: Reading,
        batch: MicroBatch,
        blocks: Int[np.ndarray, " batch"],
    ) -> None:
        """A token is a token wherever it stands: token to trigram know no position here."""
        scores, mask = self.scores, batch.mask[..., None]
        found, by_tag = self._fitted.activations[layer], self._fitted.by_tag[layer]
        contexts = min(self._rungs - 1, len(reading.rows))
        above = range(contexts + 1, self._rungs)
        predictors = [
            found.at(0, reading).expand_as(values),
            *(found.means.predict(reading.rows[order]) for order in range(contexts)),
            *(found.at(rung, reading) for rung in above),
            *(by_tag.by_row[each] for each in self._tags.of(batch).to(values.device)),
            *(
                by_class.by_row[each.to(values.device)]
                for by_class, each in zip(
                    self._fitted.by_class[layer], self._classes.of(batch), strict=True
                )
            ),
        ]
        x = values.masked_fill(~mask, 0)
        exact = x.double()  # a variance is a small difference where a neuron hardly moves
        _add(scores.moments[0][:, layer], blocks, exact.sum(1))
        _add(scores.moments[1][:, layer], blocks, exact.square().sum(1))
        for number, predicted in enumerate(predictors):
            p = predicted.masked_fill(~mask, 0)
            e = x - p
            sums = torch.einsum("btn,btn->bn", e, e), p.sum(1)
            sums += torch.einsum("btn,btn->bn", p, p), torch.einsum("btn,btn->bn", x, p)
            for place, values_of in enumerate(sums):
                _add(scores.errors[number, place][:, layer], blocks, values_of)

    def _score_clean(
        self,
        layer: int,
        weights: Float[Tensor, "batch head query key"],
        rows: Bool[Tensor, "batch head query"],
        blocks: Int[np.ndarray, " batch"],
    ) -> None:
        scores = self.scores
        window = self._decoder.config.window_of(layer)
        n_keys = number_of_keys(weights.shape[-1], window, weights.device)
        logs = n_keys.clamp_min(1).log()
        _add(scores.rows[:, layer], blocks, rows.sum(-1))
        _add(scores.uniform[:, layer], blocks, (rows * logs).sum(-1))
        entropy = -torch.special.xlogy(weights, weights).sum((2, 3))
        _add(scores.entropy[:, layer], blocks, entropy)

    def _score_pattern(
        self,
        layer: int,
        rung: int,
        pattern: Float[Tensor, "batch head query key"],
        weights: Float[Tensor, "batch head query key"],
        rows: Bool[Tensor, "batch head query"],
        blocks: Int[np.ndarray, " batch"],
    ) -> None:
        """Cross-entropy of the clean pattern with the surrogate's, key 0 taken off."""
        left = (1 - pattern[..., 0]).clamp_min(TINY).log()
        window = self._decoder.config.window_of(layer)
        allowed = keys_after_first(pattern.shape[-1], window, pattern.device)
        logs = pattern.clamp_min(1e-30).log().masked_fill(~allowed, 0)
        cross = (left * rows).sum(-1) - torch.einsum("bhqk,bhqk->bh", weights, logs)
        _add(self.scores.cross[rung][:, layer], blocks, cross)


def _constant(value: Tensor) -> Hook:
    return value.expand_as


def _add(
    to: Float[np.ndarray, "block *part"],
    blocks: Int[np.ndarray, " batch"],
    by_sequence: Shaped[Tensor, "batch *part"],
) -> None:
    """Add what each sequence gives to the sum of its block, in fp64."""
    np.add.at(to, blocks, by_sequence.cpu().double().numpy())
