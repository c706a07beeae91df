from __future__ import annotations

import numpy as np
import pytest

from tinyinterp.head_census.causal import LossRises
from tinyinterp.head_census.effects import causal_check, effects_of
from tinyinterp.text.sequences import N_BLOCKS

SHAPE = (2, 3)
TOKENS = 7.0  # of every block


def rises(ablation, surrogate, noise=0.0):
    """Of eleven blocks; nats per token of every head, with noise that both interventions share."""
    shared = np.random.default_rng(5).normal(0, noise, (N_BLOCKS, 1, 1))
    present = (np.arange(N_BLOCKS) < 11)[:, None, None]
    totals = [
        TOKENS * present * (1 + shared) * np.broadcast_to(value, SHAPE)
        for value in (ablation, surrogate)
    ]
    return LossRises(*totals, tokens=TOKENS * present[:, 0, 0])


def test_what_position_keeps_is_the_share_that_is_not_lost():
    columns = effects_of(rises(0.08, 0.02), 0, SHAPE).columns((1, 2), "positional")
    assert columns["ablation_loss_increase"] == pytest.approx(0.08)
    assert columns["surrogate_high"] == pytest.approx(0.02)
    assert columns["position_keeps"] == pytest.approx(0.75)
    assert columns["causal_check"] == "agrees"


def test_the_interval_is_paired():
    """Stories that count for more do so under both: the share does not move."""
    columns = effects_of(rises(0.08, 0.02, noise=0.5), 0, SHAPE).columns((0, 0), "semantic")
    assert columns["ablation_low"] < 0.8 * columns["ablation_high"]
    assert columns["position_keeps_low"] == pytest.approx(columns["position_keeps_high"])
    assert columns["causal_check"] == "contradicts"


def test_the_share_stays_within_bounds():
    effects = effects_of(rises(0.01, np.array([[0.09, -0.04, 0.01]] * 2)), 0, SHAPE)
    np.testing.assert_allclose(effects.kept[0, 1], [-1, 1, 0], atol=1e-9)


@pytest.mark.parametrize("ablation", [0.0, -0.01])
def test_of_a_head_that_costs_nothing_no_share_is_told(ablation):
    columns = effects_of(rises(ablation, 0.001), 0, SHAPE).columns((0, 1), "positional")
    assert np.isnan(columns["position_keeps"])
    assert columns["causal_check"] == ""


def test_without_interventions_nothing_is_known():
    columns = effects_of(None, 0, SHAPE).columns((1, 0), "semantic")
    assert columns.pop("causal_check") == ""
    assert np.isnan(list(columns.values())).all()


@pytest.mark.parametrize(
    ("kind", "low", "high", "said"),
    [
        ("positional", 0.51, 0.9, "agrees"),
        ("positional", 0.1, 0.49, "contradicts"),
        ("positional", 0.4, 0.6, ""),
        ("semantic", 0.1, 0.49, "agrees"),
        ("semantic", 0.51, 0.9, "contradicts"),
        ("semantic", 0.4, 0.6, ""),
        ("mixed", 0.9, 1.0, ""),
        ("positional", np.nan, np.nan, ""),
    ],
)
def test_a_kind_is_checked_against_one_half(kind, low, high, said):
    assert causal_check(kind, low, high) == said
