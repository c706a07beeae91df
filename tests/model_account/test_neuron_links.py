from __future__ import annotations

import pytest
import torch

from tests.models import tiny_decoder
from tinyinterp.model_account.composition import Readers, Writers
from tinyinterp.model_account.folded import FoldedHeads, FoldedNeurons, fold_heads, fold_neurons
from tinyinterp.model_account.neuron_links import NeuronLinks, n_pairs, neuron_links
from tinyinterp.network.config import Architecture, DecoderConfig
from tinyinterp.network.decoder import Decoder

N_LAYERS, N_HEADS, D_MODEL, D_MLP = 4, 3, 87, 23


def random_model(seed: int, architecture: Architecture = "gpt_neo") -> Decoder:
    config = DecoderConfig(
        n_vocab=11,
        n_ctx=3,
        d_model=D_MODEL,
        n_layers=N_LAYERS,
        n_heads=N_HEADS,
        d_mlp=D_MLP,
        architecture=architecture,
        d_head=6 if architecture == "llama" else 0,  # it rotates pairs of dimensions
    )
    return Decoder(config).initialize(torch.Generator().manual_seed(seed))


def links_of(decoder: Decoder, neurons: FoldedNeurons, layer: int) -> NeuronLinks:
    heads = [fold_heads(decoder, at) for at in range(decoder.config.n_layers)]
    writers, readers = [Writers.of(x) for x in heads], [Readers.of(x) for x in heads]
    return neuron_links(neurons, layer, writers, readers, decoder.config)


@pytest.mark.parametrize("architecture", ["gpt_neo", "gpt2", "gpt_neox", "llama"])
@pytest.mark.parametrize("layer", range(N_LAYERS))
def test_a_neuron_made_for_a_head_is_linked_to_it(architecture: Architecture, layer: int):
    decoder = random_model(3, architecture)
    neurons, head = fold_neurons(decoder, layer), 2
    writes, reads = fold_heads(decoder, layer), fold_heads(decoder, N_LAYERS - 1)
    neurons.w_in[5], neurons.w_out[5] = (
        strongest_written(writes, head),
        reads.k[head] @ top(reads, head),
    )
    found = links_of(decoder, neurons, layer)
    own = [] if decoder.config.parallel else [f"{layer}.{head}"]  # read before they write
    assert found.written_by[5] == own
    later = [f"K {N_LAYERS - 1}.{head}"] if layer < N_LAYERS - 1 else []
    assert found.read_by[5] == later


def strongest_written(heads: FoldedHeads, head: int) -> torch.Tensor:
    """The direction that the head writes most."""
    return torch.linalg.svd(heads.v[head] @ heads.o[head], full_matrices=False).Vh[0]


def top(heads: FoldedHeads, head: int) -> torch.Tensor:
    """What makes ``k @ top`` a direction that the head's keys read much of."""
    return torch.linalg.svd(heads.k[head], full_matrices=False).Vh[0]


def test_random_models_have_no_links():
    with_any = 0
    for seed in range(20):
        decoder = random_model(seed)
        found = [links_of(decoder, fold_neurons(decoder, at), at) for at in range(N_LAYERS)]
        assert all(len(of.written_by) == len(of.read_by) == D_MLP for of in found)
        with_any += any(any(of.written_by) or any(of.read_by) for of in found)
    assert with_any <= 3  # of 20; a chance of 5 % gives 1


def test_silent_neurons_and_heads_have_no_links():
    decoder = tiny_decoder("gpt_neo")
    decoder.block(0).attn.o.weight.zero_()
    neurons = fold_neurons(decoder, 1)
    neurons.w_in[:], neurons.w_out[:] = 0, 0
    found = links_of(decoder, neurons, 1)
    assert not any(found.written_by)
    assert not any(found.read_by)


@pytest.mark.parametrize(("architecture", "own"), [("gpt_neo", 1), ("gpt_neox", 0)])
def test_pairs_are_counted_as_they_are_listed(architecture: Architecture, own: int):
    by_hand = sum(
        N_HEADS * D_MLP * ((layer + own) + 3 * (N_LAYERS - 1 - layer)) for layer in range(N_LAYERS)
    )
    assert n_pairs(random_model(3, architecture).config) == by_hand
