from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from models import STORIES, tiny_decoder, tiny_tokenizer

from tinyinterp.errors import CorpusError
from tinyinterp.evaluation import loss_by_block as module
from tinyinterp.evaluation.loss import measure_text_loss
from tinyinterp.evaluation.loss_by_block import BlockLoss, measure_loss_by_block
from tinyinterp.text.sequences import N_BLOCKS, side_and_block

TEXTS = [f"{story[:cut]} Yes!" for story in STORIES for cut in range(9, 37, 3)]


def test_the_blocks_add_up_to_the_loss_of_the_text(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(module, "STORIES_AT_ONCE", 7)  # so that there are several chunks
    decoder, tokenizer = tiny_decoder(n_ctx=13, window=3), tiny_tokenizer()
    found = measure_loss_by_block(decoder, tokenizer, TEXTS)
    whole = measure_text_loss(decoder, tokenizer, TEXTS)
    assert found.bits_per_byte().value == pytest.approx(whole.bits_per_byte, rel=1e-6)
    assert found.nats_per_token().value == pytest.approx(whole.nats_per_token, rel=1e-6)
    assert (found.tokens.sum(), found.bytes.sum()) == (whole.tokens, whole.bytes)


def test_a_story_adds_to_the_block_of_its_text():
    decoder, tokenizer = tiny_decoder(), tiny_tokenizer()
    found = measure_loss_by_block(decoder, tokenizer, TEXTS)
    expected = np.zeros(N_BLOCKS)
    for story in TEXTS:
        expected[side_and_block(story)[1]] += len(story.encode())
    assert found.bytes.tolist() == expected.tolist()
    alone = [story for story in TEXTS if side_and_block(story)[1] == expected.argmax()]
    nats = measure_text_loss(decoder, tokenizer, alone)
    assert found.nats[expected.argmax()] == pytest.approx(nats.nats_per_token * nats.tokens)


def test_blocks_may_be_given():
    numbers = [number % 5 for number in range(len(TEXTS))]
    found = measure_loss_by_block(tiny_decoder(), tiny_tokenizer(), iter(TEXTS), iter(numbers))
    sizes = [sum(len(t.encode()) for t in TEXTS[block::5]) for block in range(5)]
    assert found.bytes.tolist() == sizes + [0] * (N_BLOCKS - 5)


def test_no_story_is_refused():
    with pytest.raises(CorpusError, match="no story to measure the loss on"):
        measure_loss_by_block(tiny_decoder(), tiny_tokenizer(), [])


def test_a_model_with_noise_is_worse_and_the_pair_is_sharper_than_each():
    decoder, noisy, tokenizer = tiny_decoder(), tiny_decoder(), tiny_tokenizer()
    generator = torch.Generator().manual_seed(7)
    # Zeros predict uniformly; noise on top can only cost.
    for model, scale in ((decoder, 0.0), (noisy, 0.3)):
        weight = model.embed.weight
        weight.mul_(0).add_(torch.randn(weight.shape, generator=generator), alpha=scale)
    plain, worse = (measure_loss_by_block(each, tokenizer, TEXTS) for each in (decoder, noisy))
    above = worse.bits_above(plain)
    assert 0 < above.low < above.value < above.high
    assert above.value == worse.bits_per_byte().value - plain.bits_per_byte().value
    nats = worse.nats_above(plain)
    assert nats.value == pytest.approx(above.value * plain.bytes.sum() / plain.tokens.sum() * LOG2)


LOG2 = math.log(2)


@given(
    st.lists(st.floats(0.1, 9), min_size=8, max_size=8),
    st.floats(-2, 2),
)
def test_what_every_story_shares_cancels_in_the_difference(nats: list[float], shift: float):
    size = np.arange(1.0, 9.0)
    one = BlockLoss(np.array(nats), size, size)
    other = BlockLoss(one.nats + shift * size, size, size)
    above = other.nats_above(one)
    for found in (above.value, above.low, above.high):
        assert found == pytest.approx(shift, abs=1e-9)
    itself = one.bits_above(one)
    assert (itself.value, itself.low, itself.high) == (0, 0, 0)


def test_losses_of_other_stories_are_refused():
    one, other = (BlockLoss(each, each, each) for each in (np.eye(5)[0], np.eye(5)[1]))
    with pytest.raises(CorpusError, match="not of the same stories"):
        one.bits_above(other)
