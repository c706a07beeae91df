"""Everything that is fitted, on FIT alone: two passes, the second over a few sequences only.

The first pass adds up activations and residual streams by context, patterns by position, and the
means that ablations put in place. The second calibrates each head's surrogates.
"""

from __future__ import annotations

import heapq
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Float, Int
from torch import Tensor

from tinyinterp.devices import moved
from tinyinterp.head_census.causal import MeanZ
from tinyinterp.head_census.correlation import priority_of
from tinyinterp.head_census.kernel import fit_surrogate
from tinyinterp.head_census.on_device import fit_accumulator
from tinyinterp.head_census.patterns import OnPatterns
from tinyinterp.io.progress import Progress
from tinyinterp.model_account.calibration_sample import CalibrationSample
from tinyinterp.model_account.contexts import find_contexts
from tinyinterp.model_account.gist import Gist, GistSums
from tinyinterp.model_account.means import (
    ContextMeans,
    TokenRows,
    rows_for,
)
from tinyinterp.model_account.predictors import Predictor, Reading
from tinyinterp.model_account.registry import ClassRows
from tinyinterp.model_account.streams import Streams
from tinyinterp.model_account.surrogates import (
    MEAN_SINK,
    LayerSurrogates,
    log_kernels,
    smooth_sink,
)
from tinyinterp.model_account.tags import TagRows
from tinyinterp.network.decoder import Decoder
from tinyinterp.network.packed import packed
from tinyinterp.scan import kept, scan
from tinyinterp.text.sequences import MicroBatch, group_by_length
from tinyinterp.text.sequences import Sequence as Story

POST = "mlp.hook_post"
REGRESSED = 256  # sequences of FIT that corrections by the gist are fitted on
CALIBRATED = 48  # of these, that surrogates are calibrated on
Batches = Callable[[], Iterable[MicroBatch]]  # opens the micro-batches anew


@dataclass(frozen=True)
class Fitted:
    """What FIT says of every layer.

    Args:
        rows: the contexts that TEST needs.
        gist: the features of a text so far.
        surrogates: of each layer's heads.
        activations: what contexts say of each layer's neurons.
        by_tag: what the tag says of them, and the tag with that of the word before.
        by_class: what each predictor that is declared says of them, by layer.
        mean_z: each head's mean output.
        drawn: mean centred score of every token as a key, by head; minus infinity where too rare.
    """

    rows: TokenRows
    gist: Gist
    surrogates: list[LayerSurrogates]
    activations: list[Predictor]
    by_tag: list[ContextMeans]
    by_class: list[list[ContextMeans]]
    mean_z: Float[Tensor, "layer head d_head"]
    drawn: Float[np.ndarray, "layer head n_vocab"]

    def drawn_by_head(self) -> Iterator[tuple[tuple[int, int], Float[np.ndarray, " n_vocab"]]]:
        """Layer and number of every head, with its scores of tokens as keys."""
        for layer, of_layer in enumerate(self.drawn):
            for head, scores in enumerate(of_layer):
                yield (layer, head), scores

    def read(self, tokens: Int[Tensor, "batch position"]) -> Reading:
        """What rungs may know of these tokens, on their device."""
        here = tokens.cpu()
        return moved(Reading(self.rows.of(here), self.gist.of(here)), tokens.device)

    def predictions(
        self, layer: int, reading: Reading, rungs: int
    ) -> list[Float[Tensor, "#batch position neuron"]]:
        """What stands in for a layer's neurons: their means, then each rung's prediction."""
        found = self.activations[layer]
        return [found.mean(reading), *(found.at(rung, reading) for rung in range(rungs))]


def fit_ladders(
    decoder: Decoder,
    fit: Batches,
    test: Sequence[MicroBatch],
    tags: TagRows,
    gist: Gist,
    *,
    order: int,
    seed: int,
    together: bool = True,
    classes: ClassRows | None = None,
    report: Progress | None = None,
) -> Fitted:
    """Fit what every rung says, for all heads and neurons.

    Args:
        decoder: the model.
        fit: opens the micro-batches of FIT.
        test: those of TEST; only their tokens are looked at, to know which contexts are needed.
        tags: of the words of both.
        gist: features of a text so far.
        order: tokens of the longest contexts.
        seed: of the sample that surrogates are calibrated on.
        together: whether what contexts and positions add is fitted together, or each alone.
        classes: of the predictors that are declared; None: there are none.
        report: advances by the tokens read.
    """
    config = decoder.config
    tokens: list[Int[np.ndarray, " position"]] = []
    chosen = heapq.nsmallest(
        REGRESSED, _noted(fit(), tokens), key=lambda story: priority_of(story, seed)
    )
    calibrating = list(group_by_length(chosen[:CALIBRATED], 0))
    regressed = list(group_by_length(chosen, 0))
    contexts = find_contexts(tokens, config.n_vocab, order)
    rows = rows_for(contexts, [batch.tokens for batch in (*test, *regressed)])
    longest = max(*(batch.tokens.shape[1] for batch in test), *map(len, tokens))
    del tokens

    classes = classes or ClassRows()
    streams = Streams(decoder, rows, tags, classes, longest, together=together)
    mean_z = MeanZ(config)
    device = decoder.embed.weight.device
    patterns = fit_accumulator(config, longest, device)
    scan(decoder, fit(), [OnPatterns(config, [patterns]), mean_z, streams], report=report)

    means = {name: streams.means(name) for name in streams.hook_names()}
    corrections = _corrections(decoder, regressed, rows, gist, means, report)
    predictors = {name: moved(Predictor(means[name], corrections[name]), device) for name in means}
    readings = [
        moved(Reading(rows.of(batch.tokens), gist.of(batch.tokens)), device)
        for batch in calibrating
    ]
    sample = CalibrationSample(decoder, calibrating, readings, order + 1, seed)
    surrogates, activations, by_tag, by_class = [], [], [], []
    drawn = np.full((config.n_layers, config.n_heads, config.n_vocab), -np.inf)
    for layer in range(config.n_layers):
        positional = fit_surrogate(patterns.sums(layer))
        stream = predictors[f"blocks.{layer}.hook_resid_pre"]
        logs = log_kernels(positional).to(device)
        sink = smooth_sink(*patterns.sink_sums(layer), config.window_of(layer)).to(device)
        weights, gates, drawn[layer] = sample.weights(layer, stream, logs, sink)
        if not together:
            gates = torch.tensor(MEAN_SINK, device=device).expand_as(gates)
        surrogates.append(LayerSurrogates(logs, sink, stream, weights, gates))
        activations.append(predictors[f"blocks.{layer}.{POST}"])
        by_tag.append(moved(streams.tag_means(f"blocks.{layer}.{POST}"), device))
        by_class.append(moved(streams.class_means(f"blocks.{layer}.{POST}"), device))
    z = mean_z.mean().to(device)
    return Fitted(rows, gist, surrogates, activations, by_tag, by_class, z, drawn)


def _corrections(
    decoder: Decoder,
    batches: list[MicroBatch],
    rows: TokenRows,
    gist: Gist,
    means: Mapping[str, ContextMeans],
    report: Progress | None,
) -> dict[str, Float[Tensor, "_ _"]]:
    """How the gist corrects each hook's means, by regression on some sequences of FIT."""
    sums = GistSums(gist, {name: each.by_row.shape[1] for name, each in means.items()})
    with torch.inference_mode(), packed(decoder), kept(decoder, means) as seen:
        for batch in batches:
            decoder.residual(batch.tokens.to(decoder.embed.weight.device))
            features, longest = gist.of(batch.tokens), rows.of(batch.tokens)[-1]
            sums.add_features(features, batch.mask)
            for name, each in means.items():
                sums.add(name, seen[name].cpu() - each.predict(longest), features, batch.mask)
            if report is not None:
                report.advance(sum(batch.lengths))
    return sums.corrections(means)


def _noted(
    batches: Iterable[MicroBatch], tokens: list[Int[np.ndarray, " position"]]
) -> Iterator[Story]:
    """All sequences, once; only their tokens are kept."""
    for batch in batches:
        for sequence in batch.sequences:
            tokens.append(sequence.tokens)
            yield sequence
