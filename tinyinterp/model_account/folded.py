"""A decoder's weights with the layer norms folded in: what heads and neurons read and write.

A layer norm subtracts the mean over the stream, divides by the deviation and multiplies by a gain.
The gain goes into the weights that read, and the mean is taken out of all that reads or writes; an
RMS norm subtracts none, so nothing is taken out. What is left of the norm is one positive number a
position, which changes no ratio, rank or sign here. Biases, of the norms too, add the same whatever
the token is, and are left out. Elhage et al. 2021
(https://transformer-circuits.pub/2021/framework) fold in the same way.

Heads that share keys and values have the same ones each. Where positions rotate queries and keys,
their product is that of a query and a key at the same position. A gated neuron reads the stream
twice; ``w_in`` is then what TransformerLens calls so, its linear input, and not its gate.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import torch
from jaxtyping import Float, Int
from torch import Tensor, nn

from tinyinterp.network.config import DecoderConfig
from tinyinterp.network.decoder import Decoder

TOKENS_AT_ONCE = 1024
Norm = nn.LayerNorm | nn.RMSNorm


@dataclass(frozen=True)
class FoldedHeads:
    """The heads of one layer, in double precision; their products are ``W_OV`` and ``W_QK``."""

    q: Float[Tensor, "head d_model d_head"]
    k: Float[Tensor, "head d_model d_head"]
    v: Float[Tensor, "head d_model d_head"]
    o: Float[Tensor, "head d_head d_model"]


@dataclass(frozen=True)
class FoldedNeurons:
    """The neurons of one layer, in double precision."""

    w_in: Float[Tensor, "neuron d_model"]
    w_out: Float[Tensor, "neuron d_model"]


@torch.no_grad()
def fold_heads(decoder: Decoder, layer: int) -> FoldedHeads:
    """The heads of ``layer``. The division of the scores is left out: it changes no ratio."""
    block, n_heads, d_head = decoder.block(layer), decoder.config.n_heads, decoder.config.d_head

    def reading(part: nn.Linear) -> Float[Tensor, "head d_model d_head"]:
        heads = _reading(part.weight, block.ln1).unflatten(0, (-1, d_head)).mT
        return heads.repeat_interleave(n_heads // len(heads), dim=0).contiguous()

    attn = block.attn
    o = _centred(attn.o.weight.double().T, block.ln1).unflatten(0, (n_heads, -1))
    return FoldedHeads(reading(attn.q), reading(attn.k), reading(attn.v), o)


@torch.no_grad()
def fold_neurons(decoder: Decoder, layer: int) -> FoldedNeurons:
    """The neurons of ``layer``."""
    block = decoder.block(layer)
    w_out = _centred(block.mlp.down.weight.double().T, block.ln2)
    return FoldedNeurons(_reading(block.mlp.up.weight, block.ln2), w_out)


@torch.no_grad()
def folded_unembedding(
    decoder: Decoder, n_tokens: int | None = None
) -> Float[Tensor, "d_model token"]:
    """``W_U`` with the final norm, and with the mean over tokens out: a softmax does not see it.

    Args:
        n_tokens: tokens that the tokenizer has, where the model has more.
    """
    unembed = _reading(decoder.unembed.weight[:n_tokens], decoder.ln_final)
    return (unembed - unembed.mean(dim=0)).T.contiguous()


@torch.no_grad()
def token_streams(
    decoder: Decoder, tokens: Int[Tensor, " token"]
) -> Iterator[Float[Tensor, "token d_model"]]:
    """What the tokens alone make of the residual stream at each layer's heads, normalised.

    The embedding, the mean of the position embeddings if there are any, and what the MLPs of the
    layers below add; attention is left out. From layer 1 on this is far nearer than the embedding
    to the stream in a text. In the bundled model its cosine with a token's mean stream, each less
    its mean over tokens, is .97 on average in layer 1 and .78 in layer 7. The embedding's is .14
    and .15; with the MLP of layer 0 alone (the usual effective embedding) it is .97 and .70.
    """
    stream = decoder.embed.weight[tokens]
    if decoder.config.learned_positions:
        stream = stream + decoder.pos_embed.weight.mean(dim=0)
    for layer in range(decoder.config.n_layers):
        block = decoder.block(layer)
        yield _normalised(stream, block.ln1)
        parts = [x + block.mlp(block.ln2(x)[None])[0] for x in stream.split(TOKENS_AT_ONCE)]
        stream = torch.cat(parts)


def dimensions_read(config: DecoderConfig) -> int:
    """Directions of the residual stream that the norm keeps: all, or all but the mean."""
    return config.d_model - (config.norm == "layer")


def _reading(weight: Float[Tensor, "read d_model"], norm: Norm) -> Float[Tensor, "read d_model"]:
    return _centred(weight.double() * norm.weight.double(), norm)


def _centred(weight: Float[Tensor, "row d_model"], norm: Norm) -> Float[Tensor, "row d_model"]:
    """Without the mean over the stream, if the norm takes it out."""
    return weight - weight.mean(dim=1, keepdim=True) if isinstance(norm, nn.LayerNorm) else weight


def _normalised(
    stream: Float[Tensor, "token d_model"], norm: Norm
) -> Float[Tensor, "token d_model"]:
    centred = _centred(stream.double(), norm)
    return centred / (centred.square().mean(dim=1, keepdim=True) + (norm.eps or 0.0)).sqrt()
