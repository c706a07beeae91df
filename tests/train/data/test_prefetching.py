from __future__ import annotations

import threading

import torch

from train.data.batches import Batch
from train.data.prefetching import Prefetcher


class Counting:
    """A sampler that notes which thread makes which batch."""

    def __init__(self) -> None:
        self.made: dict[int, int] = {}

    def batch(self, step: int) -> Batch:
        self.made[step] = threading.get_ident()
        tokens = torch.full((2, 3), step)
        return Batch(tokens, tokens + 1, shuffled=Batch(tokens + 2, tokens + 3))


def test_batches_come_in_order_and_those_of_the_next_step_are_under_way():
    sampler = Counting()
    prefetcher = Prefetcher(sampler, torch.device("cpu"))
    first = prefetcher.batches([5, 7], [9, 11])
    assert [int(batch.tokens[0, 0]) for batch in first] == [5, 7]
    assert [int(batch.shuffled.targets[0, 0]) for batch in first] == [8, 10]
    second = prefetcher.batches([9, 11], [13, 15])
    assert [int(batch.targets[1, 2]) for batch in second] == [10, 12]
    assert threading.get_ident() not in sampler.made.values()


def test_another_step_than_the_one_expected_is_made_anew():
    prefetcher = Prefetcher(Counting(), torch.device("cpu"))
    prefetcher.batches([0], [1])
    assert [int(b.tokens[0, 0]) for b in prefetcher.batches([8, 1], [3])] == [8, 1]
