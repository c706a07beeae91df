from __future__ import annotations

import math
from collections import defaultdict

import numpy as np
import pytest
import torch
from models import N_VOCAB, tiny_decoder
from torch.nn import functional as F

from tinyinterp.head_census.causal import MeanZ, measure_loss_rises
from tinyinterp.head_census.kernel import Surrogate
from tinyinterp.head_census.patterns import without_sink
from tinyinterp.network.config import ACTIVATIONS
from tinyinterp.scan import hooked_at, scan
from tinyinterp.text.sequences import N_BLOCKS, MicroBatch, Sequence, Side

LENGTHS = (11, 17, 23)
BLOCKS = (3, 5, 3)


def sequence(length, seed, block=0):
    tokens = np.random.default_rng(seed).integers(N_VOCAB, size=length)
    return Sequence(tokens, np.zeros((length, 2), dtype=np.int64), "", 0, Side.TEST, block)


def batch_of(*sequences, padding=0):
    width = max(len(s.tokens) for s in sequences)
    tokens = torch.full((len(sequences), width), padding)
    for row, one in enumerate(sequences):
        tokens[row, : len(one.tokens)] = torch.from_numpy(one.tokens)
    return MicroBatch(sequences, tokens)


SEQUENCES = tuple(sequence(n, n, block) for n, block in zip(LENGTHS, BLOCKS, strict=True))


def turned(config, x):
    """Queries or keys as complex numbers, turned one position after the other."""
    if config.learned_positions:
        return x
    half = config.rotary_dim // 2
    pairs = torch.complex(x[:, :half], x[:, half : 2 * half])
    for position in range(len(x)):
        for pair in range(half):
            angle = position * config.rotary_base ** (-pair / half)
            pairs[position, pair] *= complex(math.cos(angle), math.sin(angle))
    return torch.cat((pairs.real, pairs.imag, x[:, 2 * half :]), dim=1)


def by_hand(decoder, tokens, replace_z=None, replace_pattern=None):
    """Loss of one sequence, summed, and z of every layer; everything written out.

    ``replace_z`` and ``replace_pattern`` are (layer, head, what to put there).
    """
    n, all_z, config = len(tokens), [], decoder.config
    resid = decoder.embed.weight[tokens]
    if config.learned_positions:
        resid = resid + decoder.pos_embed.weight[:n]
    for layer, block in enumerate(decoder.blocks):
        attn, x = block.attn, block.ln1(resid)
        z = torch.zeros(n, decoder.config.n_heads, decoder.config.d_head)
        for head in range(decoder.config.n_heads):
            own, shared = head, head * config.n_key_value_heads // config.n_heads
            q, k, v = (
                project(x)[:, at * config.d_head : (at + 1) * config.d_head]
                for project, at in ((attn.q, own), (attn.k, shared), (attn.v, shared))
            )
            q, k = turned(config, q), turned(config, k)
            pattern = torch.zeros(n, n)
            for i in range(n):
                first = 0 if attn.window is None else max(0, i - attn.window + 1)
                pattern[i, first : i + 1] = (k[first : i + 1] @ q[i] * attn.scale).softmax(0)
            if replace_pattern and replace_pattern[:2] == (layer, head):
                pattern[2:] = replace_pattern[2][2:]
            z[:, head] = pattern @ v
            if replace_z and replace_z[:2] == (layer, head):
                z[:, head] = replace_z[2]
        all_z.append(z)
        after = resid + attn.o(z.flatten(1))
        read, act = block.ln2(resid if config.parallel else after), ACTIVATIONS[config.activation]
        up = block.mlp.up(read)
        resid = after + block.mlp.down(act(block.mlp.gate(read)) * up if config.gated else act(up))
    logits = decoder.unembed(decoder.ln_final(resid))
    loss = F.cross_entropy(logits[:-1], tokens[1:], reduction="sum")
    return float(loss), torch.stack(all_z)


@pytest.fixture(scope="module", params=["gpt_neo", "gpt2", "gpt_neox", "llama"])
def decoder(request):
    return tiny_decoder(request.param)


def mean_by_hand(decoder):
    z = [by_hand(decoder, torch.from_numpy(s.tokens))[1] for s in SEQUENCES]
    return torch.cat(z, dim=1).mean(1)


def surrogates_for(decoder, tables):
    """Of every layer with the place tables given; the rest is not looked at."""
    n_heads, unused = decoder.config.n_heads, torch.zeros(decoder.config.n_heads, 1)
    return [
        Surrogate(unused.double(), 1, table.double(), torch.zeros(n_heads).double(), None)
        for table in tables
    ]


def flat_tables(decoder, n=23):
    """The same random place tables and sinks for every layer, rows over keys that may be seen."""
    generator = torch.Generator().manual_seed(0)
    tables, sinks = [], []
    for layer in range(decoder.config.n_layers):
        window = decoder.config.window_of(layer)
        far = torch.arange(n)[:, None] - torch.arange(n)[None, :]
        allowed = (far >= 0) & (far < (window or n))
        table = torch.rand(2, n, n, generator=generator) * allowed
        table[..., 0] = table[:, :2] = 0
        tables.append(table / table.sum(-1, keepdim=True).clamp_min(1e-9))
        sinks.append(torch.rand(2, n, generator=generator) * allowed[:, 0])
    return tables, sinks


def doubles(sinks):
    return [sink.double() for sink in sinks]


def test_the_mean_is_over_tokens_without_padding(decoder):
    mean = MeanZ(decoder.config)
    scan(decoder, [batch_of(*SEQUENCES[:2], padding=7), batch_of(SEQUENCES[2])], [mean])
    torch.testing.assert_close(mean.mean(), mean_by_hand(decoder), rtol=0, atol=1e-5)


def test_rises_are_those_of_a_forward_pass_written_out(decoder):
    mean, (tables, sinks) = mean_by_hand(decoder), flat_tables(decoder)
    surrogates = surrogates_for(decoder, tables)
    batches = [batch_of(*SEQUENCES[:2], padding=7), batch_of(SEQUENCES[2])]
    found = measure_loss_rises(decoder, batches, mean, surrogates, doubles(sinks))
    ablation, surrogate = defaultdict(float), defaultdict(float)
    for one in SEQUENCES:
        tokens, n = torch.from_numpy(one.tokens), len(one.tokens)
        before, _ = by_hand(decoder, tokens)
        for layer in range(3):
            for head in range(2):
                at = (one.block, layer, head)
                after, _ = by_hand(decoder, tokens, replace_z=(layer, head, mean[layer, head]))
                ablation[at] += after - before
                sink = sinks[layer][head, :n, None]
                table = tables[layer][head, :n, :n] * (1 - sink)
                table[:, :1] += sink
                after, _ = by_hand(decoder, tokens, replace_pattern=(layer, head, table))
                surrogate[at] += after - before
    for at, rise in ablation.items():
        assert found.ablation[at] == pytest.approx(rise, abs=1e-3)
        assert found.surrogate[at] == pytest.approx(surrogate[at], abs=1e-3)
    assert np.abs(found.ablation[3]).min() > 0.002  # every head matters: no rise is 0 by mistake
    assert np.abs(found.surrogate[3]).min() > 0.002
    others = [block for block in range(N_BLOCKS) if block not in BLOCKS]
    assert not found.ablation[others].any()
    assert not found.surrogate[others].any()
    assert found.tokens.sum() == sum(LENGTHS) - 3
    assert (found.tokens[3], found.tokens[5]) == (10 + 22, 16)


def test_padding_is_not_counted(decoder):
    mean, (tables, sinks) = mean_by_hand(decoder), flat_tables(decoder)
    arguments = (mean, surrogates_for(decoder, tables), doubles(sinks))
    alone = measure_loss_rises(decoder, [batch_of(s) for s in SEQUENCES], *arguments)
    for padding in (0, 9):
        together = measure_loss_rises(decoder, [batch_of(*SEQUENCES, padding=padding)], *arguments)
        np.testing.assert_allclose(together.ablation, alone.ablation, atol=1e-3)
        np.testing.assert_allclose(together.surrogate, alone.surrogate, atol=1e-3)
        np.testing.assert_array_equal(together.tokens, alone.tokens)


def test_a_head_that_is_its_surrogate_loses_nothing(decoder):
    batch, kept = batch_of(SEQUENCES[1]), {}
    places = [f"blocks.{layer}.attn.hook_pattern" for layer in range(3)]
    hooks = {place: lambda x, place=place: kept.update({place: x}) for place in places}
    with torch.inference_mode(), hooked_at(decoder, hooks):
        decoder(batch.tokens)
    patterns = [kept[place].clone() for place in places]
    tables = [without_sink(pattern, batch.lengths).weights[0] for pattern in patterns]
    sinks = [pattern[0, :, :, 0].double() for pattern in patterns]
    mean = torch.zeros(3, 2, decoder.config.d_head)
    found = measure_loss_rises(decoder, [batch], mean, surrogates_for(decoder, tables), sinks)
    assert np.abs(found.surrogate).max() < 1e-3
    assert np.abs(found.ablation[5]).min() > 0.01
