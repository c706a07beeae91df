"""What chance gives: the account of models that have learned nothing.

A randomly initialised neuron is a smooth function of the token, which therefore explains most of
it: that a neuron *needs* the token says nothing of training. Its rules are no better than single
tokens.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from planted.neurons import stories

from tinyinterp.checkpoint import Checkpoint
from tinyinterp.model import Model
from tinyinterp.model_account.account import AccountSettings, ModelAccount, take_account
from tinyinterp.network.config import DecoderConfig
from tinyinterp.network.decoder import Decoder
from tinyinterp.text.corpus import corpus_of
from tinyinterp.text.tokenizer import Tokenizer

SETTINGS = AccountSettings(test_tokens=3_000, effect_tokens=2_000, exact_neurons=0)
N_CTX = 97


@pytest.fixture(scope="module")
def account() -> ModelAccount:
    text = stories(7, 200)
    tokenizer = Tokenizer.train(text, 353)
    config = DecoderConfig(
        n_vocab=tokenizer.n_vocab, n_ctx=N_CTX, d_model=52, n_layers=2, n_heads=4, d_mlp=61
    )
    decoder = Decoder(config).initialize(torch.Generator().manual_seed(7)).eval()
    decoder.requires_grad_(requires_grad=False)
    opened = Checkpoint(decoder, tokenizer, Path("random"), "random", {})
    model = Model(opened, "random")
    return take_account(model, corpus_of(text, tokenizer, N_CTX, "grammar"), SETTINGS)


def test_random_heads_need_position_or_nothing(account: ModelAccount):
    found = [row["needs"] for row in account.heads]
    assert "" in found
    assert sum(needs not in ("", "position") for needs in found) <= 1  # of 8, by chance
    for row in account.heads:
        assert abs(row["ablation_loss_increase"]) < 0.01


def test_random_neurons_need_the_token(account: ModelAccount):
    assert {row["needs"] for row in account.neurons} == {"token"}
    token, pair = (
        np.array([row[f"r2_{rung}"] for row in account.neurons])
        for rung in ("token", "predecessor")
    )
    assert np.median(token) > 0.9  # of a random model, tokens and positions are nearly all
    assert np.median(pair - token) < 0.02


def test_random_neurons_rules_are_no_better_than_single_tokens(account: ModelAccount):
    for layer in account.table.notes["rules"]:
        assert layer["median_f1"] - layer["median_token_f1"] < 0.05
        assert layer["better_share"] < 0.2
