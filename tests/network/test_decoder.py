from __future__ import annotations

import itertools
import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from models import N_CTX, N_VOCAB, WINDOW, random_tokens, tiny_config, tiny_decoder

from tinyinterp.errors import ConfigError
from tinyinterp.network.attention import KeyValueCache, Tap, allowed_keys
from tinyinterp.network.config import DecoderConfig
from tinyinterp.network.decoder import Decoder, ParameterCount, count_parameters

ARCHITECTURES = ("gpt_neo", "gpt2", "gpt_neox", "llama")


def listen(decoder: Decoder, name: str) -> list[torch.Tensor]:
    seen: list[torch.Tensor] = []
    decoder.get_submodule(name).register_forward_hook(lambda _m, _i, output: seen.append(output))
    return seen


@pytest.mark.parametrize("architecture", ARCHITECTURES)
@pytest.mark.parametrize("listened", ["hook_pattern", "hook_attn_scores"])
def test_the_explicit_form_gives_the_numbers_of_the_fused_one(architecture, listened):
    decoder, tokens = tiny_decoder(architecture).double(), random_tokens()
    fused = decoder(tokens)
    seen = [listen(decoder, f"blocks.{layer}.attn.{listened}") for layer in range(3)]
    explicit = decoder(tokens)
    assert [len(one) for one in seen] == [1, 1, 1]
    assert seen[0][0].shape == (3, 2, 43, 43)
    torch.testing.assert_close(explicit, fused, rtol=0, atol=1e-12)


@pytest.mark.parametrize("architecture", ARCHITECTURES)
def test_attention_can_be_told_to_be_explicit_without_a_listener(architecture):
    decoder, tokens = tiny_decoder(architecture).double(), random_tokens()
    fused = decoder(tokens)
    for layer in range(3):
        decoder.block(layer).attn.form = "explicit"
    torch.testing.assert_close(decoder(tokens), fused, rtol=0, atol=1e-12)


@pytest.mark.parametrize("architecture", ARCHITECTURES)
@pytest.mark.parametrize("window", [1, 7, 64, 65, 300])
@pytest.mark.parametrize("n_positions", [1, 63, 64, 131])
def test_attention_by_blocks_gives_the_same_numbers_and_gradients(
    architecture, window, n_positions
):
    decoder = tiny_decoder(architecture, window=window, n_ctx=131).double().requires_grad_()
    tokens = random_tokens(n_positions=n_positions)
    results = []
    for form in ("fused", "blocked"):
        for layer in range(3):
            decoder.block(layer).attn.form = form
        decoder.zero_grad()
        logits = decoder(tokens)
        logits.square().sum().backward()
        results.append((logits.detach(), {n: p.grad for n, p in decoder.named_parameters()}))
    (fused, expected), (blocked, found) = results
    torch.testing.assert_close(blocked, fused, rtol=0, atol=1e-11)
    for name, gradient in expected.items():
        torch.testing.assert_close(found[name], gradient, rtol=1e-8, atol=1e-9)


@pytest.mark.parametrize("architecture", ARCHITECTURES)
def test_training_projects_queries_keys_and_values_at_once_to_the_same_numbers(architecture):
    decoder, tokens = tiny_decoder(architecture).double(), random_tokens()
    apart = decoder(tokens)
    torch.testing.assert_close(decoder.train()(tokens), apart, rtol=0, atol=1e-12)


@pytest.mark.parametrize("architecture", ARCHITECTURES)
@settings(deadline=None, max_examples=20)
@given(cuts=st.sets(st.integers(1, 42), max_size=5))
def test_cached_pieces_give_the_numbers_of_the_whole(architecture, cuts):
    decoder, tokens = tiny_decoder(architecture).double(), random_tokens()
    cache, bounds = KeyValueCache(), [0, *sorted(cuts), 43]
    pieces = [decoder(tokens[:, a:b], cache) for a, b in itertools.pairwise(bounds)]
    assert len(cache) == 43
    torch.testing.assert_close(torch.cat(pieces, dim=1), decoder(tokens), rtol=0, atol=1e-12)


def test_a_cache_keeps_only_the_chosen_sequences():
    decoder, tokens = tiny_decoder().double(), random_tokens()
    cache = KeyValueCache()
    decoder(tokens[:, :20], cache)
    cache.keep(torch.tensor([2, 0]))
    rest = decoder(tokens[[2, 0], 20:], cache)
    torch.testing.assert_close(rest, decoder(tokens)[[2, 0], 20:], rtol=0, atol=1e-12)


@pytest.mark.parametrize("architecture", ARCHITECTURES)
@settings(deadline=None, max_examples=20)
@given(changed=st.integers(1, 42), token=st.integers(0, N_VOCAB - 1))
def test_a_token_changes_nothing_before_it(architecture, changed, token):
    decoder, tokens = tiny_decoder(architecture).double(), random_tokens(1)
    before = decoder(tokens)
    other = tokens.clone()
    other[0, changed] = token
    after = decoder(other)
    assert torch.equal(after[:, :changed], before[:, :changed])
    if token != tokens[0, changed]:
        assert (after[:, changed:] - before[:, changed:]).abs().amax(dim=-1).min() > 1e-6


@settings(deadline=None, max_examples=20)
@given(changed=st.integers(0, 42))
def test_a_local_query_sees_a_window_that_includes_itself(changed):
    decoder = tiny_decoder(n_layers=1, attention=("local",)).double()
    tokens = random_tokens(1)
    other = tokens.clone()
    other[0, changed] = (tokens[0, changed] + 1) % N_VOCAB
    moved = (decoder(other) - decoder(tokens)).abs().amax(dim=-1)[0] > 1e-9
    reach = range(changed, min(changed + WINDOW, 43))
    assert moved.nonzero().flatten().tolist() == list(reach)


def test_the_first_rows_of_a_mask_written_out():
    rows = allowed_keys(n_query=3, n_key=5, window=2).int().tolist()
    assert rows == [[0, 1, 1, 0, 0], [0, 0, 1, 1, 0], [0, 0, 0, 1, 1]]
    assert allowed_keys(2, 3, None).int().tolist() == [[1, 1, 0], [1, 1, 1]]


def test_patterns_are_distributions_over_allowed_keys():
    decoder = tiny_decoder()
    patterns = [listen(decoder, f"blocks.{layer}.attn.hook_pattern") for layer in range(3)]
    decoder(random_tokens())
    for layer, window in enumerate((None, WINDOW, None)):
        pattern = patterns[layer][0]
        torch.testing.assert_close(pattern.sum(dim=-1), torch.ones(3, 2, 43))
        allowed = allowed_keys(43, 43, window)
        assert (pattern[..., ~allowed] == 0).all()
        assert (pattern[..., allowed] > 0).all()


def test_only_gpt2_divides_scores_by_the_root_of_the_head_width():
    neo, gpt2 = tiny_config("gpt_neo"), tiny_config("gpt2")
    assert Decoder(neo).block(0).attn.scale == 1
    assert Decoder(gpt2).block(0).attn.scale == pytest.approx(1 / math.sqrt(13))


def test_a_hook_that_returns_something_replaces_it():
    decoder, tokens = tiny_decoder().double(), random_tokens()
    whole = decoder(tokens)
    tap = decoder.block(1).attn.hook_z
    handle = tap.register_forward_hook(lambda _m, _i, z: torch.zeros_like(z))
    without = decoder(tokens)
    handle.remove()
    torch.testing.assert_close(decoder(tokens), whole, rtol=0, atol=0)
    assert (without - whole).abs().max() > 1e-3
    decoder.block(1).attn.o.weight.zero_()
    torch.testing.assert_close(decoder(tokens), without, rtol=0, atol=1e-12)


def test_replacing_a_pattern_changes_what_attention_gives():
    decoder, tokens = tiny_decoder().double(), random_tokens()
    attention = decoder.block(0).attn
    values, z = listen(decoder, "blocks.0.attn.v"), listen(decoder, "blocks.0.attn.hook_z")
    attention.hook_pattern.register_forward_hook(
        lambda _m, _i, pattern: torch.eye(43).double().expand_as(pattern)
    )
    decoder(tokens)
    torch.testing.assert_close(z[0].flatten(2), values[0])  # each position attends to itself


def test_every_place_has_a_tap_named_as_in_transformer_lens():
    names = {name for name, module in tiny_decoder().named_modules() if isinstance(module, Tap)}
    block = {
        f"blocks.{layer}.{place}"
        for layer in range(3)
        for place in (
            "hook_resid_pre",
            "attn.hook_attn_scores",
            "attn.hook_pattern",
            "attn.hook_z",
            "hook_attn_out",
            "hook_resid_mid",
            "mlp.hook_pre",
            "mlp.hook_post",
            "hook_mlp_out",
            "hook_resid_post",
        )
    }
    assert names == {"hook_embed", "hook_pos_embed"} | block


def test_stopping_early_gives_the_stream_before_that_layer():
    decoder, tokens = tiny_decoder(), random_tokens()
    seen = listen(decoder, "blocks.2.hook_resid_pre")
    decoder(tokens)
    torch.testing.assert_close(decoder.residual(tokens, stop_at_layer=2), seen[0])


@pytest.mark.parametrize(
    ("n_vocab", "embeddings", "output"),
    [(8_001, 6_537_984, 6_146_304), (50_257, 38_990_592, 38_598_912)],
)
def test_the_published_parameter_table(n_vocab, embeddings, output):
    config = DecoderConfig(
        n_vocab=n_vocab, n_ctx=512, d_model=768, n_layers=4, n_heads=16, tied=False
    )
    count = count_parameters(config)
    assert count == ParameterCount(embeddings, 28_342_272, output)
    assert count.total == {8_001: 41_026_560, 50_257: 105_931_776}[n_vocab]


@pytest.mark.parametrize("architecture", ARCHITECTURES)
@pytest.mark.parametrize("tied", [True, False])
def test_the_count_is_that_of_a_real_decoder(architecture, tied):
    decoder = tiny_decoder(architecture, tied=tied)
    total = sum(parameter.numel() for parameter in decoder.parameters())
    assert count_parameters(decoder.config).total == total


def test_a_tied_head_is_the_embedding_and_stays_it():
    decoder = tiny_decoder()
    assert decoder.unembed.weight is decoder.embed.weight
    untied = count_parameters(tiny_config(tied=False))
    tied = count_parameters(tiny_config())
    assert untied.total - tied.total == untied.output - tied.output == N_VOCAB * 26
    assert tied.output == 2 * 26  # the final norm


def test_families_differ_by_default_in_attention():
    assert tiny_config("gpt_neo", n_layers=5).attention == (
        "global",
        "local",
        "global",
        "local",
        "global",
    )
    assert tiny_config("gpt2").attention == ("global",) * 3
    assert tiny_config(d_mlp=0).d_mlp == 4 * 26


def test_fresh_weights_have_the_deviations_of_gpt2():
    config = DecoderConfig(n_vocab=2_003, n_ctx=509, d_model=96, n_layers=8, n_heads=3)
    decoder = Decoder(config).initialize(torch.Generator().manual_seed(0))
    assert decoder.embed.weight.std().item() == pytest.approx(0.02, rel=0.02)
    assert decoder.block(3).attn.q.weight.std().item() == pytest.approx(0.02, rel=0.05)
    assert decoder.block(3).mlp.down.weight.std().item() == pytest.approx(0.005, rel=0.05)
    assert decoder.pos_embed.weight.std().item() == pytest.approx(0.01, rel=0.05)
    assert (decoder.ln_final.weight == 1).all()
    assert (decoder.block(0).mlp.up.bias == 0).all()


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"n_layers": 0}, "n_layers is 0"),
        ({"n_vocab": -1}, "n_vocab is -1"),
        ({"window": 0}, "window is 0"),
        ({"n_heads": 3}, "does not divide into 3 heads"),
        ({"attention": ("global",)}, "names 1 layers, the model has 3"),
        ({"dropout": 1.0}, "dropout is 1.0"),
        ({"attention_dropout": -0.1}, "attention_dropout is -0.1"),
        ({"architecture": "gpt2", "attention": ("global", "local", "global")}, "no local layers"),
    ],
)
@pytest.mark.usefixtures("unchecked")
def test_a_shape_that_is_no_model_is_refused(changes, message):
    with pytest.raises(ConfigError, match=message):
        tiny_config(**changes)


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        ("architecture", "mamba", "'mamba' is not known"),
        ("attention", ("global", "sparse", "local"), r"\['sparse'\]"),
        ("activation", "swish", "'swish' is not known"),
    ],
)
@pytest.mark.usefixtures("unchecked")
def test_a_word_that_means_nothing_is_refused(name, value, message):
    with pytest.raises(ConfigError, match=message):
        tiny_config(**{name: value})


def test_a_text_longer_than_the_context_is_refused():
    decoder = tiny_decoder()
    assert decoder(random_tokens(1, N_CTX)).shape == (1, N_CTX, N_VOCAB)
    with pytest.raises(ConfigError, match=f"{N_CTX + 1} positions were given"):
        decoder(random_tokens(1, N_CTX + 1))
    cache = KeyValueCache()
    decoder(random_tokens(1, N_CTX), cache)
    with pytest.raises(ConfigError, match=f"{N_CTX + 1} positions were given"):
        decoder(random_tokens(1, 1), cache)
