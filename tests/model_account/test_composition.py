from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from planted.head_models import Plan, build, forge_for

from tests.models import tiny_decoder
from tinyinterp.model_account.composition import FALSE_DISCOVERIES, compositions
from tinyinterp.model_account.folded import fold_heads
from tinyinterp.network.config import Architecture, DecoderConfig
from tinyinterp.network.decoder import Decoder


@pytest.mark.parametrize("architecture", ["gpt_neo", "gpt2", "gpt_neox", "llama"])
def test_compositions_are_those_of_whole_matrices(architecture: Architecture):
    decoder = tiny_decoder(architecture)
    found = compositions(decoder)
    layers = [fold_heads(decoder, layer) for layer in range(decoder.config.n_layers)]
    size = torch.linalg.matrix_norm
    for index in np.ndindex(found.value.shape):
        side, later, head, earlier, from_head = index
        if later <= earlier:
            assert np.isnan(found.value[index])
            assert found.q[index] == 1
            continue
        a, b = layers[earlier], layers[later]
        w_ov = a.v[from_head] @ a.o[from_head]
        w_qk = b.q[head] @ b.k[head].T
        read = (w_qk, w_qk.T, b.v[head] @ b.o[head])[side]
        by_hand = size(w_ov @ read) / (size(w_ov) * size(read))
        assert found.value[index] == pytest.approx(float(by_hand))


@pytest.mark.parametrize(("seed", "architecture"), [(3, "gpt_neo"), (8, "gpt2")])
def test_an_induction_head_reads_the_previous_token_head_in_its_keys(
    seed: int, architecture: Architecture, tmp_path: Path
):
    """Heads that copy nothing write at random here, as strongly as the one that copies."""
    attention = ("global", "global", "global")
    plan = Plan(seed, architecture=architecture, attention=attention, n_stories=40, noise=0.3)
    planted = build(tmp_path / "model", plan, forge=forge_for(plan))
    decoder = planted.model.decoder.requires_grad_(requires_grad=False)
    generator = torch.Generator().manual_seed(seed)
    for layer, heads in enumerate(planted.heads):
        attn = decoder.block(layer).attn
        for head, sort in enumerate(heads):
            own = slice(head * plan.d_head, (head + 1) * plan.d_head)
            for weight in (attn.v.weight[own], attn.o.weight[:, own]):
                if not sort.copies:
                    weight.normal_(generator=generator)
    found = compositions(decoder)
    (copies,) = (head for head, sort in enumerate(planted.heads[0]) if sort.copies)
    induction = [
        (layer, head)
        for layer, heads in enumerate(planted.heads)
        for head, sort in enumerate(heads)
        if sort.role == "induction"
    ]
    assert induction
    for layer, head in induction:
        assert found.reads(layer, head)[0].name == f"K 0.{copies}"
    names = {f"K {layer}.{head}" for layer, head in induction}
    assert {link.name for link in found.read_by(0, copies)} <= names


def random_model(seed: int) -> Decoder:
    config = DecoderConfig(
        n_vocab=11, n_ctx=3, d_model=68, n_layers=4, n_heads=4, d_mlp=3, attention=("global",) * 4
    )
    return Decoder(config).initialize(torch.Generator().manual_seed(seed))


def test_random_models_compose_with_nothing():
    found = [compositions(random_model(seed)) for seed in range(20)]
    with_any = sum(bool((of.q <= FALSE_DISCOVERIES).any()) for of in found)
    assert with_any <= 2  # of 20; a rate of 5 % gives 1
    z = np.concatenate([of.z[~np.isnan(of.z)] for of in found])
    assert abs(z.mean()) < 0.05
    assert z.std() == pytest.approx(1, abs=0.05)
    assert all(
        not of.reads(layer, head)
        for of in found
        if not (of.q <= FALSE_DISCOVERIES).any()
        for layer in range(4)
        for head in range(4)
    )


def test_one_layer_has_no_pairs():
    found = compositions(tiny_decoder("gpt_neo", n_layers=1))
    assert np.isnan(found.value).all()
    assert found.reads(0, 0) == found.read_by(0, 1) == []


def test_at_most_three_the_farthest_first():
    decoder = random_model(1)
    with torch.no_grad():  # all heads write into the same few directions, and read them
        few = torch.randn(68, 5, generator=torch.Generator().manual_seed(2))
        for layer in range(4):
            attn = decoder.block(layer).attn
            attn.o.weight.copy_(
                few @ torch.randn(5, 68, generator=torch.Generator().manual_seed(layer))
            )
            for part in (attn.q, attn.k, attn.v):
                part.weight.addmm_(torch.randn(68, 5), few.T)
    found = compositions(decoder)
    links = found.reads(3, 2)
    assert len(links) == 3
    of_head = found.z[:, 3, 2, :3]
    assert [link.z for link in links] == sorted(of_head.ravel(), reverse=True)[:3]
