"""A few sequences of FIT on their way up through the layers, on which surrogates are calibrated.

For each head: how much its surrogate's scores and its kernel count, when attention goes to the
first token, and which tokens it is drawn to.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from jaxtyping import Bool, Float, Int, Shaped
from torch import Tensor

from tinyinterp.head_census.patterns import without_sink
from tinyinterp.model_account.calibration import calibrate
from tinyinterp.model_account.predictors import Predictor, Reading
from tinyinterp.model_account.surrogates import (
    MEAN_SINK,
    keys_after_first,
    scores_of,
    sink_features,
)
from tinyinterp.network.decoder import Decoder
from tinyinterp.network.packed import packed
from tinyinterp.scan import kept
from tinyinterp.text.sequences import MicroBatch

PATTERN = "attn.hook_pattern"
ROWS = 24  # queries of each sequence
DRAWN_LEAST = 5  # times that a token must be a key before a head can be said to be drawn to it
GATE_PULL = 1e-3  # of the gates, whose features are scores and may hardly vary


class CalibrationSample:
    """A few sequences of FIT on their way up through the layers."""

    def __init__(
        self,
        decoder: Decoder,
        batches: list[MicroBatch],
        readings: list[Reading],
        rungs: int,
        seed: int,
    ) -> None:
        self._decoder, self._batches, self._rungs = decoder, batches, rungs
        self._readings, device = readings, decoder.embed.weight.device
        with torch.inference_mode(), packed(decoder):
            self._resid = [
                decoder.residual(batch.tokens.to(device), stop_at_layer=0) for batch in batches
            ]
        random = np.random.default_rng((seed, 4))
        self._chosen = [
            [_queries(len(sequence.tokens), random) for sequence in batch.sequences]
            for batch in batches
        ]
        self._width = max(batch.tokens.shape[1] for batch in batches)

    def weights(
        self,
        layer: int,
        stream: Predictor,
        log_kernel: Float[Tensor, "head longest longest"],
        mean_sink: Float[Tensor, "head longest"],
    ) -> tuple[
        Float[Tensor, "rung head two"],
        Float[Tensor, "rung head gate"],
        Float[np.ndarray, "head n_vocab"],
    ]:
        """``a`` and ``b`` of every rung, its gates, and the mean score of each token as a key.

        Called once for each layer, from the lowest up.
        """
        decoder, n_heads = self._decoder, self._decoder.config.n_heads
        window, block = decoder.config.window_of(layer), decoder.block(layer)
        kernels, targets, allowed, sinks, means = [], [], [], [], []
        scores: list[list[Tensor]] = [[] for _ in range(self._rungs)]
        everywhere: list[Tensor] = []
        with torch.inference_mode(), packed(decoder), kept(block, [PATTERN]) as seen:
            for number, (batch, reading) in enumerate(
                zip(self._batches, self._readings, strict=True)
            ):
                self._resid[number] = block(self._resid[number])
                clean = without_sink(seen[PATTERN], batch.lengths)
                width = batch.tokens.shape[1]
                mask = keys_after_first(width, window, log_kernel.device)
                at = self._chosen[number]
                targets.append(self._picked(clean.weights, at))
                sinks.append(self._picked(seen[PATTERN][..., :1], at)[..., 0])
                of_mean = mean_sink[None, :, :width, None].expand(len(at), -1, -1, -1)
                means.append(self._picked(of_mean, at)[..., 0])
                allowed.append(self._picked(mask.expand(len(at), 1, -1, -1), at)[0])
                kernel = log_kernel[None, :, :width, :width].expand(len(at), -1, -1, -1)
                kernels.append(self._picked(kernel, at))
                for rung in range(self._rungs):
                    found = scores_of(block, stream.at(rung + 1, reading))
                    scores[rung].append(self._picked(found, at))
                    if rung == 0:
                        everywhere.append(found.cpu())
        target, keys = torch.cat(targets, 1), torch.cat(allowed).bool()
        kernel = torch.cat(kernels, 1)
        sink, mean = torch.cat(sinks, 1), torch.cat(means, 1)
        start = {"dtype": torch.float64, "device": target.device}
        weights = [torch.tensor([[0.0, 1.0]], **start).repeat(n_heads, 1)]
        gates = [torch.tensor([MEAN_SINK], **start).repeat(n_heads, 1)]
        for found in scores:
            features = torch.stack([torch.cat(found, 1), kernel])
            weights.append(calibrate(features, target, keys, weights[-1]))
            logits = torch.einsum("fhrk,hf->hrk", features, weights[-1].float())
            gating = sink_features(features[0, ..., 0], logits, mean, keys)
            gates.append(_calibrate_gate(gating, sink, (mean > 0) & (mean < 1), gates[0]))
        drawn = self._drawn(everywhere, weights[1][:, 0].cpu(), window)
        return torch.stack(weights), torch.stack(gates), drawn

    def _picked(
        self, values: Shaped[Tensor, "batch head query key"], queries: list[Int[np.ndarray, "_"]]
    ) -> Shaped[Tensor, "head row width"]:
        """The chosen queries' rows, filled up to one width."""
        chosen = [torch.from_numpy(at).to(values.device) for at in queries]
        rows = [values[i][:, at] for i, at in enumerate(chosen)]
        joined = torch.cat(rows, 1)
        return torch.nn.functional.pad(joined, (0, self._width - joined.shape[-1]))

    def _drawn(
        self,
        scores: list[Float[Tensor, "_ head _ _"]],
        a: Float[Tensor, " head"],
        window: int | None,
    ) -> Float[np.ndarray, "head n_vocab"]:
        """Mean of ``a ŝ`` by the key's token, beyond what the query and the distance account for.

        From each score, the mean over the query's keys is taken off, which the softmax does not
        see, and then the mean at that distance: tokens that stand at the end of stories are
        followed by few queries, all near.
        """
        n_vocab = self._decoder.config.n_vocab
        each = [
            _centred(batch, found.double(), window)
            for batch, found in zip(self._batches, scores, strict=True)
        ]
        by_distance = _mean_by_distance(each, self._width)
        totals = torch.zeros(len(a), n_vocab, dtype=torch.float64)
        counts = torch.zeros(n_vocab, dtype=torch.float64)
        times = torch.zeros(n_vocab, dtype=torch.float64)
        for batch, (allowed, found) in zip(self._batches, each, strict=True):
            usual = by_distance[:, _distances(found.shape[-1])]
            by_key = (found - usual).masked_fill(~allowed, 0).sum(2)  # [batch head key]
            for row, tokens in enumerate(batch.tokens):
                totals.index_add_(1, tokens, by_key[row])
                counts.index_add_(0, tokens, allowed[row, 0].sum(0).double())
                times += torch.bincount(tokens[batch.mask[row]], minlength=n_vocab)
        mean = a[:, None] * totals / counts.clamp_min(1)
        return mean.masked_fill((times < DRAWN_LEAST) | (counts == 0), -torch.inf).numpy()


def _calibrate_gate(
    features: Float[Tensor, "gate head row"],
    sink: Float[Tensor, "head row"],
    counts: Bool[Tensor, "head row"],
    begin: Float[Tensor, "head gate"],
) -> Float[Tensor, "head gate"]:
    """The weights of a logistic regression of the sink: a softmax over key 0 and the rest."""
    both = torch.stack([features, torch.zeros_like(features)], -1)
    target = torch.stack([sink, 1 - sink], -1) * counts[..., None]
    allowed = torch.ones(both.shape[2:], dtype=torch.bool, device=both.device)
    return calibrate(both, target, allowed, begin, pull=GATE_PULL)


def _centred(
    batch: MicroBatch, scores: Float[Tensor, "batch head query key"], window: int | None
) -> tuple[Bool[Tensor, "batch 1 query key"], Float[Tensor, "batch head query key"]]:
    """Which keys after key 0 a query sees, and their scores less their mean over these keys."""
    allowed = keys_after_first(batch.tokens.shape[1], window) & batch.mask[:, None, :, None]
    finite = scores.masked_fill(~allowed, 0)
    mean = finite.sum(-1, keepdim=True) / allowed.sum(-1, keepdim=True).clamp_min(1)
    return allowed, (finite - mean).masked_fill(~allowed, 0)


def _distances(width: int) -> Int[Tensor, "query key"]:
    """How far back each key lies; 0 for those that no query sees."""
    position = torch.arange(width)
    return (position[:, None] - position).clamp_min(0)


def _mean_by_distance(
    each: Sequence[tuple[Bool[Tensor, "_ 1 _ _"], Float[Tensor, "_ head _ _"]]], longest: int
) -> Float[Tensor, "head longest"]:
    """The mean score of the keys at each distance."""
    totals = torch.zeros(each[0][1].shape[1], longest, dtype=torch.float64)
    counts = torch.zeros(longest, dtype=torch.float64)
    for allowed, found in each:
        distances = _distances(found.shape[-1]).flatten()
        counts.index_add_(0, distances, allowed.sum((0, 1)).double().flatten())
        totals.index_add_(1, distances, found.sum(0).flatten(1))
    return totals / counts.clamp_min(1)


def _queries(length: int, random: np.random.Generator) -> Int[np.ndarray, " row"]:
    """Some queries of a sequence, from the third on."""
    after = np.arange(2, length)
    return np.sort(random.choice(after, min(ROWS, len(after)), replace=False))
