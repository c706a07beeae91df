from __future__ import annotations

import numpy as np
import pytest
import torch
from models import N_CTX, tiny_config
from planted.patterns import PatternEngine, duplicate, induction, offset, uniform

from tinyinterp.head_census.repeated import (
    LONGEST,
    SHORTEST,
    RepeatedAccumulator,
    repeated_batches,
)
from tinyinterp.scan import scan

END_OF_TEXT = 5


@pytest.mark.parametrize("seed", [0, 1])
def test_sequences_are_end_of_text_and_different_tokens_twice(seed):
    batches = repeated_batches(tiny_config(), END_OF_TEXT, seed)
    lengths = set()
    for batch in batches:
        for row, sequence in zip(batch.tokens, batch.sequences, strict=True):
            assert torch.equal(row, torch.from_numpy(sequence.tokens))
            assert row[0] == END_OF_TEXT
            length = (len(row) - 1) // 2
            assert SHORTEST <= length <= min(LONGEST, N_CTX // 2)
            assert torch.equal(row[1 : 1 + length], row[1 + length :])
            assert len(set(row[1 : 1 + length].tolist()) - {END_OF_TEXT}) == length
            lengths.add(length)
    assert len(lengths) > 3


def test_they_are_the_same_for_a_seed_and_others_for_another():
    tokens = [repeated_batches(tiny_config(), 0, seed)[0].tokens for seed in (0, 0, 1)]
    assert torch.equal(tokens[0], tokens[1])
    assert tokens[0].shape != tokens[2].shape or not torch.equal(tokens[0], tokens[2])


def test_they_fit_a_small_context_and_a_small_vocabulary():
    for n_ctx, n_vocab in ((11, 281), (97, 13)):
        config = tiny_config(n_ctx=n_ctx, n_vocab=n_vocab)
        for batch in repeated_batches(config, END_OF_TEXT, 0):
            assert batch.tokens.shape[1] <= n_ctx
            assert int(batch.tokens.max()) < n_vocab


def test_scores_of_known_heads():
    engine = PatternEngine([[induction, duplicate, offset(1), uniform()], [duplicate] * 4])
    found = RepeatedAccumulator(engine.config)
    batches = repeated_batches(engine.config, END_OF_TEXT, 0)
    scan(engine, batches, [found])
    assert found.induction().shape == (sum(len(b.sequences) for b in batches), 2, 4)
    np.testing.assert_allclose(found.induction()[:, 0, :3], [[1, 0, 0]] * len(found.induction()))
    np.testing.assert_allclose(found.duplicate()[:, 0, :3], [[0, 1, 0]] * len(found.induction()))
    np.testing.assert_allclose(found.duplicate()[:, 1], 1)
    periods = [(b.tokens.shape[1] - 1) // 2 for b in batches for _ in b.sequences]
    alike = [np.mean(1 / (np.arange(p + 1, 2 * p + 1) + 1)) for p in periods]
    np.testing.assert_allclose(found.induction()[:, 0, 3], alike, rtol=1e-5)
