"""Models that have learned nothing about what to look at: hardly a head of them may get a role.

Their kinds are not bounded: a random head can really lean on position, or on words.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch

from tinyinterp.head_census import HeadSettings, census_heads, labels
from tinyinterp.head_census.labels import Decision
from tinyinterp.head_census.measure import measure
from tinyinterp.head_census.rows import ROLE_Q, label_of
from tinyinterp.head_census.shuffled import role_q_values, shuffle_queries_and_keys, tail
from tinyinterp.model import Model, load
from tinyinterp.network.config import DecoderConfig
from tinyinterp.network.decoder import Decoder
from tinyinterp.text.corpus import open_corpus

SEEDS = range(300, 310)  # nothing was tried on these
N_CTX = 53
TOKENS = 2_000
SHARP = 7.0  # makes patterns of fresh weights as uneven as a trained model's
MOST = 0.05  # of the heads may get a role
HINTS = ("more ", "nearest: ")  # of heads that are mixed or undetermined: no roles


@pytest.fixture(scope="module")
def bundled():
    return load()


@pytest.fixture(scope="module")
def corpus(bundled):
    return open_corpus(bundled.tokenizer, N_CTX, max_tokens=TOKENS)


def random_model(n_vocab, seed, scale=1.0):
    """One layer of five heads, global or local; queries and keys are ``scale`` times as large."""
    config = DecoderConfig(
        n_vocab=n_vocab,
        n_ctx=N_CTX,
        d_model=55,
        n_layers=1,
        n_heads=5,
        d_mlp=37,
        attention=("global", "local")[seed % 2 :][:1],
        window=23,
    )
    decoder = Decoder(config).initialize(torch.Generator().manual_seed(seed)).eval()
    with torch.no_grad():
        for part in (decoder.block(0).attn.q, decoder.block(0).attn.k):
            part.weight.mul_(scale)
    return decoder


def labelled(decoder, corpus):
    """Kind and role of every head by the evidence rule, and their contrasts."""
    found = measure(decoder, decoder.config, corpus, seed=0)
    tests = labels.decide(found.estimates.point)
    q = role_q_values(decoder, corpus, found, found, seed=0)
    given = []
    for at in np.ndindex(tests.shape):
        label = label_of(Decision(int(tests[at])), at, found, 0)
        chance = q[at] > ROLE_Q or label["role"].startswith(HINTS)
        given.append((label["kind"], "" if chance else label["role"]))
    return given, found.estimates.point.contrast.ravel()


def few_have_a_role(given):
    with_role = [role for _, role in given if role]
    assert len(with_role) <= MOST * len(given), with_role


def test_heads_of_fresh_models_have_no_role(bundled, corpus):
    given = []
    for seed in SEEDS:
        given += labelled(random_model(bundled.config.n_vocab, seed), corpus)[0]
    assert len(given) == 50
    few_have_a_role(given)
    assert {kind for kind, _ in given} == {"diffuse"}


def test_heads_of_fresh_models_with_sharp_patterns_have_no_role(bundled, corpus):
    given = []
    for seed in SEEDS:
        decoder = random_model(bundled.config.n_vocab, seed, SHARP)
        found, contrast = labelled(decoder, corpus)
        assert np.median(contrast) > 0.3
        given += found
    few_have_a_role(given)
    assert "diffuse" not in {kind for kind, _ in given}


def test_heads_of_the_shuffled_bundled_model_have_no_role(bundled):
    corpus = open_corpus(bundled.tokenizer, bundled.config.n_ctx, max_tokens=6_000)
    generator = torch.Generator().manual_seed(311)
    decoder = shuffle_queries_and_keys(bundled.decoder, generator)
    shuffled = Model(replace(bundled.checkpoint, decoder=decoder), "shuffled")
    settings = HeadSettings(causal=False)
    given = [
        (row["kind"], "" if row["role"].startswith(HINTS) else row["role"])
        for row in census_heads(shuffled, corpus, settings).table
    ]
    assert len(given) == bundled.config.n_layers * bundled.config.n_heads
    few_have_a_role(given)


def test_shuffling_keeps_every_entry_and_nothing_else_changes(bundled):
    generator = torch.Generator().manual_seed(0)
    shuffled = shuffle_queries_and_keys(bundled.decoder, generator)
    of_shuffled = dict(shuffled.named_parameters())
    for name, parameter in bundled.decoder.named_parameters():
        same = torch.equal(parameter, of_shuffled[name])
        assert same != name.endswith(("attn.q.weight", "attn.k.weight"))
        in_order = [p.flatten().sort().values for p in (parameter, of_shuffled[name])]
        assert torch.equal(*in_order)


def test_the_tail_is_calibrated_for_exponential_values():
    draws = np.random.default_rng(0).exponential(0.01, size=(6000, 65))
    p = np.array([float(tail(draw[:1], draw[1:])[0]) for draw in draws])
    for level in (0.01, 0.05, 0.3):
        assert (p <= level).mean() == pytest.approx(level, rel=0.3)


def test_nothing_is_claimed_from_too_few_or_from_equal_values():
    assert tail(np.array([0.5]), np.array([0.1, 0.2]))[0] == 1
    np.testing.assert_allclose(tail(np.array([0.5, 0.1]), np.full(19, 0.1)), [0.05, 1])
