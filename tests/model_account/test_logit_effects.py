from __future__ import annotations

import numpy as np
import pytest
import torch
from planted.written import N_VOCAB, write
from scipy import stats

from tests.models import tiny_decoder
from tinyinterp.model_account.folded import fold_neurons, folded_unembedding
from tinyinterp.model_account.logit_effects import LogitEffects, logit_effects
from tinyinterp.network.config import Architecture


def test_moments_are_those_of_the_logits():
    decoder = tiny_decoder("gpt2", tied=False)
    unembed, neurons = folded_unembedding(decoder), fold_neurons(decoder, 1)
    found = logit_effects(neurons.w_out, unembed, 93, len(unembed) - 1)
    logits = (neurons.w_out @ unembed).numpy()
    np.testing.assert_allclose(found.kurtosis, stats.kurtosis(logits, axis=1))
    np.testing.assert_allclose(found.skew, stats.skew(logits, axis=1))
    generator = torch.Generator().manual_seed(0)
    random = torch.randn(40_000, len(unembed), generator=generator, dtype=torch.float64)
    random -= random.mean(dim=1, keepdim=True)
    of_random = (random @ unembed).square().mean() / random.square().sum(dim=1).mean()
    lengths = neurons.w_out.norm(dim=1).numpy()
    by_hand = logits.std(axis=1) / lengths / float(of_random.sqrt())
    np.testing.assert_allclose(found.spread, by_hand, rtol=0.02)


@pytest.mark.parametrize("architecture", ["gpt_neo", "gpt2"])
@pytest.mark.parametrize("sign", [1, -1])
def test_planted_neurons_get_their_family(architecture: Architecture, sign: int):
    written = write(5, architecture=architecture)
    few, half, code = written.basis[:, -2], written.basis[:, -1], written.basis[:, 0]
    w_out = sign * torch.stack([few, half, code, torch.zeros_like(few)])
    unembed = folded_unembedding(written.decoder)
    found = logit_effects(w_out, unembed, 4, len(unembed) - 1)
    few_family = "prediction" if sign > 0 else "suppression"
    assert found.families() == [few_family, "partition", "", ""]
    assert found.kurtosis[0] > 30
    assert found.bimodality[1] > 0.95
    assert found.spread[3] == found.skew[3] == 0


def test_two_peaks_alone_are_no_partition():
    """Many directions have some spread; only one beyond chance counts."""
    peaks = np.array([-1.5]), np.array([0.1])
    for wide, family in ((True, "partition"), (False, "")):
        effects = LogitEffects(*peaks, np.array([1.1]), np.array([wide]))
        assert effects.families() == [family]


def test_random_neurons_have_no_family():
    for seed in range(10):
        decoder = tiny_decoder("gpt_neo", seed=seed, d_mlp=101)
        unembed = folded_unembedding(decoder)
        families = [
            family
            for layer in range(3)
            for family in logit_effects(
                fold_neurons(decoder, layer).w_out, unembed, 303, len(unembed) - 1
            ).families()
        ]
        assert families == [""] * 303


def test_the_planted_vocabulary_is_what_the_neurons_are_about():
    written = write(5)
    unembed = folded_unembedding(written.decoder)
    assert unembed.shape[1] == N_VOCAB
    raised = (written.basis[:, -2] @ unembed).topk(3).indices
    assert sorted(raised.tolist()) == [5, 50, 222]
