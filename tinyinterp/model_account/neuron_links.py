"""Which heads write most into what a neuron reads, and read most of what it writes."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from tinyinterp.model_account.composition import SIDES, Readers, Writers, strongest
from tinyinterp.model_account.folded import FoldedNeurons, dimensions_read
from tinyinterp.model_account.rotations import DIRECTION, Rotations, Spectrum
from tinyinterp.network.config import DecoderConfig

CHANCE = 0.05  # that random directions give any link in a model
UNNAMED = ("",)  # the side on which a head writes


@dataclass(frozen=True)
class NeuronLinks:
    """The heads that each neuron of a layer meets, strongest first, at most three."""

    written_by: list[list[str]]  # 3.2: head 3.2
    read_by: list[list[str]]  # K 5.1: head 5.1, as its keys


def neuron_links(
    neurons: FoldedNeurons,
    layer: int,
    writers: list[Writers],
    readers: list[Readers],
    config: DecoderConfig,
) -> NeuronLinks:
    """The links of the neurons of ``layer`` to heads of it and of the layers below and above.

    In a parallel block the heads of the layer itself write nothing that its neurons read.

    How much a head writes into a neuron is the composition of its W_OV with ``w_in``, and how much
    it reads, that of ``w_out`` with its W_QK or W_OV. A link is listed if it is above what a random
    direction would have, with a chance of 5 % for any pair of the model.

    Args:
        writers: of all layers, as the readers.
    """
    chance, dimensions = CHANCE / n_pairs(config), dimensions_read(config)
    into = [
        _above(neurons.w_in, w.rows.mT[None], w.norm[None], w.spectrum[None], chance, dimensions)
        for w in writers[: layer + (not config.parallel)]
    ]
    out = [
        _above(neurons.w_out, r.columns, r.norm, r.spectrum, chance, dimensions)
        for r in readers[layer + 1 :]
    ]
    n_neurons = len(neurons.w_in)
    return NeuronLinks(
        _listed(into, UNNAMED, 0, n_neurons), _listed(out, SIDES, layer + 1, n_neurons)
    )


def n_pairs(config: DecoderConfig) -> int:
    """All neurons with the heads that write to them and with the ways in which heads read them."""
    n_layers = config.n_layers
    above = n_layers * (n_layers - 1) // 2
    written = above if config.parallel else above + n_layers
    return (written + above * len(SIDES)) * config.n_heads * config.d_mlp


def _above(
    directions: Float[Tensor, "neuron d_model"],
    columns: Float[Tensor, "side head d_model d_head"],
    norm: Float[Tensor, "side head"],
    spectrum: Spectrum,
    chance: float,
    dimensions: int,
) -> Float[np.ndarray, "neuron side head"]:
    """How far each composition is above random directions; minus infinity where that is chance."""
    lengths = torch.einsum("nm,shmj->nshj", directions, columns).norm(dim=-1)
    sizes = directions.norm(dim=1)[:, None, None] * norm
    law = Rotations.of(dimensions, spectrum, DIRECTION)
    z = law.z((lengths / sizes.where(sizes > 0, 1.0)).numpy())
    return np.where(z > law.threshold(chance), z, -np.inf)


def _listed(
    above: list[Float[np.ndarray, "neuron side head"]],
    sides: tuple[str, ...],
    first_layer: int,
    n_neurons: int,
) -> list[list[str]]:
    if not above:
        return [[] for _ in range(n_neurons)]
    return [
        [link.name for link in strongest(z, np.isfinite(z), sides, first_layer)]
        for z in np.stack(above, axis=2)  # [neuron side layer head]
    ]
