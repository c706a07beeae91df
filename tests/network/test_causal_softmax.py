"""The compiled causal softmax against PyTorch's on masked scores."""

from __future__ import annotations

import pytest
import torch

from tests.models import tiny_config
from tinyinterp.network.attention import allowed_keys
from tinyinterp.network.causal_softmax import causal_softmax_
from tinyinterp.network.decoder import Decoder


@pytest.mark.parametrize("window", [None, 1, 5, 64])
@pytest.mark.parametrize(("n_query", "n_key"), [(1, 1), (17, 17), (3, 13), (67, 67)])
def test_it_is_the_softmax_of_the_keys_that_a_query_may_see(n_query, n_key, window):
    generator = torch.Generator().manual_seed(n_key)
    scores = 30 * torch.randn(2, 3, n_query, n_key, generator=generator)
    allowed = allowed_keys(n_query, n_key, window)
    expected = scores.double().masked_fill(~allowed, -torch.inf).softmax(-1)
    found = causal_softmax_(scores, window)
    assert found is scores
    assert not found[..., ~allowed].any()
    torch.testing.assert_close(found.double(), expected, rtol=2e-5, atol=1e-30)


def test_a_score_far_below_the_largest_gets_nothing():
    scores = torch.tensor([[[[0.0, 0.0], [-500.0, 500.0]]]])
    assert causal_softmax_(scores, None).tolist() == [[[[1, 0], [0, 1]]]]


@pytest.mark.parametrize("bad", [float("nan"), -float("nan"), float("inf")])
@pytest.mark.parametrize("key", [0, 7, 18])
def test_a_row_with_a_score_that_is_no_number_is_none(bad, key):
    scores = torch.linspace(-3, 3, 19).repeat(1, 1, 19, 1).contiguous()
    scores[0, 0, 18, key] = bad
    pattern = causal_softmax_(scores, None)[0, 0]
    assert pattern[18].sum().isnan()
    assert pattern[:18].isfinite().all()


def test_a_pattern_does_not_depend_on_what_comes_with_it():
    scores = torch.randn(5, 3, 23, 23, generator=torch.Generator().manual_seed(0))
    alone = torch.cat([causal_softmax_(one.clone()[None], 7) for one in scores])
    assert causal_softmax_(scores, 7).equal(alone)


def test_the_decoder_gives_the_same_pattern_with_its_gradient_and_without():
    config = tiny_config(n_layers=2, attention=("global", "local"), window=5)
    decoder = Decoder(config).initialize(torch.Generator().manual_seed(0)).eval()
    tokens = torch.randint(0, config.n_vocab, (3, min(13, config.n_ctx)))
    patterns: list[torch.Tensor] = []
    for layer in range(2):
        tap = decoder.block(layer).attn.hook_pattern
        tap.register_forward_hook(lambda _module, _inputs, output: patterns.append(output))
    logits = decoder(tokens)
    with torch.inference_mode():
        torch.testing.assert_close(decoder(tokens), logits, rtol=1e-5, atol=1e-6)
    for slow, quick in zip(patterns[:2], patterns[2:], strict=True):
        torch.testing.assert_close(quick, slow, rtol=1e-5, atol=1e-8)
