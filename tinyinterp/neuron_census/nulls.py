"""What the same table makes of neurons that have learned nothing, beside which a count is read.

The *randomly initialised twin* has the same configuration. The *shuffled* model is the one that is
looked at, with the entries of every neuron's input weights in random order: the same sizes of
weights and the same biases, but nothing learned about what to fire on. Both read the beginning of
the text; fewer tokens leave more neurons undetermined, so ``tokens`` stands beside the shares.
"""

from __future__ import annotations

import copy
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, replace

import torch

from tinyinterp.io.progress import Progress
from tinyinterp.network.decoder import Decoder
from tinyinterp.neuron_census.evidence import judge
from tinyinterp.neuron_census.measure import measure
from tinyinterp.neuron_census.settings import NeuronSettings
from tinyinterp.neuron_census.survey import survey
from tinyinterp.tagging import SpeechReader
from tinyinterp.text.corpus import Corpus

RANDOM, SHUFFLED = "random", "shuffled"


@dataclass(frozen=True)
class NullKinds:
    """How many neurons of a layer were given each kind, by null model."""

    tokens: int  # that were read
    kinds: dict[str, dict[str, int]]  # by null model, then by kind


def random_twin(decoder: Decoder, seed: int) -> Decoder:
    """A decoder of the same configuration with fresh weights."""
    generator = torch.Generator().manual_seed(seed)
    return Decoder(decoder.config).initialize(generator).eval()


def shuffle_inputs(decoder: Decoder, seed: int) -> Decoder:
    """A copy with the entries of each neuron's input weights in random order."""
    generator = torch.Generator().manual_seed(seed)
    twin = copy.deepcopy(decoder)
    with torch.no_grad():
        for layer in range(twin.config.n_layers):
            weight = twin.block(layer).mlp.up.weight  # [neuron d_model]
            order = torch.rand(weight.shape, generator=generator).argsort(dim=1).to(weight.device)
            weight.copy_(weight.gather(1, order))
    return twin


NULLS: dict[str, Callable[[Decoder, int], Decoder]] = {
    RANDOM: random_twin,
    SHUFFLED: shuffle_inputs,
}


def null_kinds(
    decoder: Decoder,
    corpus: Corpus,
    settings: NeuronSettings,
    speech: SpeechReader,
    report: Progress | None = None,
) -> dict[int, NullKinds]:
    """The kinds of the null models' neurons, by layer; nothing without ``null_tokens``."""
    if not settings.null_tokens:
        return {}
    most = min(corpus.max_tokens or settings.null_tokens, settings.null_tokens)
    short = replace(corpus, max_tokens=most)
    text = survey(short)
    layers = settings.chosen_layers(decoder.config.n_layers)
    kinds: dict[int, dict[str, dict[str, int]]] = {layer: {} for layer in layers}
    for name, make in NULLS.items():
        twin = make(decoder, settings.seed)
        only_counts = replace(settings, top=1)
        found = measure(twin, short, only_counts, text, speech, sampled=0, report=report)
        for layer in layers:
            judged = judge(found.layers[layer], found.counts, text.counted_stories, settings.seed)
            kinds[layer][name] = dict(Counter(label.kind for label in judged.labels))
    return {layer: NullKinds(text.tokens, of_layer) for layer, of_layer in kinds.items()}
