from __future__ import annotations

import pytest
import torch
from models import N_CTX, tiny_decoder, tiny_tokenizer
from runs import SIMPLE_STORIES, prepare
from torch.nn import functional as F

from train.data.batches import IGNORED, Batch
from train.data.contrast import ContrastSampler
from train.data.story_batches import StorySampler
from train.data.tokens import TokenFile
from train.training.loss import CONTRAST, GUARDED, LossModule, contrastive_term
from train.training.recipe import Objective


@pytest.fixture(scope="module")
def sampler(tmp_path_factory) -> StorySampler:
    folder = tmp_path_factory.mktemp("objectives") / "data"
    prepare(folder, holdout=0)
    file = TokenFile(folder, "train")
    assert file.lengths.max() <= N_CTX  # whole stories
    return StorySampler(file, N_CTX, 400, seed=3)


def mean_loss(decoder, batch: Batch) -> torch.Tensor:
    logits = decoder(batch.tokens).flatten(0, 1)
    return F.cross_entropy(logits, batch.targets.flatten(), ignore_index=IGNORED)


def test_the_plain_objective_is_the_mean_cross_entropy_and_its_gradient(sampler):
    decoder, batch = tiny_decoder().requires_grad_(), sampler.batch(0)
    loss, parts = LossModule(decoder, Objective(), torch.float32)(batch, batch.n_targets, 1)
    loss.backward()
    found = {name: p.grad.clone() for name, p in decoder.named_parameters()}
    decoder.zero_grad()
    expected = mean_loss(decoder, batch)
    expected.backward()
    assert parts == {"loss": pytest.approx(expected.item(), rel=1e-5)}
    for name, parameter in decoder.named_parameters():
        torch.testing.assert_close(found[name], parameter.grad, rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize("contrast", [5.0, 0.3])
def test_the_contrastive_objective_is_the_reports_formula(sampler, contrast):
    settings = Objective("contrastive", contrast=contrast, guard=1e9)
    decoder = tiny_decoder().requires_grad_()
    batch = ContrastSampler(sampler, tiny_tokenizer(), 1 / 3, seed=5).batch(2)
    loss, parts = LossModule(decoder, settings, torch.float32)(batch, batch.n_targets, 1)
    loss.backward()
    found = decoder.embed.weight.grad.clone()
    decoder.zero_grad()
    plain, shuffled = mean_loss(decoder, batch), mean_loss(decoder, batch.shuffled)
    expected = plain + contrast / (shuffled + 0.01)
    expected.backward()
    assert loss.item() == pytest.approx(expected.item(), rel=1e-5)
    assert parts["loss"] == pytest.approx(plain.item(), rel=1e-5)
    assert parts[CONTRAST] == pytest.approx(shuffled.item(), rel=1e-5)
    assert parts[GUARDED] == 0
    torch.testing.assert_close(found, decoder.embed.weight.grad, rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize(
    ("contrast_loss", "slope", "guarded"), [(2.0, 5 / 2.01**2, False), (0.1, 7.0, True)]
)
def test_a_small_denominator_is_held_back_in_the_gradient_alone(contrast_loss, slope, guarded):
    loss = torch.tensor(contrast_loss, requires_grad=True)
    term, held = contrastive_term(loss, Objective("contrastive", contrast=5.0, guard=7.0))
    term.backward()
    assert held == guarded
    assert term.item() == pytest.approx(5 / (contrast_loss + 0.01))
    assert loss.grad.item() == pytest.approx(-slope, rel=1e-5)


def test_a_third_of_the_rows_come_again_shuffled_whole_and_scored(sampler):
    tokenizer = tiny_tokenizer()
    contrast = ContrastSampler(sampler, tokenizer, 1 / 3, seed=5)
    stories = {" ".join(story.split()) for story in SIMPLE_STORIES}
    moved = 0
    for step in range(4):
        plain, batch = sampler.batch(step), contrast.batch(step)
        assert torch.equal(plain.tokens, batch.tokens)
        n_rows = len(batch.tokens)
        assert len(batch.shuffled.tokens) == -(-n_rows // 3)
        for tokens, targets in zip(batch.shuffled.tokens, batch.shuffled.targets, strict=True):
            n = int((targets != IGNORED).sum())
            assert torch.equal(tokens[1:n], targets[: n - 1])
            assert (targets[n:] == IGNORED).all()
            assert tokens[0] == tokenizer.end_of_text
            text = tokenizer.decode(tokens[1:n].tolist())
            moved += text not in stories
            assert any(sorted(text.split()) == sorted(story.split()) for story in stories)
        assert torch.equal(contrast.batch(step).shuffled.tokens, batch.shuffled.tokens)
    assert moved > 3
