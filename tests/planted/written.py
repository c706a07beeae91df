"""A decoder whose heads copy, suppress or move names, and whose neurons predict, by construction.

Every token has a random code; those of names lie in dimensions of their own. A head reads codes and
writes them again, or their opposite. The output head is the embedding.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch

from tinyinterp.network.config import Architecture, DecoderConfig
from tinyinterp.network.decoder import Decoder

N_VOCAB = 311
NAMES = tuple(range(7, 300, 24))
CODE, NAME_CODE = 17, 11  # dimensions of the codes of other tokens, and of names
D_HEAD = 31
HEADS = ("copying", "suppression", "name mover", "name suppression", "random", "nothing")
FEW, HALF = (5, 50, 222), tuple(range(0, N_VOCAB, 2))  # tokens that a neuron may be about


@dataclass(frozen=True)
class Written:
    """The model, and which head of each layer does what."""

    decoder: Decoder
    heads: list[list[str]]
    basis: torch.Tensor  # [d_model feature]: the codes, the few, the half


def write(
    seed: int, *, architecture: Architecture = "gpt_neo", heads: Sequence[str] = HEADS
) -> Written:
    """Two layers, in each the same heads in another order; MLPs are silent."""
    random = np.random.default_rng((seed, 31))
    size = CODE + NAME_CODE + 2
    config = DecoderConfig(
        n_vocab=N_VOCAB,
        n_ctx=23,
        d_model=len(heads) * D_HEAD,
        n_layers=2,
        n_heads=len(heads),
        d_mlp=13,
        architecture=architecture,
    )
    drawn = random.standard_normal((config.d_model, size + 1))
    drawn[:, 0] = 1
    basis = np.linalg.qr(drawn)[0][:, 1:]  # columns that sum to 0, which layer norm leaves alone
    values = np.zeros((N_VOCAB, size))
    others = np.setdiff1d(np.arange(N_VOCAB), NAMES)
    values[others, :CODE] = _unit(random.standard_normal((len(others), CODE)))
    values[NAMES, CODE : CODE + NAME_CODE] = _unit(random.standard_normal((len(NAMES), NAME_CODE)))
    values[FEW, -2] = 1
    values[:, -1] = -1
    values[HALF, -1] = 1
    decoder = Decoder(config).initialize(torch.Generator().manual_seed(seed)).double()
    order = [[heads[at] for at in random.permutation(len(heads))] for _ in range(config.n_layers)]
    with torch.no_grad():
        decoder.embed.weight.copy_(torch.from_numpy(values @ basis.T))
        decoder.pos_embed.weight.zero_()
        for layer, names in enumerate(order):
            block = decoder.block(layer)
            block.mlp.down.weight.zero_()
            for head, name in enumerate(names):
                read, wrote = _head(name, basis, random)
                own = slice(head * D_HEAD, (head + 1) * D_HEAD)
                block.attn.v.weight[own] = torch.from_numpy(read)
                block.attn.o.weight[:, own] = torch.from_numpy(wrote)
    decoder.eval().requires_grad_(requires_grad=False)
    return Written(decoder, order, torch.from_numpy(basis))


def _head(name: str, basis: np.ndarray, random: np.random.Generator) -> tuple[np.ndarray, ...]:
    """What it reads [d_head d_model] and writes [d_model d_head]."""
    read, wrote = random.standard_normal((2, D_HEAD, len(basis))) / np.sqrt(len(basis))
    if name == "random":
        return read, wrote.T
    codes = basis.T[CODE if "name" in name else 0 : CODE + NAME_CODE]
    sign = {"copying": 1, "name mover": 1, "nothing": 0}.get(name, -1)
    read[:], wrote[:] = 0, 0
    read[: len(codes)], wrote[: len(codes)] = codes, sign * codes
    return read, wrote.T


def _unit(codes: np.ndarray) -> np.ndarray:
    return codes / np.linalg.norm(codes, axis=1, keepdims=True)
