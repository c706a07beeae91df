from __future__ import annotations

import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from models import N_CTX, N_VOCAB, random_tokens, tiny_compressor

from tinyinterp.errors import ConfigError
from tinyinterp.network.compressor import Compressor, CompressorConfig


@settings(deadline=None, max_examples=15)
@given(n_positions=st.integers(1, N_CTX), data=st.data())
def test_a_token_changes_everything_from_it_on_and_nothing_before(n_positions, data):
    changed = data.draw(st.integers(0, n_positions - 1))
    compressor, tokens = tiny_compressor().double(), random_tokens(1, n_positions)
    before = compressor.features(tokens)
    tokens[0, changed] = (tokens[0, changed] + 1) % N_VOCAB
    after = compressor.features(tokens)
    assert before.shape == (1, n_positions, 26)
    assert torch.equal(after[:, :changed], before[:, :changed])
    assert (after[:, changed:] - before[:, changed:]).abs().amax(dim=-1).min() > 1e-9


@pytest.mark.parametrize("n_positions", [1, 2, 3, 4, 11, 12])
def test_the_gradient_of_a_feature_reaches_its_past_and_not_its_future(n_positions):
    compressor = tiny_compressor().double()
    embedded = torch.zeros(1, 1)  # replaced by what the hook sees

    def keep(_module: object, _input: object, output: torch.Tensor) -> torch.Tensor:
        nonlocal embedded
        embedded = output.requires_grad_()
        return embedded

    compressor.embed.register_forward_hook(keep)
    features = compressor.features(random_tokens(1, n_positions))
    for position in range(n_positions):
        feature = features[0, position, 3]
        (gradient,) = torch.autograd.grad(feature, embedded, retain_graph=True)
        reached = gradient[0].abs().amax(dim=-1) > 0
        assert reached.tolist() == [past <= position for past in range(n_positions)]


@settings(deadline=None, max_examples=12)
@given(n_kept=st.integers(1, N_CTX - 1), n_more=st.integers(1, N_CTX))
def test_padding_on_the_right_changes_nothing_before_it(n_kept, n_more):
    compressor = tiny_compressor().double()
    tokens = random_tokens(3, min(n_kept + n_more, N_CTX))
    alone = compressor(tokens[:, :n_kept])
    padded = compressor(tokens)[:, :n_kept]
    torch.testing.assert_close(padded, alone, rtol=0, atol=1e-12)


def test_probabilities_of_all_texts_of_three_tokens_sum_to_one():
    n_vocab = 5
    compressor = tiny_compressor(n_vocab=n_vocab).double()
    every = torch.cartesian_prod(*[torch.arange(n_vocab)] * 3)
    texts = torch.cat((torch.zeros(len(every), 1, dtype=torch.int64), every), dim=1)
    log_probability = compressor(texts[:, :-1]).log_softmax(dim=-1)
    total = log_probability.gather(2, texts[:, 1:, None]).sum(dim=(1, 2)).exp().sum()
    assert total.item() == pytest.approx(1, abs=1e-12)


def test_the_trunk_has_half_as_many_positions_as_tokens():
    compressor, seen = tiny_compressor(), []
    compressor.block(1).register_forward_hook(lambda _m, _i, output: seen.append(output.shape))
    for n_positions in (1, 2, 7, 8, N_CTX):
        compressor(random_tokens(3, n_positions))
    assert seen == [(3, n_pairs, 26) for n_pairs in (1, 1, 4, 4, 49)]


def test_the_second_token_of_a_pair_is_told_the_first():
    """Without the trunk, position 2k+1 still knows token 2k+1, and position 2k knows nothing."""
    compressor, tokens = tiny_compressor().double(), random_tokens(1, 12)
    other = random_tokens(1, 12, seed=1)
    compressor.latents = lambda embedded: embedded.new_zeros(1, 6, 26)
    moved = (compressor(tokens) - compressor(other)).abs().amax(dim=-1)[0] > 1e-9
    assert moved.tolist() == [False, True] * 6


@pytest.mark.parametrize("tied", [True, False])
def test_parameters_counted_by_hand(tied):
    config = CompressorConfig(
        n_vocab=101, n_ctx=13, d_model=10, n_layers=3, n_heads=2, d_mlp=17, tied=tied
    )
    norm, mlp = 10 + 10, (10 * 17 + 17) + (17 * 10 + 10)
    block = norm + 4 * (10 * 10 + 10) + norm + mlp
    encoder = (20 * 10 + 10) + norm + mlp
    decoder = 10 + (10 * 10 + 10) + norm + mlp
    expected = 101 * 10 + 7 * 10 + encoder + 3 * block + decoder + norm
    expected += 0 if tied else 101 * 10
    assert sum(p.numel() for p in Compressor(config).parameters()) == expected


def test_fresh_weights_are_as_promised():
    shape = {"n_vocab": 307, "n_ctx": 63, "d_model": 46, "n_layers": 3, "n_heads": 2}
    draws = [
        Compressor(CompressorConfig(**shape)).initialize(torch.Generator().manual_seed(seed))
        for seed in (0, 0, 1)
    ]
    weights = [dict(one.named_parameters()) for one in draws]
    deviations = {
        "embed.weight": 0.02,
        "pos_embed.weight": 0.01,
        "encoder.join.weight": 1 / math.sqrt(92),
        "decoder.second.weight": 1 / math.sqrt(46),
        "encoder.refine.mlp.up.weight": 0.02,
        "encoder.refine.mlp.down.weight": 0.02 / math.sqrt(8),
        "blocks.1.attn.q.weight": 0.02,
        "blocks.1.attn.o.weight": 0.02 / math.sqrt(8),
    }
    for name, deviation in deviations.items():
        assert weights[0][name].std().item() == pytest.approx(deviation, rel=0.1), name
    for name, weight in weights[0].items():
        assert torch.equal(weight, weights[1][name])
        if "ln" in name or name.endswith("bias"):
            assert (weight == (1 if name.endswith("weight") else 0)).all(), name
        else:
            assert not torch.equal(weight, weights[2][name]), name


def test_the_head_is_the_embedding_where_tied():
    tied, untied = tiny_compressor(tied=True), tiny_compressor(tied=False)
    assert tied.unembed.weight is tied.embed.weight
    assert not torch.equal(untied.unembed.weight, untied.embed.weight)
    tokens = random_tokens()
    torch.testing.assert_close(tied(tokens), tied.features(tokens) @ tied.embed.weight.T)


def test_dropout_is_of_training_alone():
    compressor, tokens = tiny_compressor(dropout=0.3), random_tokens()
    assert torch.equal(compressor(tokens), compressor(tokens))
    compressor.train()
    assert not torch.equal(compressor(tokens), compressor(tokens))
    assert compressor.config == tiny_compressor().config  # it is no part of the shape


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"n_vocab": 0}, "n_vocab is 0"),
        ({"n_ctx": -3}, "n_ctx is -3"),
        ({"n_ctx": 0}, "n_ctx is 0"),
        ({"n_layers": -1}, "n_layers is -1"),
        ({"d_mlp": -2}, "d_mlp is -2"),
        ({"n_heads": 3}, "d_model 26 does not divide into 3 heads"),
        ({"dropout": 1.0}, "dropout is 1.0"),
    ],
)
def test_a_shape_that_is_no_model_is_refused(changes, message):
    with pytest.raises(ConfigError, match=message):
        tiny_compressor(**changes)


def test_a_width_of_the_mlp_is_filled_in():
    assert CompressorConfig(n_vocab=7, n_ctx=5, d_model=6, n_layers=1, n_heads=3).d_mlp == 24


def test_a_text_longer_than_the_context_is_refused():
    compressor = tiny_compressor()
    with pytest.raises(ConfigError, match=f"{N_CTX + 1} positions were given"):
        compressor(random_tokens(1, N_CTX + 1))
