from __future__ import annotations

import pytest
import torch

from tests.models import tiny_decoder, tiny_tokenizer
from tinyinterp.network.config import Architecture
from tinyinterp.neuron_census.direct_effect import raised_and_lowered


@pytest.mark.parametrize(
    ("architecture", "tied"),
    [("gpt_neo", True), ("gpt2", False), ("gpt_neox", False), ("llama", True)],
)
def test_tokens_are_those_whose_logits_move(architecture: Architecture, *, tied: bool):
    """By hand: the norm of a stream so large that a neuron hardly changes its scale."""
    decoder, tokenizer = tiny_decoder(architecture, tied=tied).double(), tiny_tokenizer()
    layer, neuron = 1, 13
    raises, lowers = raised_and_lowered(decoder, tokenizer, layer)
    assert len(raises) == len(lowers) == decoder.config.d_mlp
    stream = 1e6 * torch.randn(50_021, decoder.config.d_model, dtype=torch.float64)
    out = decoder.block(layer).mlp.down.weight[:, neuron]
    change = (decoder.ln_final(stream + out) - decoder.ln_final(stream)).mean(dim=0)
    order = (decoder.unembed.weight @ change).argsort(descending=True).tolist()
    assert raises[neuron][0] == tokenizer.token_text(order[0])
    assert lowers[neuron][0] == tokenizer.token_text(order[-1])


def test_five_tokens_strongest_first():
    decoder, tokenizer = tiny_decoder("gpt_neo"), tiny_tokenizer()
    centred = decoder.unembed.weight * decoder.ln_final.weight
    centred = centred - centred.mean(dim=1, keepdim=True)
    logits = centred @ decoder.block(2).mlp.down.weight[:, 7]
    order = logits.argsort(descending=True).tolist()
    raises, lowers = raised_and_lowered(decoder, tokenizer, 2)
    assert raises[7] == [tokenizer.token_text(token) for token in order[:5]]
    assert lowers[7] == [tokenizer.token_text(token) for token in order[:-6:-1]]


@pytest.mark.parametrize("case", ["usual", "equal", "near", "none"])
def test_the_order_is_that_of_the_exact_effects(case: str):
    """Also where fp32 cannot tell: tokens with nearly equal weights, a neuron of zeros."""
    decoder, tokenizer = tiny_decoder("gpt2", tied=False), tiny_tokenizer()
    with torch.no_grad():
        weight = decoder.unembed.weight
        if case == "equal":
            weight[1::2] = weight[::2][: len(weight[1::2])]
        elif case == "near":
            weight[:] = weight[:1] + torch.arange(len(weight))[:, None] % 61 * 1e-6 * weight[1:2]
        elif case == "none":
            decoder.block(0).mlp.down.weight[:, 3] = 0
    raises, lowers = raised_and_lowered(decoder, tokenizer, 0)
    unembed = (weight[: tokenizer.n_vocab].double() * decoder.ln_final.weight).detach()
    unembed -= unembed.mean(dim=1, keepdim=True)
    effects = decoder.block(0).mlp.down.weight.detach().double().T @ unembed.T
    texts = [tokenizer.token_text(token) for token in range(tokenizer.n_vocab)]
    for neuron, of_all in enumerate(effects.tolist()):
        by_text = dict(zip(texts, of_all, strict=True))
        scale = max(map(abs, of_all)) or 1.0
        for tokens, ordered in ((raises, sorted(of_all)[::-1]), (lowers, sorted(of_all))):
            shown = [by_text[token] for token in tokens[neuron]]
            assert len(set(tokens[neuron])) == 5
            assert shown == pytest.approx(ordered[:5], abs=1e-12 * scale, rel=0)
