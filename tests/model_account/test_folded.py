from __future__ import annotations

import pytest
import torch

from tests.models import random_tokens, tiny_decoder
from tinyinterp.model_account.folded import (
    fold_heads,
    fold_neurons,
    folded_unembedding,
    token_streams,
)
from tinyinterp.network.config import Architecture
from tinyinterp.network.decoder import Decoder

BOTH = pytest.mark.parametrize(
    ("architecture", "tied"),
    [
        ("gpt_neo", True),
        ("gpt2", False),
        ("gpt_neo", False),
        ("gpt_neox", False),
        ("llama", True),
        ("llama", False),
    ],
)


def normalised(decoder: Decoder, stream: torch.Tensor, eps: float | None = None) -> torch.Tensor:
    """Without the gain and the bias of the norm."""
    eps, shape = decoder.config.layer_norm_eps if eps is None else eps, stream.shape[-1:]
    if decoder.config.norm == "rms":
        return torch.nn.functional.rms_norm(stream, shape, eps=eps)
    return torch.nn.functional.layer_norm(stream, shape, eps=eps)


def gathered(decoder: Decoder, tokens: torch.Tensor, *names: str) -> dict[str, torch.Tensor]:
    found: dict[str, torch.Tensor] = {}

    def keep(name: str):
        return lambda _module, _inputs, output: found.update({name: output.clone()})

    handles = [decoder.get_submodule(name).register_forward_hook(keep(name)) for name in names]
    found["logits"] = decoder(tokens)
    for handle in handles:
        handle.remove()
    return found


def centred(logits: torch.Tensor) -> torch.Tensor:
    return logits - logits.mean(dim=-1, keepdim=True)


@BOTH
def test_logits_are_what_heads_and_everything_else_add(architecture: Architecture, *, tied: bool):
    decoder = tiny_decoder(architecture, tied=tied).double()
    layers = range(decoder.config.n_layers)
    last = f"blocks.{len(layers) - 1}.hook_resid_post"
    names = ["blocks.0.hook_resid_pre", last]
    names += [f"blocks.{layer}.{n}" for layer in layers for n in ("attn.hook_z", "hook_mlp_out")]
    found = gathered(decoder, random_tokens(), *names)
    unembed = folded_unembedding(decoder)
    size = found[last] - (decoder.config.norm == "layer") * found[last].mean(dim=-1, keepdim=True)
    deviation = (size.square().mean(dim=-1, keepdim=True) + decoder.config.layer_norm_eps).sqrt()
    rest = found["blocks.0.hook_resid_pre"]
    of_heads = torch.zeros_like(found["logits"])
    for layer in layers:
        rest = rest + found[f"blocks.{layer}.hook_mlp_out"]
        if decoder.config.out_bias:
            rest = rest + decoder.block(layer).attn.o.bias
        z, o = found[f"blocks.{layer}.attn.hook_z"], fold_heads(decoder, layer).o
        of_heads += torch.einsum("bthd,hdm->btm", z, o) @ unembed / deviation
    bias = torch.zeros(())
    if decoder.config.norm == "layer":
        bias = centred(decoder.unembed.weight @ decoder.ln_final.bias)
    everything = of_heads + rest @ unembed / deviation + bias
    torch.testing.assert_close(everything, centred(found["logits"]), rtol=1e-10, atol=1e-10)


@BOTH
def test_values_and_scores_are_read_from_the_normalised_stream(
    architecture: Architecture, *, tied: bool
):
    decoder = tiny_decoder(architecture, tied=tied).double()
    for name, parameter in decoder.named_parameters():
        if "ln1.bias" in name or name.endswith(("q.bias", "k.bias", "v.bias")):
            parameter.zero_()
    attn = "blocks.1.attn."
    names = ("blocks.1.hook_resid_pre", attn + "hook_attn_scores", attn + "hook_pattern")
    found = gathered(decoder, random_tokens(), *names, attn + "hook_z")
    x, heads = normalised(decoder, found[names[0]])[:, None], fold_heads(decoder, 1)
    z = found[names[2]] @ (x @ heads.v)
    torch.testing.assert_close(z.transpose(1, 2), found[attn + "hook_z"])
    scores = (x @ heads.q) @ (x @ heads.k).mT * decoder.block(1).attn.scale
    seen = found[names[1]].isfinite()
    if not decoder.config.learned_positions:  # the product is that at the same position
        seen &= torch.eye(seen.shape[-1], dtype=torch.bool)
    torch.testing.assert_close(scores[seen], found[names[1]][seen])


@BOTH
def test_neurons_read_the_normalised_stream(architecture: Architecture, *, tied: bool):
    decoder = tiny_decoder(architecture, tied=tied).double()
    stream = "blocks.2.hook_resid_" + ("pre" if decoder.config.parallel else "mid")
    linear = "blocks.2.mlp.hook_pre" + ("_linear" if decoder.config.gated else "")
    found = gathered(decoder, random_tokens(), stream, linear)
    read = normalised(decoder, found[stream]) @ fold_neurons(decoder, 2).w_in.T
    by_hand = found[linear]
    torch.testing.assert_close(read - read[0, 0], by_hand - by_hand[0, 0])
    out = decoder.block(2).mlp.down.weight.T
    torch.testing.assert_close(
        normalised(decoder, fold_neurons(decoder, 2).w_out, 0.0), normalised(decoder, out, 0.0)
    )


@BOTH
def test_streams_of_tokens_are_those_of_a_model_without_attention(
    architecture: Architecture, *, tied: bool
):
    decoder = tiny_decoder(architecture, tied=tied).double()
    tokens = torch.tensor([3, 277, 41, 3])
    streams = list(token_streams(decoder, tokens))
    if decoder.config.learned_positions:
        decoder.pos_embed.weight[:] = decoder.pos_embed.weight.mean(dim=0)
    for layer in range(decoder.config.n_layers):
        for parameter in decoder.block(layer).attn.o.parameters():
            parameter.zero_()
    for layer, stream in enumerate(streams):
        by_hand = decoder.residual(tokens[None], stop_at_layer=layer)[0]
        torch.testing.assert_close(stream, normalised(decoder, by_hand))


def test_the_unembedding_of_some_tokens_is_centred_over_them():
    decoder = tiny_decoder("gpt_neo")
    some = folded_unembedding(decoder, 101)
    assert some.shape == (decoder.config.d_model, 101)
    torch.testing.assert_close(some, centred(folded_unembedding(decoder)[:, :101]))
    assert some.sum(dim=0).abs().max() < 1e-9
