from __future__ import annotations

import numpy as np
import pytest
import torch
from planted.written import N_VOCAB, NAMES, write

from tests.models import tiny_decoder
from tinyinterp.model_account.copying import Copying, copying
from tinyinterp.model_account.folded import fold_heads, folded_unembedding, token_streams
from tinyinterp.network.config import Architecture

OTHERS = [token for token in range(N_VOCAB) if token not in NAMES]
ARCHITECTURES = pytest.mark.parametrize("architecture", ["gpt_neo", "gpt2"])


def planted(seed: int, architecture: Architecture, **options) -> list[tuple[str, Copying]]:
    written = write(seed, architecture=architecture)
    names = [name for layer in written.heads for name in layer]
    found = copying(written.decoder, tokens=OTHERS, names=NAMES, **options)
    return list(zip(names, found, strict=True))


@pytest.mark.parametrize("seed", [1, 7])
@ARCHITECTURES
def test_planted_heads_get_their_ranks(seed: int, architecture: Architecture):
    for name, found in planted(seed, architecture):
        ends = found.of_tokens(N_VOCAB), found.of_names(N_VOCAB)
        if name == "copying":
            assert (found.copy_rank, found.name_copy_rank) == (1, 1)
            assert ends == ("copying", "name mover")
            assert found.copying > 0.95
        elif name == "suppression":
            assert (found.copy_rank, found.name_copy_rank) == (N_VOCAB, N_VOCAB)
            assert ends == ("copy suppression", "name suppression")
            assert found.copying < -0.95
        elif name == "name mover":
            assert found.name_copy_rank == 1
            assert ends == ("", "name mover")
        elif name == "name suppression":
            assert found.name_copy_rank == N_VOCAB
            assert ends == ("", "name suppression")
        else:
            assert ends == ("", "")
            assert abs(found.copying) < 0.3


@ARCHITECTURES
def test_a_head_that_writes_nothing_says_nothing(architecture: Architecture):
    for name, found in planted(2, architecture):
        if name == "nothing":
            middle = (N_VOCAB + 1) / 2
            assert (found.copying, found.copying_effective) == (0, 0)
            assert (found.copy_rank, found.name_copy_rank) == (middle, middle)
            assert found.raises == found.lowers == found.looked_at == []


def test_what_it_is_drawn_to_is_raised_or_lowered():
    drawn = OTHERS[100]
    places = {(layer, head): [drawn] for layer in range(2) for head in range(6)}
    for name, found in planted(4, "gpt_neo", drawn_to=places):
        if name == "copying":
            assert found.raises[0] == drawn
        if name == "suppression":
            assert found.lowers[0] == drawn
        if name in ("copying", "suppression"):
            assert found.looked_at == [drawn]


@ARCHITECTURES
def test_the_eigenvalue_score_is_that_of_the_whole_vocabulary(architecture: Architecture):
    decoder = tiny_decoder(architecture)
    heads = copying(decoder)
    embed = decoder.embed.weight.double()
    unembed = folded_unembedding(decoder)
    for layer, stream in enumerate(token_streams(decoder, torch.arange(len(embed)))):
        weights = fold_heads(decoder, layer)
        for head in range(decoder.config.n_heads):
            found, w_ov = next(heads), weights.v[head] @ weights.o[head]
            for score, of in (
                (found.copying, embed),
                (found.copying_effective, stream - stream.mean(dim=0)),
            ):
                eigenvalues = torch.linalg.eigvals(of @ w_ov @ unembed)  # [token token]
                by_hand = eigenvalues.sum().real / eigenvalues.abs().sum()
                assert score == pytest.approx(float(by_hand), abs=1e-8)


@ARCHITECTURES
def test_ranks_and_raised_tokens_are_those_of_all_logits(architecture: Architecture):
    decoder, tokens, names = tiny_decoder(architecture, seed=3), range(0, 281, 2), [5, 8, 100]
    drawn = {(1, 1): [17, 230, 18], (2, 0): [4]}
    heads = copying(decoder, tokens=[*tokens], names=names, drawn_to=drawn)
    unembed = folded_unembedding(decoder)
    for layer, stream in enumerate(token_streams(decoder, torch.arange(281))):
        weights = fold_heads(decoder, layer)
        beside = stream - stream[::2].mean(dim=0)
        for head in range(decoder.config.n_heads):
            found = next(heads)
            logits = (beside @ weights.v[head] @ weights.o[head] @ unembed).numpy()
            ranks = (logits > np.diag(logits)[:, None]).sum(axis=1) + 1
            assert found.copy_rank == np.median(ranks[::2])
            assert found.name_copy_rank == np.median(ranks[names])
            at = drawn.get((layer, head), found.looked_at)
            order = np.argsort(-logits[at].mean(axis=0)).tolist()
            assert found.looked_at == at
            assert found.raises == order[:5]
            assert found.lowers == order[::-1][:5]
            if (layer, head) not in drawn:
                lengths = np.linalg.norm(logits[::2], axis=1)
                longest = int(lengths.argmax())
                along = logits[::2] @ logits[2 * longest]
                assert at == (2 * np.argsort(-along)[:5]).tolist()


def test_without_names_there_is_no_rank_of_names():
    found = list(copying(tiny_decoder("gpt_neo")))
    assert len(found) == 6
    assert all(np.isnan(of.name_copy_rank) and of.of_names(281) == "" for of in found)
