from __future__ import annotations

import pytest
import torch
from models import random_tokens, tiny_decoder, tiny_tokenizer

from tinyinterp.errors import SelectionError
from tinyinterp.network.config import Architecture
from tinyinterp.neuron_census.activations import READINGS, hook_of
from tinyinterp.scan import forward, hooked_at, scan
from tinyinterp.text.corpus import corpus_of


def read_once(decoder, layer, reading, tokens):
    hook_name, values = hook_of(decoder, layer, reading)
    found = []
    with torch.inference_mode(), hooked_at(decoder, {hook_name: lambda x: found.append(values(x))}):
        forward(decoder, tokens)
    (only,) = found
    return only


@pytest.mark.parametrize("architecture", ["gpt_neo", "gpt2", "gpt_neox", "llama"])
@pytest.mark.parametrize("layer", [0, 1, 2])
def test_each_reading_is_what_the_slow_way_gives(architecture: Architecture, layer: int):
    """The stream before a layer is what a decoder without the layers above hands to its norm."""
    decoder, tokens = tiny_decoder(architecture, seed=layer), random_tokens(3, 43)
    mlp, block = decoder.block(layer).mlp, decoder.block(layer)
    stream = decoder.residual(tokens, stop_at_layer=layer)  # [3 43 26]
    reads = mlp.up if mlp.gate is None else mlp.gate
    middle = stream if decoder.config.parallel else stream + block.attn(block.ln1(stream))
    report, pre = (
        torch.einsum("bpd,nd->bpn", x, reads.weight) + (0 if reads.bias is None else reads.bias)
        for x in (stream, block.ln2(middle))
    )
    post = mlp.activation(pre) * (1 if mlp.gate is None else mlp.up(block.ln2(middle)))
    slow = {"report": report, "pre": pre, "post": post}
    assert set(slow) == set(READINGS)
    for reading, expected in slow.items():
        found = read_once(decoder, layer, reading, tokens)
        assert found.shape == (3, 43, 31)
        torch.testing.assert_close(found, expected, rtol=1e-4, atol=1e-5)
    assert not torch.allclose(report, pre, atol=0.1)


def test_it_can_be_listened_to_in_a_scan():
    decoder = tiny_decoder()
    corpus = corpus_of(["Tim saw a dog.", "The dog ran to the park."], tiny_tokenizer(), 97)
    seen = []

    class Listener:
        def __init__(self, reading: str) -> None:
            self.hook_name, self.values = hook_of(decoder, 2, reading)

        def hook_names(self):
            return (self.hook_name,)

        def observe(self, batch, name, value):
            seen.append((name, tuple(self.values(value).shape), batch.tokens.shape))

    scan(decoder, corpus.micro_batches(), [Listener(reading) for reading in READINGS])
    assert [name for name, *_ in seen] == [
        "blocks.2.hook_resid_pre",
        "blocks.2.mlp.hook_pre",
        "blocks.2.mlp.hook_post",
    ]
    assert all(shape == (*tokens, 31) for _, shape, tokens in seen)


def test_what_is_not_there_is_refused():
    with pytest.raises(SelectionError, match="no reading 'resid'; choose one of post, pre, report"):
        hook_of(tiny_decoder(), 0, "resid")
    for layer in (-1, 3):
        with pytest.raises(SelectionError, match=f"no layer {layer}; this model has 3"):
            hook_of(tiny_decoder(), layer, "post")
