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
    ("architecture", "tied"), [("gpt_neo", True), ("gpt2", False), ("gpt_neo", False)]
)


def normalised(stream: torch.Tensor, eps: float = 1e-5) -> torch.Tensor:
    return torch.nn.functional.layer_norm(stream, stream.shape[-1:], eps=eps)


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
    names = ["hook_embed", "hook_pos_embed", f"blocks.{len(layers) - 1}.hook_resid_post"]
    names += [f"blocks.{layer}.{n}" for layer in layers for n in ("attn.hook_z", "hook_mlp_out")]
    found = gathered(decoder, random_tokens(), *names)
    unembed = folded_unembedding(decoder)
    deviation = (
        found[names[2]].var(dim=-1, correction=0, keepdim=True) + decoder.ln_final.eps
    ).sqrt()
    rest = found["hook_embed"] + found["hook_pos_embed"]
    of_heads = torch.zeros_like(found["logits"])
    for layer in layers:
        rest = rest + found[f"blocks.{layer}.hook_mlp_out"] + decoder.block(layer).attn.o.bias
        z, o = found[f"blocks.{layer}.attn.hook_z"], fold_heads(decoder, layer).o
        of_heads += torch.einsum("bthd,hdm->btm", z, o) @ unembed / deviation
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
    x, heads = normalised(found[names[0]])[:, None], fold_heads(decoder, 1)
    z = found[names[2]] @ (x @ heads.v)
    torch.testing.assert_close(z.transpose(1, 2), found[attn + "hook_z"])
    scores = (x @ heads.q) @ (x @ heads.k).mT * decoder.block(1).attn.scale
    seen = found[names[1]].isfinite()
    torch.testing.assert_close(scores[seen], found[names[1]][seen])


@BOTH
def test_neurons_read_the_normalised_stream(architecture: Architecture, *, tied: bool):
    decoder = tiny_decoder(architecture, tied=tied).double()
    found = gathered(decoder, random_tokens(), "blocks.2.hook_resid_mid", "blocks.2.mlp.hook_pre")
    read = normalised(found["blocks.2.hook_resid_mid"]) @ fold_neurons(decoder, 2).w_in.T
    by_hand = found["blocks.2.mlp.hook_pre"]
    torch.testing.assert_close(read - read[0, 0], by_hand - by_hand[0, 0])
    out = decoder.block(2).mlp.down.weight.T
    torch.testing.assert_close(
        normalised(fold_neurons(decoder, 2).w_out, 0.0), normalised(out, 0.0)
    )


@BOTH
def test_streams_of_tokens_are_those_of_a_model_without_attention(
    architecture: Architecture, *, tied: bool
):
    decoder = tiny_decoder(architecture, tied=tied).double()
    tokens = torch.tensor([3, 277, 41, 3])
    streams = list(token_streams(decoder, tokens))
    decoder.pos_embed.weight[:] = decoder.pos_embed.weight.mean(dim=0)
    for layer in range(decoder.config.n_layers):
        decoder.block(layer).attn.o.weight.zero_()
        decoder.block(layer).attn.o.bias.zero_()
    for layer, stream in enumerate(streams):
        by_hand = decoder.residual(tokens[None], stop_at_layer=layer)[0]
        torch.testing.assert_close(stream, normalised(by_hand))


def test_the_unembedding_of_some_tokens_is_centred_over_them():
    decoder = tiny_decoder("gpt_neo")
    some = folded_unembedding(decoder, 101)
    assert some.shape == (decoder.config.d_model, 101)
    torch.testing.assert_close(some, centred(folded_unembedding(decoder)[:, :101]))
    assert some.sum(dim=0).abs().max() < 1e-9
