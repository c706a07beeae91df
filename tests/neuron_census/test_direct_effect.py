from __future__ import annotations

import pytest
import torch

from tests.models import tiny_decoder, tiny_tokenizer
from tinyinterp.network.config import Architecture
from tinyinterp.neuron_census.effects import raised_and_lowered


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
