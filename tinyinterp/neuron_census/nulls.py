"""The kinds of neurons in models that learned nothing: how often a label arises by chance.

The *random model* is randomly initialised, with the same configuration. The *shuffled model* is the
model itself with the entries of each neuron's input weights in random order: the same weights and
biases, but nothing learned about what to fire on. Both read the beginning of the text. Fewer tokens
leave more neurons undetermined, so ``tokens`` is recorded with the shares. Fewer neurons only widen
the interval of a share, so of a wide layer evenly spaced ones are counted.
"""

from __future__ import annotations

import copy
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, replace

import torch

from tinyinterp.io.progress import Progress
from tinyinterp.network.decoder import Decoder
from tinyinterp.neuron_census.corpus_stats import corpus_stats
from tinyinterp.neuron_census.evidence import judge
from tinyinterp.neuron_census.measure import measure
from tinyinterp.neuron_census.settings import NeuronSettings
from tinyinterp.tagging import TagReader
from tinyinterp.text.corpus import Corpus

NEURONS = 1_024  # at least, of a layer that has so many: a share is then known to 3 points
RANDOM, SHUFFLED = "random", "shuffled"


@dataclass(frozen=True)
class NullKinds:
    """How many neurons of a layer get each kind in the null models."""

    tokens: int  # that the null models read
    neurons: int  # of the layer, in each null model
    kinds: dict[str, dict[str, int]]  # by null model, then by kind


def random_model(decoder: Decoder, seed: int) -> Decoder:
    """A randomly initialised decoder of the same configuration."""
    generator = torch.Generator().manual_seed(seed)
    drawn = Decoder(decoder.config).initialize(generator).eval()
    return drawn.to(decoder.embed.weight.device)


def shuffled_model(decoder: Decoder, seed: int) -> Decoder:
    """A copy with the entries of each neuron's input weights in random order."""
    generator = torch.Generator().manual_seed(seed)
    shuffled = copy.deepcopy(decoder)
    with torch.no_grad():
        for layer in range(shuffled.config.n_layers):
            mlp = shuffled.block(layer).mlp
            for reads in dict.fromkeys(
                (mlp.up, mlp.into_activation)
            ):  # one, or an input and a gate
                weight = reads.weight  # [neuron d_model]
                order = torch.rand(weight.shape, generator=generator).argsort(dim=1)
                weight.copy_(weight.gather(1, order.to(weight.device)))
    return shuffled


NULLS: dict[str, Callable[[Decoder, int], Decoder]] = {
    RANDOM: random_model,
    SHUFFLED: shuffled_model,
}


def null_kinds(
    decoder: Decoder,
    corpus: Corpus,
    settings: NeuronSettings,
    tag_reader: TagReader,
    report: Progress | None = None,
) -> dict[int, NullKinds]:
    """The kinds of the null models' neurons, by layer; empty if ``null_tokens`` is 0."""
    if not settings.null_tokens:
        return {}
    most = min(corpus.max_tokens or settings.null_tokens, settings.null_tokens)
    short = replace(corpus, max_tokens=most)
    stats = corpus_stats(short)
    layers = settings.chosen_layers(decoder.config.n_layers)
    only_counts = replace(settings, top=1)
    every = max(1, decoder.config.d_mlp // NEURONS)

    kinds: dict[int, dict[str, dict[str, int]]] = {layer: {} for layer in layers}

    def count(name: str) -> None:  # the model and what is found end with the call
        model = NULLS[name](decoder, settings.seed)
        found = measure(
            model, short, only_counts, stats, tag_reader, sampled=0, every=every, report=report
        )
        for layer in layers:
            judged = judge(found.layers[layer], found.counts, stats.counted_stories, settings.seed)
            kinds[layer][name] = dict(Counter(label.kind for label in judged.labels))

    for name in NULLS:
        count(name)
    n_neurons = len(range(0, decoder.config.d_mlp, every))
    return {
        layer: NullKinds(stats.tokens, n_neurons, of_layer) for layer, of_layer in kinds.items()
    }
