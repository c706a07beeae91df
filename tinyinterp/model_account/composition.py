"""Which heads read what earlier heads write: Q-, K- and V-composition of every pair.

The composition of an earlier head's ``W_OV`` with what reads it in a later head: ``W_QK`` for its
queries, the transpose for its keys, ``W_OV`` for its values (Elhage et al. 2021). It is compared
with that of the same two matrices when the earlier is turned at random
(:mod:`tinyinterp.model_account.rotations`): heads differ in rank, and with it in what chance gives.
All products have the size of a head.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from einops import rearrange
from jaxtyping import Bool, Float
from torch import Tensor

from tinyinterp import statistics
from tinyinterp.model_account.folded import FoldedHeads, dimensions_read, fold_heads
from tinyinterp.model_account.rotations import Rotations, Spectrum
from tinyinterp.network.decoder import Decoder

SIDES = ("Q", "K", "V")  # what a later head makes of what it reads: query, key or value
FALSE_DISCOVERIES = 0.05
STRONGEST = 3


@dataclass(frozen=True)
class Writers:
    """Heads as they write: ``W_OV`` is, up to a rotation of what it reads, ``rows``."""

    rows: Float[Tensor, "head d_head d_model"]
    norm: Float[Tensor, " head"]
    spectrum: Spectrum  # by head

    @classmethod
    def of(cls, heads: FoldedHeads) -> Writers:
        """Those of a layer."""
        rows = _upper(heads.v) @ heads.o
        singular = torch.linalg.svdvals(rows)
        return cls(rows, rows.flatten(1).norm(dim=1), Spectrum.of(singular))


@dataclass(frozen=True)
class Readers:
    """Heads as they read: ``W_QK``, its transpose, ``W_OV``, up to a rotation of the far side."""

    columns: Float[Tensor, "side head d_model d_head"]
    norm: Float[Tensor, "side head"]
    spectrum: Spectrum  # by side and head

    @classmethod
    def of(cls, heads: FoldedHeads) -> Readers:
        """Those of a layer."""
        sides = (
            heads.q @ _upper(heads.k).mT,
            heads.k @ _upper(heads.q).mT,
            heads.v @ _upper(heads.o.mT).mT,
        )
        columns = torch.stack(sides)
        singular = torch.linalg.svdvals(columns)
        return cls(columns, columns.flatten(2).norm(dim=2), Spectrum.of(singular))


@dataclass(frozen=True)
class Composition:
    """The composition of each pair of heads, and how far it exceeds that of random rotations.

    An entry is NaN unless the head that reads is in a later layer; ``q`` is then 1.
    """

    value: Float[np.ndarray, "side layer head from_layer from_head"]
    z: Float[np.ndarray, "side layer head from_layer from_head"]
    q: Float[np.ndarray, "side layer head from_layer from_head"]  # false discovery rate, all pairs
    expected: float  # of random rotations, the root of the mean square

    def reads(self, layer: int, head: int) -> list[Link]:
        """The heads that this head reads most, the one farthest above random rotations first.

        At most three, of those above at a false discovery rate of 5 %.
        """
        return strongest(self.z[:, layer, head], self._found[:, layer, head], SIDES)

    def read_by(self, layer: int, head: int) -> list[Link]:
        """The same of the heads that read this one: ``K 5.1`` is head 5.1, as its keys."""
        return strongest(self.z[..., layer, head], self._found[..., layer, head], SIDES)

    @property
    def _found(self) -> Bool[np.ndarray, "side layer head from_layer from_head"]:
        return self.q <= FALSE_DISCOVERIES


@dataclass(frozen=True)
class Link:
    """A head at the other end of a composition."""

    name: str  # side, if it has one, layer and head: ``K 1.4`` is head 1.4, by K-composition
    z: float  # how many deviations above random rotations


def strongest(
    z: Float[np.ndarray, "side layer head"],
    found: Bool[np.ndarray, "side layer head"],
    sides: Sequence[str],
    first_layer: int = 0,
) -> list[Link]:
    """The three farthest above random rotations, of those that are ``found``."""
    order = np.argsort(-np.where(found, z, -np.inf), axis=None, kind="stable")[:STRONGEST]
    places = zip(*np.unravel_index(order, found.shape), strict=True)
    return [
        Link(f"{sides[side]} {first_layer + layer}.{head}".strip(), float(z[side, layer, head]))
        for side, layer, head in places
        if found[side, layer, head]
    ]


def compositions(decoder: Decoder) -> Composition:
    """Q-, K- and V-composition of all pairs of heads."""
    n_layers, n_heads = decoder.config.n_layers, decoder.config.n_heads
    layers = [fold_heads(decoder, layer) for layer in range(n_layers)]
    writers, readers = [Writers.of(x) for x in layers], [Readers.of(x) for x in layers]
    dimensions = dimensions_read(decoder.config)
    shape = (len(SIDES), n_layers, n_heads, n_layers, n_heads)
    value, z, p = (np.full(shape, np.nan) for _ in range(3))
    for later in range(n_layers):
        for earlier in range(later):
            pair = composition_of(writers[earlier], readers[later])
            law = Rotations.of(
                dimensions,
                writers[earlier].spectrum[None, None, :],
                readers[later].spectrum[:, :, None],
            )
            value[:, later, :, earlier] = pair
            z[:, later, :, earlier] = law.z(pair)
            p[:, later, :, earlier] = law.p(pair)
    q = np.ones(shape)
    known = ~np.isnan(p)
    if known.any():
        q[known] = statistics.q_values(p[known])
    return Composition(value, z, q, dimensions**-0.5)


def composition_of(writers: Writers, readers: Readers) -> Float[np.ndarray, "side head from_head"]:
    """``|AB| / (|A||B|)`` of each writer with each reader; 0 where either is nothing."""
    product = torch.einsum(
        "bim,shmj->shbij", writers.rows, readers.columns
    )  # [side head from_head d_head d_head]
    norms = rearrange(product, "s h b i j -> s h b (i j)").norm(dim=-1)
    sizes = readers.norm[:, :, None] * writers.norm
    return (norms / sizes.where(sizes > 0, 1.0)).numpy()


def _upper(matrix: Float[Tensor, "head long short"]) -> Float[Tensor, "head short short"]:
    """R of the QR decomposition, which has the matrix's norm and products."""
    return torch.linalg.qr(matrix, mode="r").R
