"""One head changed at a time, side by side: what each block then gives."""

from __future__ import annotations

import pytest
import torch

from tests.models import random_tokens, tiny_decoder
from tinyinterp.model_account.effects import _each_head
from tinyinterp.network.config import Architecture
from tinyinterp.scan import hooked_at, kept


@pytest.mark.parametrize("architecture", ["gpt_neo", "gpt2", "gpt_neox", "llama"])
def test_changing_one_head_is_what_a_hook_does(architecture: Architecture):
    decoder, tokens = tiny_decoder(architecture).double(), random_tokens(3, 23)
    block, heads = decoder.block(1), decoder.config.n_heads
    resid = decoder.residual(tokens, stop_at_layer=1)
    with kept(block, ["attn.hook_z"]) as seen:
        attn_out = block.attn(block.ln1(resid))
    z = seen["attn.hook_z"].clone()
    instead = torch.randn(z.shape, generator=torch.Generator().manual_seed(0), dtype=z.dtype)
    wide = resid.repeat(heads, 1, 1)
    found = block.after_attention(wide, _each_head(block, attn_out, instead - z))
    for head, of_head in enumerate(found.chunk(heads)):
        changed = z.clone()
        changed[:, :, head] = instead[:, :, head]
        with hooked_at(block, {"attn.hook_z": lambda _, changed=changed: changed}):
            expected = block(resid)
        torch.testing.assert_close(of_head, expected)
        assert (expected - block(resid)).abs().max() > 1e-3


@pytest.mark.parametrize("architecture", ["gpt_neo", "gpt2", "gpt_neox", "llama"])
def test_values_are_what_a_head_gives_where_it_attends_to_one_position(architecture: Architecture):
    decoder, tokens = tiny_decoder(architecture).double(), random_tokens(2, 11)
    block = decoder.block(0)
    x = block.ln1(decoder.residual(tokens, stop_at_layer=0))
    itself = torch.eye(11, dtype=x.dtype)
    with (
        hooked_at(block, {"attn.hook_pattern": itself.expand_as}),
        kept(block, ["attn.hook_z"]) as seen,
    ):
        block.attn(x)
    torch.testing.assert_close(block.attn.values(x), seen["attn.hook_z"])
