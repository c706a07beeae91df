"""Tables of what the weights say of every head and every neuron; no text is read."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from torch.nn.functional import cosine_similarity

from tinyinterp.devices import on_the_cpu
from tinyinterp.io.table import Table
from tinyinterp.model import Model
from tinyinterp.model_account.common_tokens import common_names, common_words
from tinyinterp.model_account.composition import Readers, Writers, compositions
from tinyinterp.model_account.copying import copying
from tinyinterp.model_account.folded import (
    dimensions_read,
    fold_heads,
    fold_neurons,
    folded_unembedding,
)
from tinyinterp.model_account.logit_effects import logit_effects
from tinyinterp.model_account.neuron_links import neuron_links
from tinyinterp.network.decoder import Decoder
from tinyinterp.text.tokenizer import Tokenizer


@dataclass(frozen=True)
class HeadWeights:
    """One head; columns of the heads table."""

    layer: int
    head: int
    copying: float  # sum of the eigenvalues of W_U W_OV W_E over the sum of their moduli
    copying_effective: float  # the same with what the MLPs below make of a token alone for W_E
    copy_rank: float  # of a token among all that the head raises at it, median over common words
    name_copy_rank: float  # the same over common names; NaN where the vocabulary has none
    copies: str  # copying, copy suppression, or ""
    copies_names: str  # name mover, name suppression, or ""
    raises_at: list[str]  # the tokens attended to in the next two columns
    raises: list[str]  # tokens whose logits it raises there, strongest first
    lowers: list[str]
    composes_with: list[str]  # K 1.4: its keys read head 1.4; strongest first
    head_read_by: list[str]  # K 5.1: the keys of head 5.1 read this one
    composition: list[float]  # of each of them: deviations above random rotations


@dataclass(frozen=True)
class NeuronWeights:
    """One neuron; columns of the neurons table."""

    layer: int
    neuron: int
    family: str  # prediction, suppression, partition, or ""
    logit_kurtosis: float  # of its effect on the logits over the vocabulary; excess
    logit_skew: float
    logit_bimodality: float  # Sarle's coefficient: 1/3 normal, 5/9 uniform, 1 two points
    logit_spread: float  # deviation of that effect over that of random directions
    in_out_cosine: float  # of w_in and w_out; w_in of a gated neuron is its linear input
    written_by: list[str]  # heads that write into w_in more than by chance, strongest first: 3.2
    read_by: list[str]  # heads that read w_out more than by chance, and as what: K 5.1


def head_weights(
    decoder: Decoder,
    tokenizer: Tokenizer,
    drawn_to: Mapping[tuple[int, int], Sequence[int]] | None = None,
) -> list[HeadWeights]:
    """A row for every head.

    Args:
        decoder: the model.
        tokenizer: its vocabulary.
        drawn_to: the tokens that a head, by layer and number, is drawn to; for heads left out see
            :func:`tinyinterp.model_account.copying.copying`.
    """
    n_tokens = min(tokenizer.n_vocab, decoder.config.n_vocab)
    found = copying(
        decoder,
        n_tokens=n_tokens,
        tokens=common_words(tokenizer),
        names=common_names(tokenizer),
        drawn_to=drawn_to,
    )
    composition = compositions(decoder)
    heads = np.ndindex(decoder.config.n_layers, decoder.config.n_heads)
    rows = []
    for (layer, head), copies in zip(heads, found, strict=True):
        raises_at, raises, lowers = (
            [tokenizer.token_text(token) for token in tokens]
            for tokens in (copies.looked_at, copies.raises, copies.lowers)
        )
        links = composition.reads(layer, head)
        rows.append(
            HeadWeights(
                layer=layer,
                head=head,
                copying=copies.copying,
                copying_effective=copies.copying_effective,
                copy_rank=copies.copy_rank,
                name_copy_rank=copies.name_copy_rank,
                copies=copies.of_tokens(n_tokens),
                copies_names=copies.of_names(n_tokens),
                raises_at=raises_at,
                raises=raises,
                lowers=lowers,
                composes_with=[link.name for link in links],
                head_read_by=[link.name for link in composition.read_by(layer, head)],
                composition=[link.z for link in links],
            )
        )
    return rows


def neuron_weights(decoder: Decoder, tokenizer: Tokenizer) -> Iterator[NeuronWeights]:
    """A row for every neuron, layer by layer."""
    config = decoder.config
    unembed = folded_unembedding(decoder, min(tokenizer.n_vocab, config.n_vocab))
    heads = [fold_heads(decoder, layer) for layer in range(config.n_layers)]
    writers, readers = [Writers.of(x) for x in heads], [Readers.of(x) for x in heads]
    for layer in range(config.n_layers):
        neurons = fold_neurons(decoder, layer)
        n_neurons = config.n_layers * config.d_mlp
        effects = logit_effects(neurons.w_out, unembed, n_neurons, dimensions_read(config))
        links = neuron_links(neurons, layer, writers, readers, config)
        cosine = cosine_similarity(neurons.w_in, neurons.w_out, dim=1)
        for neuron, family in enumerate(effects.families()):
            yield NeuronWeights(
                layer=layer,
                neuron=neuron,
                family=family,
                logit_kurtosis=float(effects.kurtosis[neuron]),
                logit_skew=float(effects.skew[neuron]),
                logit_bimodality=float(effects.bimodality[neuron]),
                logit_spread=float(effects.spread[neuron]),
                in_out_cosine=float(cosine[neuron]),
                written_by=links.written_by[neuron],
                read_by=links.read_by[neuron],
            )


def weight_tables(model: Model) -> tuple[Table, Table]:
    """The tables of heads and of neurons, from the weights alone."""
    notes = {"model": model.name, "fingerprint": model.fingerprint}
    decoder = on_the_cpu(model.decoder)
    heads = head_weights(decoder, model.tokenizer)
    neurons = list(neuron_weights(decoder, model.tokenizer))
    return (
        Table("weights_heads", heads, notes=notes),
        Table("weights_neurons", neurons, notes=notes),
    )
