from __future__ import annotations

import torch

from tinyinterp.head_census.patterns import number_of_keys, without_sink


def random_patterns(n_batch, n_heads, n):
    generator = torch.Generator().manual_seed(0)
    scores = torch.randn(n_batch, n_heads, n, n, generator=generator)
    return scores.masked_fill(~torch.ones(n, n).tril().bool(), -torch.inf).softmax(-1)


def test_key_0_is_dropped_and_rows_are_renormalised():
    pattern = random_patterns(3, 2, 11)
    clean = without_sink(pattern, [11, 7, 2])
    assert not clean.weights[..., 0].any()
    for row, length in enumerate([11, 7, 2]):
        for query in range(11):
            counts = 2 <= query < length
            assert clean.rows[row, :, query].tolist() == [counts] * 2
            if counts:
                expected = pattern[row, :, query, 1:] / pattern[row, :, query, 1:].sum(-1)[:, None]
                torch.testing.assert_close(clean.weights[row, :, query, 1:], expected)
            else:
                assert not clean.weights[row, :, query].any()


def test_what_was_given_stays_as_it_was():
    pattern = random_patterns(1, 1, 5)
    before = pattern.clone()
    without_sink(pattern, [5])
    assert torch.equal(pattern, before)


def test_rows_with_less_than_a_hundredth_left_say_nothing():
    pattern = torch.zeros(1, 3, 4, 4)
    pattern[..., 0] = torch.tensor([0.995, 0.98, 1.0])[None, :, None]
    pattern[0, :, 3, 2] = 1 - pattern[0, :, 3, 0]
    clean = without_sink(pattern, [4])
    assert clean.rows[0, :, 3].tolist() == [False, True, False]
    assert not clean.rows[0, :, 2].any()  # these rows had nothing but the sink
    torch.testing.assert_close(clean.weights[0, :, 3, 2], torch.tensor([0.0, 1, 0]))


def test_keys_of_each_query():
    assert number_of_keys(7, None).tolist() == [0, 0, 2, 3, 4, 5, 6]
    assert number_of_keys(7, 3).tolist() == [0, 0, 2, 3, 3, 3, 3]
    assert number_of_keys(4, 1).tolist() == [0, 0, 1, 1]
    assert number_of_keys(1, 1).tolist() == [0]
