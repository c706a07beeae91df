from __future__ import annotations

import numpy as np
import pytest
import torch
from models import N_CTX, random_tokens, tiny_checkpoint, tiny_decoder, tiny_tokenizer

from tinyinterp.checkpoint import hooked
from tinyinterp.errors import CheckpointError, SelectionError
from tinyinterp.scan import Accumulator, forward, hooked_at, scan
from tinyinterp.text.corpus import corpus_of

PLACES = (
    "hook_resid_pre",
    "attn.hook_pattern",
    "attn.hook_z",
    "hook_attn_out",
    "hook_resid_mid",
    "mlp.hook_pre",
    "mlp.hook_post",
    "hook_mlp_out",
    "hook_resid_post",
)
EVERYWHERE = [f"blocks.{layer}.{place}" for layer in range(3) for place in PLACES]
STORIES = [f"{'The dog ran. ' * (1 + number % 5)}Tim saw {number}." for number in range(40)]


def corpus():
    return corpus_of(STORIES, tiny_tokenizer(), N_CTX)


class Keep:
    """Holds everything it was shown."""

    def __init__(self, *places):
        self.names, self.seen = places, []

    def hook_names(self):
        return self.names

    def observe(self, batch, place, value):
        self.seen.append((place, batch.sequences[0].number, value.clone()))


class Running:
    """A sum whose rounding depends on the order and the grouping of what is added."""

    def __init__(self, place):
        self.place, self.sum = place, torch.zeros(())

    def hook_names(self):
        return [self.place]

    def observe(self, batch, place, value):  # noqa: ARG002
        self.sum = self.sum + value.square().sum()


def ran(module, calls):
    return module.register_forward_hook(lambda *_: calls.append(1))


@pytest.mark.parametrize("architecture", ["gpt_neo", "gpt2", "gpt_neox", "llama"])
def test_both_engines_show_the_same_numbers(tmp_path, architecture):
    checkpoint = tiny_checkpoint(tmp_path, architecture)
    engine = hooked.convert(checkpoint)[0]
    parallel = checkpoint.decoder.config.parallel  # attention and MLP have no stream between them
    names = [n for n in EVERYWHERE if not (parallel and n.endswith("resid_mid"))]
    ours, theirs = Keep(*names), Keep(*names)
    n_tokens = scan(checkpoint.decoder, corpus().micro_batches(), [ours])
    assert scan(engine, corpus().micro_batches(), [theirs]) == n_tokens == corpus().survey().tokens
    assert len(ours.seen) == len(theirs.seen) >= 2 * len(names)
    for (place, number, a), (other_place, other_number, b) in zip(
        ours.seen, theirs.seen, strict=True
    ):
        assert (place, number) == (other_place, other_number)
        assert a.shape == b.shape
        assert float((a - b).abs().max() / a.abs().max().clamp_min(1)) < 1e-5, place


def test_what_is_shown_is_what_the_forward_pass_makes():
    decoder, batch = tiny_decoder(), next(corpus().micro_batches())
    keep = Keep("blocks.1.hook_resid_pre", "blocks.1.attn.hook_pattern", "blocks.2.hook_resid_post")
    scan(decoder, [batch], [keep])
    seen = {place: value for place, _, value in keep.seen}
    torch.testing.assert_close(
        seen["blocks.1.hook_resid_pre"], decoder.residual(batch.tokens, None, 1)
    )
    torch.testing.assert_close(seen["blocks.2.hook_resid_post"], decoder.residual(batch.tokens))
    torch.testing.assert_close(
        seen["blocks.1.attn.hook_pattern"].sum(-1),
        torch.ones(len(batch.sequences), 2, batch.tokens.shape[1]),
    )


def test_layers_above_the_last_one_listened_to_are_not_run():
    decoder, calls = tiny_decoder(), {0: [], 1: [], 2: [], "top": []}
    for layer in range(3):
        ran(decoder.block(layer).ln1, calls[layer])
    ran(decoder.ln_final, calls["top"])
    scan(
        decoder,
        corpus().micro_batches(),
        [Keep("blocks.0.hook_resid_pre", "blocks.1.mlp.hook_post")],
    )
    assert len(calls[0]) == len(calls[1]) > 1
    assert not calls[2]
    assert not calls["top"]
    batch = next(corpus().micro_batches())
    scan(decoder, [batch], [Keep("blocks.0.hook_resid_pre", "ln_final")])
    assert len(calls[2]) == len(calls["top"]) == 1


def test_without_listeners_everything_is_run():
    decoder, calls = tiny_decoder(), []
    ran(decoder.unembed, calls)
    assert scan(decoder, corpus().micro_batches(), []) == corpus().survey().tokens
    assert calls


def test_several_accumulators_share_a_pass():
    decoder, calls = tiny_decoder(), []
    ran(decoder.block(0), calls)
    both = [
        Running("blocks.0.attn.hook_z"),
        Running("blocks.1.mlp.hook_pre"),
        Running("blocks.0.attn.hook_z"),
    ]
    assert all(isinstance(one, Accumulator) for one in both)
    scan(decoder, corpus().micro_batches(), both)
    assert len(calls) == len(list(corpus().micro_batches()))
    assert torch.equal(both[0].sum, both[2].sum)
    assert both[1].sum > 0


@pytest.mark.parametrize(
    "place", ["blocks.3.attn.hook_pattern", "blocks.0.hook_nothing", "nowhere"]
)
def test_an_unknown_place_is_refused(tmp_path, place):
    decoder, calls = tiny_decoder(), []
    ran(decoder.embed, calls)
    with pytest.raises(SelectionError, match=f"no hook '{place}'; it has 3 layers"):
        scan(decoder, corpus().micro_batches(), [Keep("blocks.0.hook_resid_pre", place)])
    assert not calls
    engine = hooked.convert(tiny_checkpoint(tmp_path))[0]
    with pytest.raises(SelectionError, match=f"no hook '{place}'"):
        scan(engine, corpus().micro_batches(), [Keep(place)])


@pytest.mark.parametrize("kind", ["decoder", "hooked"])
def test_what_a_hook_returns_replaces_the_tensor(tmp_path, kind):
    checkpoint = tiny_checkpoint(tmp_path)
    engine = checkpoint.decoder if kind == "decoder" else hooked.convert(checkpoint)[0]
    tokens = random_tokens()
    with torch.inference_mode():
        before = forward(engine, tokens)
        with hooked_at(engine, {"blocks.2.mlp.hook_post": torch.zeros_like}):
            without = forward(engine, tokens)
        with hooked_at(engine, {"blocks.2.mlp.hook_post": lambda _: None}):
            looked_at = forward(engine, tokens)
        decoder = checkpoint.decoder
        kept = {}
        with hooked_at(decoder, {"blocks.2.hook_resid_mid": lambda x: kept.update(resid=x)}):
            decoder(tokens)
        expected = decoder.unembed(decoder.ln_final(kept["resid"] + decoder.block(2).mlp.down.bias))
    assert torch.equal(before, looked_at)
    torch.testing.assert_close(without, expected, rtol=0, atol=1e-4)
    assert float((before - without).abs().max()) > 0.01


def n_hooks(engine):
    return sum(len(module._forward_hooks) for module in engine.modules())


class Fails:
    def hook_names(self):
        return ["blocks.1.attn.hook_pattern"]

    def observe(self, batch, place, value):  # noqa: ARG002
        raise ZeroDivisionError(place)


def test_no_hook_stays_whatever_happens():
    decoder = tiny_decoder()
    scan(decoder, corpus().micro_batches(), [Keep("blocks.0.hook_resid_pre")])
    assert n_hooks(decoder) == 0
    with pytest.raises(ZeroDivisionError, match="hook_pattern"):
        scan(decoder, corpus().micro_batches(), [Fails()])
    assert n_hooks(decoder) == 0
    with pytest.raises(SelectionError):
        scan(
            decoder, corpus().micro_batches(), [Keep("blocks.0.hook_resid_pre", "blocks.7.hook_z")]
        )
    assert n_hooks(decoder) == 0
    assert forward(decoder, random_tokens()) is not None


def test_progress_hears_of_every_token():
    class Steps:
        total = 0.0

        def advance(self, steps=1):
            self.total += steps

    steps = Steps()
    assert scan(tiny_decoder(), corpus().micro_batches(), [], report=steps) == steps.total
    assert steps.total == np.sum([len(s.tokens) for s in corpus().sequences()])


@pytest.mark.parametrize("place", ["attn.hook_pattern", "mlp.hook_post", "hook_resid_post"])
def test_numbers_that_no_label_may_rest_on_are_refused(place):
    decoder = tiny_decoder()
    with torch.no_grad():
        decoder.block(1).ln1.weight.mul_(1e30)  # finite, and scores overflow
    keep = Keep(f"blocks.2.{place}")
    with pytest.raises(CheckpointError, match=rf"NaN or infinite numbers at blocks\.2\.{place}"):
        scan(decoder, corpus().micro_batches(), [keep])
    assert keep.seen == []


def test_finite_numbers_with_an_infinite_sum_are_taken():
    decoder = tiny_decoder()
    with torch.no_grad():
        decoder.embed.weight.abs_().add_(1).mul_(3e37)
    keep = Keep("blocks.0.hook_resid_pre")
    scan(decoder, corpus().micro_batches(), [keep])
    assert not any(value.sum().isfinite() for _, _, value in keep.seen)
