from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from models import tiny_decoder, tiny_tokenizer
from runs import SIMPLE_STORIES, prepare

from tinyinterp.errors import TrainingError
from train.data.batches import IGNORED, WindowSampler
from train.data.story_batches import WIDTH_STEP, PackedSampler, StorySampler
from train.data.tokens import TokenFile

N_CTX = 61
END = tiny_tokenizer().end_of_text


@pytest.fixture(scope="module")
def file(tmp_path_factory) -> TokenFile:
    folder = tmp_path_factory.mktemp("batches") / "data"
    prepare(folder, holdout=0)
    return TokenFile(folder, "train")


@pytest.fixture(scope="module")
def short_and_long(tmp_path_factory) -> TokenFile:
    """A story of 400 tokens or so among short ones."""
    folder = tmp_path_factory.mktemp("batches") / "long"
    prepare(folder, [*SIMPLE_STORIES[:5], " ".join(SIMPLE_STORIES[5:13])], holdout=0)
    return TokenFile(folder, "train")


def rows_of(batch) -> list[tuple[list[int], list[int]]]:
    """Tokens and targets of each row, padding cut off."""
    rows = []
    for tokens, targets in zip(batch.tokens, batch.targets, strict=True):
        kept = targets != IGNORED
        rows.append((tokens[kept].tolist(), targets[kept].tolist()))
    return rows


def stories_of(file: TokenFile) -> list[tuple[int, ...]]:
    """Each story with the end-of-text before and after it."""
    lengths = zip(file.starts, file.lengths, strict=True)
    return [tuple(file.window(int(start), int(n) + 1).tolist()) for start, n in lengths]


@settings(deadline=None, max_examples=20)
@given(seed=st.integers(0, 10_000), batch_tokens=st.integers(1, 2_000), epoch=st.integers(0, 2))
def test_every_epoch_holds_every_story_once_with_its_next_tokens(file, seed, batch_tokens, epoch):
    sampler = StorySampler(file, int(file.lengths.max()), batch_tokens, seed)
    steps = range(
        sum(map(sampler.epoch_size, range(epoch))), sum(map(sampler.epoch_size, range(epoch + 1)))
    )
    seen = []
    for step in steps:
        for tokens, targets in rows_of(sampler.batch(step)):
            assert tokens[1:] == targets[:-1]
            assert tokens[0] == END
            assert targets[-1] == END
            seen.append((*tokens, targets[-1]))
    assert sorted(seen) == sorted(stories_of(file))


@settings(deadline=None, max_examples=20)
@given(step=st.integers(0, 40), seed=st.integers(0, 100))
def test_a_batch_depends_on_seed_and_step_and_on_nothing_asked_before(file, step, seed):
    used = StorySampler(file, N_CTX, 320, seed)
    for other in (step + 17, 3, step):
        used.batch(other)
    fresh = StorySampler(file, N_CTX, 320, seed).batch(step)
    assert torch.equal(used.batch(step).tokens, fresh.tokens)
    assert torch.equal(used.batch(step).targets, fresh.targets)


def test_another_seed_and_another_epoch_give_another_order(file):
    sampler, other = StorySampler(file, N_CTX, 320, 0), StorySampler(file, N_CTX, 320, 1)
    epoch = sampler.epoch_size(0)
    first, second, third = sampler.batch(0), other.batch(0), sampler.batch(epoch)
    assert not torch.equal(first.tokens, second.tokens)
    assert not torch.equal(first.tokens, third.tokens)


def test_widths_are_multiples_and_unpadded_tokens_within_what_was_asked(file):
    sampler = StorySampler(file, 97, 320, seed=3)
    batches = [sampler.batch(step) for step in range(sampler.epoch_size(0))]
    assert {batch.tokens.shape[1] % WIDTH_STEP for batch in batches} == {0}
    assert max(int((batch.targets != IGNORED).sum()) for batch in batches) <= 320
    assert sampler.epoch_size(0) < len(file) / 3  # so that there is company at all


def test_padding_comes_last_and_is_ignored(file):
    batch = StorySampler(file, N_CTX, 320, seed=0).batch(0)
    kept = batch.targets != IGNORED
    assert not kept.all()
    assert (kept[:, 1:] <= kept[:, :-1]).all()  # once padded, padded to the end
    assert (batch.tokens[~kept] == 0).all()


def test_a_story_longer_than_the_context_is_cut_at_its_start_or_anywhere(short_and_long):
    n_ctx = 29
    whole = list(stories_of(short_and_long)[-1])
    assert len(whole) > 4 * n_ctx
    sampler = StorySampler(short_and_long, n_ctx, 4 * n_ctx, seed=0)
    starts = []
    for step in range(40 * sampler.epoch_size(0)):
        for tokens, targets in rows_of(sampler.batch(step)):
            window = [*tokens, targets[-1]]
            if len(window) == n_ctx + 1 and whole[: n_ctx + 1] == window:
                starts.append(0)
            elif len(tokens) == n_ctx:
                found = [i for i in range(len(whole)) if whole[i : i + n_ctx + 1] == window]
                starts.extend(found[:1])
    assert 5 < starts.count(0) < 0.8 * len(starts)
    assert len(set(starts)) > 5


def test_windows_are_runs_of_the_stream_shifted_by_one(file):
    batch = WindowSampler(file, N_CTX, 11, seed=0).batch(5)
    assert batch.tokens.shape == batch.targets.shape == (11, N_CTX)
    assert torch.equal(batch.tokens[:, 1:], batch.targets[:, :-1])
    stream = np.lib.stride_tricks.sliding_window_view(np.asarray(file.tokens), N_CTX + 1)
    for tokens, targets in zip(batch.tokens, batch.targets, strict=True):
        window = np.append(tokens.numpy(), targets[-1].numpy())
        assert (stream == window).all(axis=1).any()


def test_a_window_batch_is_a_function_of_seed_and_step(file):
    first = WindowSampler(file, N_CTX, 3, seed=0)
    first.batch(1)
    assert torch.equal(first.batch(2).tokens, WindowSampler(file, N_CTX, 3, seed=0).batch(2).tokens)
    assert not torch.equal(first.batch(2).tokens, first.batch(3).tokens)
    other = WindowSampler(file, N_CTX, 3, seed=1)
    assert not torch.equal(first.batch(2).tokens, other.batch(2).tokens)


def test_a_window_may_be_the_whole_stream_but_no_longer(file):
    n_tokens = len(file.tokens)
    batch = WindowSampler(file, n_tokens - 1, 2, seed=0).batch(0)
    assert batch.tokens[0].tolist() == file.tokens[:-1].tolist()
    with pytest.raises(TrainingError, match=r"lower model\.n_ctx"):
        WindowSampler(file, n_tokens, 2, seed=0)


def test_no_story_is_an_error(tmp_path):
    prepare(tmp_path / "data", holdout=1)  # all held out
    with pytest.raises(TrainingError, match="no story"):
        StorySampler(TokenFile(tmp_path / "data", "train"), N_CTX, 320, seed=0)


def test_packing_reads_every_story_once_an_epoch_and_fills_its_rows(file):
    n_ctx = int(file.lengths.max()) + 3
    sampler = PackedSampler(file, n_ctx, batch_size=3, seed=7)
    seen, filled, places = [], 0, 0
    for step in range(sampler.epoch_size(0)):
        batch = sampler.batch(step)
        for tokens, targets, story in zip(batch.tokens, batch.targets, batch.story, strict=True):
            places, filled = places + n_ctx, filled + int((story >= 0).sum())
            assert (targets[story < 0] == IGNORED).all()
            for number in range(int(story.max()) + 1):
                inside = story == number
                assert tokens[inside][0] == END
                seen.append((*tokens[inside].tolist(), int(targets[inside][-1])))
    assert sorted(seen) == sorted(stories_of(file))
    assert filled > 0.85 * places
    assert torch.equal(sampler.batch(1).tokens, PackedSampler(file, n_ctx, 3, 7).batch(1).tokens)


def test_a_packed_story_is_read_as_if_it_stood_alone(file):
    decoder = tiny_decoder(window=5)
    batch = PackedSampler(file, N_CTX, batch_size=3, seed=7).batch(2)
    for form in ("fused", "explicit"):
        for layer in range(decoder.config.n_layers):
            decoder.block(layer).attn.form = form
        packed = decoder.features(batch.tokens, story=batch.story)
        for row, number in ((0, 0), (0, 1), (1, 1), (2, 0)):
            inside = batch.story[row] == number
            alone = decoder.features(batch.tokens[row][inside][None])[0]
            torch.testing.assert_close(packed[row][inside], alone, rtol=1e-4, atol=1e-5)


def test_the_story_alone_may_be_scored(file):
    prompts = np.arange(len(file)) % 5
    file.prompts, before = prompts, file.prompts
    try:
        n_ctx = int(file.lengths.max())  # none is cut
        sampler = StorySampler(file, n_ctx, 500, seed=3, story_only=True)
        whole = StorySampler(file, n_ctx, 500, seed=3)
        for step in range(sampler.epoch_size(0)):
            masked, batch = sampler.batch(step), whole.batch(step)
            for row, story in enumerate(sampler._shuffled(0)[step]):
                skipped = max(0, int(prompts[story]) - 1)  # end-of-text is read, never scored here
                assert (masked.targets[row, :skipped] == IGNORED).all()
                assert torch.equal(masked.targets[row, skipped:], batch.targets[row, skipped:])
        windows = WindowSampler(file, N_CTX, 3, seed=3, story_only=True).batch(4)
        ends = windows.tokens[:, 1:] == END
        assert (windows.targets[:, :-1][ends] == END).all()  # the end of a story is always scored
        assert 0 < int((windows.targets == IGNORED).sum()) < windows.targets.numel() / 5
    finally:
        file.prompts = before
