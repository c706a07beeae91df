from __future__ import annotations

import subprocess
import sys
from dataclasses import replace
from functools import partial
from pathlib import Path

import pytest
import torch
from einops import rearrange
from models import N_CTX, WINDOW, random_tokens, tiny_checkpoint, tiny_tokenizer

from tinyinterp.checkpoint import Checkpoint, certificate, hooked
from tinyinterp.checkpoint.certificate import (
    Certificate,
    Comparison,
    certificate_tokens,
    certify,
    relative_difference,
)
from tinyinterp.checkpoint.hooked import (
    convert,
    hooked_config,
    hooked_weights,
    to_hooked_transformer,
)
from tinyinterp.errors import CertificateError, CheckpointError
from tinyinterp.network.attention import Tap
from tinyinterp.scan import kept
from tinyinterp.text.tokenizer import Tokenizer

FAMILIES = ("gpt_neo", "gpt2")
WEIGHTS = (
    "embed.W_E",
    "pos_embed.W_pos",
    "blocks.1.ln1.w",
    "blocks.1.ln1.b",
    "blocks.1.attn.W_Q",
    "blocks.1.attn.b_Q",
    "blocks.1.attn.W_K",
    "blocks.1.attn.b_K",
    "blocks.1.attn.W_V",
    "blocks.1.attn.b_V",
    "blocks.1.attn.W_O",
    "blocks.1.attn.b_O",
    "blocks.1.ln2.w",
    "blocks.1.ln2.b",
    "blocks.1.mlp.W_in",
    "blocks.1.mlp.b_in",
    "blocks.1.mlp.W_out",
    "blocks.1.mlp.b_out",
    "ln_final.w",
    "ln_final.b",
    "unembed.W_U",
    "unembed.b_U",
)


@pytest.fixture(scope="module")
def checkpoints(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Checkpoint]:
    return {
        "gpt_neo": tiny_checkpoint(tmp_path_factory.mktemp("neo"), "gpt_neo"),
        "gpt2": tiny_checkpoint(tmp_path_factory.mktemp("gpt2"), "gpt2", tied=False),
    }


@pytest.fixture(scope="module")
def converted(checkpoints):
    return {family: convert(opened) for family, opened in checkpoints.items()}


@pytest.mark.parametrize("family", FAMILIES)
def test_a_conversion_passes_with_room_to_spare(checkpoints, converted, family):
    proof = converted[family][1]
    assert proof.passed
    assert proof.fingerprint == checkpoints[family].fingerprint
    assert proof.tokens == min(N_CTX, WINDOW + 70 if family == "gpt_neo" else 210)
    own = {"logits", "residual", "pattern", "scores", "embeddings"}
    assert set(proof.fp32.worst) == set(proof.fp64.worst) == own
    assert set(proof.transformers.worst) == {"logits", "residual", "pattern"}
    assert [len(one.residual) for one in proof.comparisons] == [4, 4, 3]
    assert [len(one.pattern) for one in proof.comparisons] == [3, 3, 3]
    assert max(proof.fp32.worst.values()) < 2e-5
    assert max(proof.fp64.worst.values()) < 1e-12
    assert max(proof.transformers.worst.values()) < 2e-5


@pytest.mark.parametrize("family", FAMILIES)
def test_both_engines_have_the_same_hook_names_with_the_same_values(checkpoints, converted, family):
    decoder, model = checkpoints[family].decoder, converted[family][0]
    tokens = random_tokens()
    taps = [name for name, module in decoder.named_modules() if isinstance(module, Tap)]
    logits, cache = model.run_with_cache(tokens)
    with kept(decoder, taps) as seen:
        torch.testing.assert_close(decoder(tokens), logits, rtol=0, atol=1e-4)
    assert not any(module._forward_hooks for module in decoder.modules())
    assert len(seen) == 2 + 3 * 10
    assert set(seen) <= set(cache)
    for name, ours in seen.items():
        theirs = cache[name]
        if name == "hook_pos_embed":  # one row for all sequences here, one each there
            ours = ours.expand_as(theirs)  # noqa: PLW2901
        torch.testing.assert_close(ours, theirs, rtol=1e-4, atol=1e-4, msg=lambda m, n=name: n + m)


@pytest.mark.parametrize("name", WEIGHTS)
@pytest.mark.parametrize("family", FAMILIES)
def test_one_changed_weight_is_refused(checkpoints, monkeypatch, family, name):
    def changed(decoder):
        weights = hooked_weights(decoder)
        weights[name] = weights[name].clone()
        weights[name][(-1,) * weights[name].ndim] += 1e-3  # no text holds the last token's row
        return weights

    monkeypatch.setattr(hooked, "hooked_weights", changed)
    with pytest.raises(CertificateError, match=r"refused"):
        to_hooked_transformer(checkpoints[family])


def test_the_list_of_weights_is_complete(converted):
    for model, _ in converted.values():
        names = {n for n, _ in model.named_parameters() if "blocks" not in n or "blocks.1." in n}
        assert names == set(WEIGHTS)


@pytest.mark.parametrize("family", FAMILIES)
def test_a_transposed_output_matrix_is_refused(checkpoints, monkeypatch, family):
    def transposed(decoder):
        weight = decoder.block(2).attn.o.weight.T
        w_o = rearrange(weight, "model (head d_head) -> head d_head model", head=2)
        return hooked_weights(decoder) | {"blocks.2.attn.W_O": w_o}

    monkeypatch.setattr(hooked, "hooked_weights", transposed)
    with pytest.raises(
        CertificateError, match=r"our decoder in fp32: logits .*NOT all below 1e-04"
    ):
        to_hooked_transformer(checkpoints[family])


@pytest.mark.parametrize("offset", [-1, 1])
def test_a_window_off_by_one_is_refused(checkpoints, monkeypatch, offset):
    def moved(decoder, name):
        config = hooked_config(decoder, name)
        config.window_size += offset
        return config

    monkeypatch.setattr(hooked, "hooked_config", moved)
    with pytest.raises(CertificateError, match=r"scores inf"):
        to_hooked_transformer(checkpoints["gpt_neo"])


@pytest.mark.parametrize(
    ("family", "change"),
    [
        ("gpt_neo", {"use_attn_scale": True, "attn_scale": 13**0.5}),
        ("gpt2", {"use_attn_scale": False}),
        ("gpt_neo", {"attn_types": ["local", "global", "global"]}),
        ("gpt_neo", {"act_fn": "gelu"}),
        ("gpt2", {"eps": 1e-6}),
    ],
)
def test_a_wrong_configuration_is_refused(checkpoints, monkeypatch, family, change):
    def wrong(decoder, name):
        config = hooked_config(decoder, name)
        for key, value in change.items():
            setattr(config, key, value)
        return config

    monkeypatch.setattr(hooked, "hooked_config", wrong)
    with pytest.raises(CertificateError):
        to_hooked_transformer(checkpoints[family])


def test_a_mistake_that_decoder_and_hooked_share_is_seen_by_transformers(checkpoints, tmp_path):
    other = tiny_checkpoint(tmp_path, seed=1)
    mistaken = replace(checkpoints["gpt_neo"], folder=other.folder)
    with pytest.raises(
        CertificateError, match=r"from transformers in fp32: .*NOT all below"
    ) as caught:
        convert(mistaken)
    assert "our decoder" not in str(caught.value)
    mistaken = replace(mistaken, folder=tmp_path / "gone")
    with pytest.raises(CertificateError, match="transformers cannot open"):
        convert(mistaken)


def test_changing_a_converted_model_is_seen_and_certifying_changes_nothing(checkpoints):
    model, _ = convert(checkpoints["gpt_neo"])
    before = {name: tensor.clone() for name, tensor in model.state_dict().items()}
    assert certify(checkpoints["gpt_neo"], partial(hooked.copy_in, model)).passed
    assert model.cfg.dtype == torch.float32
    for name, tensor in model.state_dict().items():
        assert torch.equal(tensor, before[name])
    model.blocks[0].mlp.b_in.data[3] += 1e-5
    proof = certify(checkpoints["gpt_neo"], partial(hooked.copy_in, model))
    assert not proof.fp64.passed
    assert not proof.passed


def test_no_number_is_never_close():
    nan, inf = float("nan"), float("inf")
    a = torch.tensor([3.0, -4.0, -inf])
    assert relative_difference(a, torch.tensor([3.0, -3.0, -inf])) == 0.25
    assert relative_difference(a / 8, torch.tensor([0.375, -0.25, -inf])) == 0.25  # max(1, ...)
    assert relative_difference(a, torch.tensor([3.0, -4.0, -1e9])) == inf
    assert relative_difference(a, torch.tensor([3.0, nan, -inf])) == inf
    assert relative_difference(torch.tensor([nan]), torch.tensor([nan])) == inf
    assert relative_difference(torch.tensor([inf]), torch.tensor([inf])) == inf
    assert relative_difference(torch.zeros(2, 3), torch.zeros(3, 2)) == inf


def test_a_certificate_reads_as_sentences():
    good = Comparison("our decoder in fp32", 1e-4, 1e-7, (2e-7, 3e-6), (1e-8,), (1e-7,), (0.0,))
    bad = replace(good, reference="our decoder in fp64", limit=1e-9)
    proof = Certificate("0123456789abcdef", 77, good, bad, good)
    assert str(good) == (
        "our decoder in fp32: logits 1.0e-07, residual 3.0e-06, pattern 1.0e-08, scores 1.0e-07, "
        "embeddings 0.0e+00 (all below 1e-04)"
    )
    assert str(proof).splitlines()[0] == (
        "conversion FAILED on 77 tokens, checkpoint 0123456789ab; largest relative difference from"
    )
    assert str(proof).splitlines()[2].endswith("(NOT all below 1e-09)")
    assert replace(proof, fp64=good).require().passed
    with pytest.raises(CertificateError, match=r"0123456789ab: .* fp64: logits 1\.0e-07") as caught:
        proof.require()
    assert "fp32" not in str(caught.value)
    assert "\n" not in str(caught.value)


def test_the_text_starts_a_story_and_reaches_past_the_window(checkpoints):
    tokens = certificate_tokens(checkpoints["gpt_neo"])
    assert tokens.shape == (1, WINDOW + 70)
    assert tokens[0, 0] == tiny_tokenizer().end_of_text
    assert tiny_tokenizer().decode(tokens[0, 1:].tolist()).startswith("Once upon a time")
    assert 130 <= len(certificate.STORY.split()) <= 170


@pytest.mark.parametrize("family", FAMILIES)
def test_processing_keeps_log_probabilities(checkpoints, family):
    model = to_hooked_transformer(checkpoints[family], process=True, dtype=torch.float64)
    assert model.cfg.normalization_type == "LNPre"
    tokens = random_tokens()
    ours = checkpoints[family].decoder(tokens).double().log_softmax(dim=-1)
    torch.testing.assert_close(model(tokens).log_softmax(dim=-1), ours, rtol=0, atol=1e-4)
    assert model.W_U.mean(dim=-1).abs().max() < 1e-7


@pytest.mark.parametrize("dtype", [torch.float64, torch.float32, torch.bfloat16])
def test_the_result_has_the_dtype_that_was_asked_for(checkpoints, dtype):
    model = to_hooked_transformer(checkpoints["gpt_neo"], dtype=dtype)
    assert {parameter.dtype for parameter in model.parameters()} == {dtype}
    assert model(random_tokens()).dtype == dtype


def test_a_folder_does_as_well_as_an_open_checkpoint(checkpoints, tmp_path):
    tokens = random_tokens()
    opened = checkpoints["gpt_neo"]
    for source in (opened.folder, str(opened.folder)):
        logits = to_hooked_transformer(source)(tokens)
        torch.testing.assert_close(logits, opened.decoder(tokens), rtol=0, atol=1e-4)
    with pytest.raises(CheckpointError):
        to_hooked_transformer(tmp_path / "nowhere")


@pytest.mark.parametrize("family", FAMILIES)
def test_texts_become_the_tokens_of_our_tokenizer(converted, family):
    model, ours = converted[family][0], tiny_tokenizer()
    text = "Lily saw a big  ñ.\n"
    ids = ours.encode(text).ids
    assert model.to_tokens(text).tolist() == [[ours.end_of_text, *ids]]
    assert model.to_tokens(text, prepend_bos=False).tolist() == [ids]
    assert model.to_tokens(text, prepend_bos=True).tolist() == [[ours.end_of_text, *ids]]
    assert "".join(model.to_str_tokens("Lily saw.", prepend_bos=False)) == "Lily saw."
    assert len(model.tokenizer) == model.cfg.d_vocab == ours.n_vocab
    assert model.tokenizer.pad_token_id == ours.end_of_text


def test_a_tokenizer_that_loses_text_is_left_out(tmp_path):
    opened = tiny_checkpoint(tmp_path)
    opened = replace(opened, tokenizer=Tokenizer(tiny_tokenizer().backend, unknown_from=270))
    model, proof = convert(opened)
    assert proof.passed
    assert model.tokenizer is None


def test_gradients_reach_activations(converted):
    model = converted["gpt_neo"][0]
    seen = []
    model.add_hook("blocks.1.hook_resid_post", lambda grad, **_: seen.append(grad), dir="bwd")
    model(random_tokens(), return_type="loss").backward()
    model.reset_hooks()
    model.zero_grad()
    assert seen[0].abs().max() > 0


def test_transformer_lens_is_imported_only_to_convert():
    code = (
        "import sys, tinyinterp.model, tinyinterp.checkpoint.hooked as _;"
        "assert 'transformer_lens' not in sys.modules; assert 'transformers' not in sys.modules"
    )
    root = Path(hooked.__file__).parents[2]
    subprocess.run([sys.executable, "-c", code], check=True, cwd=root)
