from __future__ import annotations

import math
from itertools import pairwise

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from models import tiny_config

from tinyinterp.network.decoder import Decoder
from train.training.optimizers import RunningMean, build_optimizers
from train.training.recipe import Optimizer, Schedule
from train.training.schedule import rate, set_rate

SHAPES = ("constant", "cosine", "linear", "trapezoid")


def fresh(seed: int = 0) -> Decoder:
    return Decoder(tiny_config()).initialize(torch.Generator().manual_seed(seed))


@pytest.mark.parametrize("shape", SHAPES)
def test_the_rate_rises_in_equal_steps_and_then_is_full(shape):
    schedule = Schedule(steps=101, warmup=4, shape=shape, decay_steps=13)
    rising = [rate(schedule, step) for step in range(5)]
    assert rising == pytest.approx([0.2, 0.4, 0.6, 0.8, 1.0])


@pytest.mark.parametrize(
    ("shape", "quarter", "half", "end"),
    [
        ("constant", 1, 1, 1),
        ("linear", 0.775, 0.55, 0.1),
        ("cosine", 0.1 + 0.9 * (1 + math.sqrt(0.5)) / 2, 0.55, 0.1),
        ("trapezoid", 1, 1, 0.1),
    ],
)
def test_the_shapes_have_their_known_values(shape, quarter, half, end):
    schedule = Schedule(steps=140, warmup=20, shape=shape, decay_steps=40, final=0.1)
    assert rate(schedule, 20) == pytest.approx(1)
    assert rate(schedule, 50) == pytest.approx(quarter)
    assert rate(schedule, 80) == pytest.approx(half)
    assert rate(schedule, 140) == pytest.approx(end)


def test_a_trapezoid_falls_only_at_the_end():
    schedule = Schedule(steps=140, warmup=20, shape="trapezoid", decay_steps=40, final=0.0)
    assert [rate(schedule, step) for step in (99, 100, 110, 120, 139)] == pytest.approx(
        [1, 1, 0.75, 0.5, 1 / 40]
    )


def test_a_trapezoid_whose_fall_is_longer_than_what_is_left_starts_from_full():
    schedule = Schedule(steps=30, warmup=10, shape="trapezoid", decay_steps=40, final=0.0)
    assert rate(schedule, 10) == 1.0
    assert rate(schedule, 20) == pytest.approx(0.5)


@given(
    st.builds(
        Schedule,
        steps=st.integers(1, 300),
        warmup=st.integers(0, 300),
        shape=st.sampled_from(SHAPES),
        decay_steps=st.integers(0, 300),
        final=st.floats(0, 1),
    )
)
def test_the_rate_rises_then_never_rises_again_and_stays_within_bounds(schedule):
    rates = [rate(schedule, step) for step in range(schedule.steps + 1)]
    assert all(0 <= value <= 1 for value in rates)
    after = rates[schedule.warmup :]
    assert all(later <= earlier + 1e-12 for earlier, later in pairwise(after))


def test_muon_takes_the_matrices_of_the_blocks_and_nothing_else():
    decoder = fresh()
    adamw, muon = build_optimizers(decoder, Optimizer(name="muon", muon_weight_decay=0.3))
    names = {id(p): name for name, p in decoder.named_parameters()}
    by_muon = {names[id(p)] for group in muon.param_groups for p in group["params"]}
    assert by_muon == {
        f"blocks.{layer}.{matrix}.weight"
        for layer in range(3)
        for matrix in ("attn.q", "attn.k", "attn.v", "attn.o", "mlp.up", "mlp.down")
    }
    decayed, undecayed = ({names[id(p)] for p in group["params"]} for group in adamw.param_groups)
    assert decayed == {"embed.weight", "pos_embed.weight"}
    assert by_muon | decayed | undecayed == set(names.values())
    assert [group["weight_decay"] for group in adamw.param_groups] == [0.1, 0.0]
    assert muon.param_groups[0]["weight_decay"] == 0.3


def test_adamw_alone_takes_everything_and_decays_matrices():
    decoder = fresh()
    (adamw,) = build_optimizers(decoder, Optimizer(name="adamw"))
    decayed, undecayed = (group["params"] for group in adamw.param_groups)
    assert {p.ndim for p in decayed} == {2}
    assert {p.ndim for p in undecayed} == {1}
    assert len(decayed) + len(undecayed) == len(list(decoder.parameters()))


def test_the_rate_is_a_fraction_of_each_groups_own_largest():
    settings = Optimizer(name="muon", learning_rate=3e-3, muon_learning_rate=0.02)
    optimizers = build_optimizers(fresh(), settings)
    for fraction in (0.5, 0.25):  # from the largest, not from the last
        set_rate(optimizers, fraction)
        rates = [group["lr"] for optimizer in optimizers for group in optimizer.param_groups]
        largest = [3e-3, 3e-3, 0.02, 0.02 * 13**-0.25]  # AdamW's two groups, Muon's two
        assert rates == pytest.approx([fraction * value for value in largest])


@pytest.mark.parametrize(("architecture", "factor"), [("gpt_neo", 13**-0.25), ("gpt2", 1.0)])
def test_queries_and_keys_go_slower_under_muon_where_scores_are_not_scaled(architecture, factor):
    decoder = Decoder(tiny_config(architecture)).initialize(torch.Generator().manual_seed(0))
    _, muon = build_optimizers(decoder, Optimizer(name="muon", muon_learning_rate=0.02))
    names = {id(p): name for name, p in decoder.named_parameters()}
    rates = {names[id(p)]: group["lr"] for group in muon.param_groups for p in group["params"]}
    for name, learning_rate in rates.items():
        scored = name.endswith(("attn.q.weight", "attn.k.weight"))
        assert learning_rate == pytest.approx(0.02 * factor if scored else 0.02), name


def test_swapping_twice_is_nothing_and_once_is_the_mean():
    decoder, other = fresh(0), fresh(1)
    mean = RunningMean(other, 0.9)
    weights = {n: p.detach().clone() for n, p in decoder.named_parameters()}
    means = {n: p.detach().clone() for n, p in other.named_parameters()}
    mean.swap(decoder)
    assert all(torch.equal(p, means[n]) for n, p in decoder.named_parameters())
    mean.swap(decoder)
    assert all(torch.equal(p, weights[n]) for n, p in decoder.named_parameters())
    assert all(torch.equal(mean.weights[n], means[n]) for n in means)


def test_the_mean_is_exponential_and_shorter_at_first():
    decoder = fresh()
    mean = RunningMean(decoder, 0.5)
    bias = decoder.ln_final.bias
    values = []
    for step, value in ((0, 10.0), (1, 20.0), (8, 4.0), (1000, 3.0)):  # decays 1/10, 2/11, 1/2, 1/2
        with torch.no_grad():
            bias.fill_(value)
        mean.update(decoder, step)
        values.append(mean.weights["ln_final.bias"][5].item())
    assert values == pytest.approx([9, 18, 11, 7])


def test_no_averaging_keeps_the_weights_themselves():
    decoder = fresh()
    mean = RunningMean(decoder, 0.0)
    with torch.no_grad():
        decoder.embed.weight.mul_(1.7)
    before = decoder.embed.weight.clone()
    mean.update(decoder, 100)
    assert mean.weights == {}  # nothing is held twice
    with mean.in_place_of(decoder):
        assert torch.equal(decoder.embed.weight, before)


def test_a_mean_that_lacks_a_weight_is_not_taken_over():
    mean = RunningMean(fresh(0), 0.9)
    saved = RunningMean(fresh(1), 0.9).weights
    mean.restore(saved)
    assert all(torch.equal(mean.weights[name], saved[name]) for name in saved)
    with pytest.raises(KeyError):
        mean.restore({name: saved[name] for name in list(saved)[:-1]})
