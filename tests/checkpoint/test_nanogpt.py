"""nanoGPT's checkpoints: the same numbers as nanoGPT's own forward pass, written out here."""

from __future__ import annotations

import math
import pickle
from pathlib import Path

import pytest
import torch
from models import random_tokens, tiny_tokenizer
from torch import Tensor
from torch.nn import functional as F

from tests.checkpoint.foreign import change_weights, random_model, written
from tinyinterp import checkpoint
from tinyinterp.checkpoint.nanogpt import read_nanogpt
from tinyinterp.errors import CheckpointError

N_PADDED = 293  # nanoGPT rounds the vocabulary up
ARGS = {
    "n_layer": 3,
    "n_head": 2,
    "n_embd": 26,
    "block_size": 97,
    "vocab_size": N_PADDED,
    "dropout": 0.1,
}


def state_of(*, bias: bool, prefix: str = "_orig_mod.") -> dict[str, Tensor]:
    """nanoGPT's state_dict: ``nn.Linear`` matrices, the head beside the embedding."""
    generator = torch.Generator().manual_seed(3)

    def drawn(*shape: int) -> Tensor:
        return torch.randn(shape, generator=generator) * 0.2

    state = {"transformer.wte.weight": drawn(N_PADDED, 26), "transformer.wpe.weight": drawn(97, 26)}
    shapes = {"attn.c_attn": (78, 26), "attn.c_proj": (26, 26), "mlp.c_fc": (104, 26)}
    shapes |= {"mlp.c_proj": (26, 104), "ln_1": (26,), "ln_2": (26,)}
    modules = {
        f"transformer.h.{n}.{name}": shape for n in range(3) for name, shape in shapes.items()
    }
    for name, shape in (modules | {"transformer.ln_f": (26,)}).items():
        state[f"{name}.weight"] = drawn(*shape) + (1 if len(shape) == 1 else 0)
        if bias:
            state[f"{name}.bias"] = drawn(shape[0])
    state["lm_head.weight"] = state["transformer.wte.weight"]
    return {f"{prefix}{name}": tensor for name, tensor in state.items()}


def nanogpt(state: dict[str, Tensor], tokens: Tensor, *, exact: bool = True) -> Tensor:
    """Logits as nanoGPT's model.py computes them."""
    w = {
        name.removeprefix("_orig_mod.").removeprefix("transformer."): t for name, t in state.items()
    }

    def linear(x: Tensor, name: str) -> Tensor:
        return F.linear(x, w[f"{name}.weight"], w.get(f"{name}.bias"))

    def norm(x: Tensor, name: str) -> Tensor:
        return F.layer_norm(x, (26,), w[f"{name}.weight"], w.get(f"{name}.bias"), 1e-5)

    x = w["wte.weight"][tokens] + w["wpe.weight"][: tokens.shape[1]]
    for layer in range(3):
        q, k, v = linear(norm(x, f"h.{layer}.ln_1"), f"h.{layer}.attn.c_attn").split(26, dim=2)
        q, k, v = (part.view(*part.shape[:2], 2, 13).transpose(1, 2) for part in (q, k, v))
        scores = q @ k.transpose(-2, -1) / math.sqrt(13)
        hidden = torch.ones(scores.shape[-2:]).tril() == 0
        y = scores.masked_fill(hidden, -torch.inf).softmax(-1) @ v
        x = x + linear(y.transpose(1, 2).flatten(2), f"h.{layer}.attn.c_proj")
        up = linear(norm(x, f"h.{layer}.ln_2"), f"h.{layer}.mlp.c_fc")
        up = F.gelu(up, approximate="none" if exact else "tanh")
        x = x + linear(up, f"h.{layer}.mlp.c_proj")
    return linear(norm(x, "ln_f"), "lm_head")


def ckpt(path: Path, state: dict[str, Tensor], **changes: object) -> Path:
    content = {
        "model": state,
        "optimizer": {"state": {0: {"step": torch.tensor(7.0)}}, "param_groups": [{"lr": 1e-3}]},
        "model_args": ARGS,
        "iter_num": 2000,
        "best_val_loss": torch.tensor(1.25),
        "config": {"out_dir": "out", "compile": True},
    }
    torch.save(content | changes, path)
    return path


@pytest.mark.parametrize("bias", [True, False])
@pytest.mark.parametrize("exact", [True, False])
def test_it_computes_what_nanogpt_computes(tmp_path, bias, exact):
    state, tokens = state_of(bias=bias), random_tokens()
    path = ckpt(tmp_path / "ckpt.pt", state, model_args=ARGS | {"bias": bias})
    found = read_nanogpt(path, "gelu" if exact else "gelu_new")
    expected = nanogpt(state, tokens, exact=exact)
    torch.testing.assert_close(found.decoder(tokens), expected, rtol=0, atol=1e-4)
    assert (found.iterations, found.dev_nats_per_token) == (2000, 1.25)
    other = nanogpt(state, tokens, exact=not exact)
    assert (other - expected).abs().max() > 1e-3  # the two forms can be told apart


def test_what_it_gives_transformers_opens_with_the_same_numbers(tmp_path):
    state, tokens = state_of(bias=False), random_tokens()
    found = read_nanogpt(ckpt(tmp_path / "ckpt.pt", state))
    checkpoint.save(tmp_path / "out", found.decoder, tiny_tokenizer(), {})
    from transformers import AutoModelForCausalLM

    model = AutoModelForCausalLM.from_pretrained(tmp_path / "out", dtype=torch.float32).eval()
    torch.testing.assert_close(model(tokens).logits, nanogpt(state, tokens), rtol=0, atol=1e-4)


def test_a_folder_with_nanogpt_s_own_matrices_is_read(tmp_path):
    """As users export it: the state_dict as it is, beside a config.json of GPT-2."""
    model = random_model()
    written(tmp_path, model)

    def turned(weights):
        ends = ("c_attn.weight", "c_proj.weight", "c_fc.weight")
        weights = {n: t.T if n.endswith(ends) else t for n, t in weights.items()}
        return {f"_orig_mod.{name}": t for name, t in weights.items()}

    change_weights(tmp_path, turned)
    tokens = random_tokens()
    opened = checkpoint.load(tmp_path)
    torch.testing.assert_close(opened.decoder(tokens), model(tokens).logits, rtol=0, atol=1e-4)


class Harmful:
    def __reduce__(self) -> tuple[object, tuple[str]]:
        return print, ("it ran",)


def test_code_in_the_file_does_not_run(tmp_path, capsys):
    path = ckpt(tmp_path / "ckpt.pt", state_of(bias=True), config=Harmful())
    with pytest.raises(CheckpointError, match="cannot be opened as weights alone"):
        read_nanogpt(path)
    (tmp_path / "plain.pt").write_bytes(pickle.dumps(Harmful()))
    with pytest.raises(CheckpointError, match="cannot be opened as weights alone"):
        read_nanogpt(tmp_path / "plain.pt")
    assert "it ran" not in capsys.readouterr().out


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"model_args": {}}, "model_args describe no GPT-2"),
        ({"model_args": ARGS | {"n_head": 3}}, "does not divide into 3 heads"),
        ({"model_args": ARGS | {"n_layer": 4}}, r"layer 3 has no complete c_attn|lacks"),
    ],
)
def test_what_does_not_fit_is_refused(tmp_path, changes, message):
    with pytest.raises(CheckpointError, match=message):
        read_nanogpt(ckpt(tmp_path / "ckpt.pt", state_of(bias=True), **changes))


def test_another_program_s_file_is_refused(tmp_path):
    torch.save({"state_dict": state_of(bias=True)}, tmp_path / "last.ckpt")
    with pytest.raises(CheckpointError, match="lacks config, iter_num, model, model_args"):
        read_nanogpt(tmp_path / "last.ckpt")
    torch.save([1], tmp_path / "list.pt")
    with pytest.raises(CheckpointError, match="holds no dictionary"):
        read_nanogpt(tmp_path / "list.pt")
    with pytest.raises(CheckpointError, match="there is no file"):
        read_nanogpt(tmp_path / "none.pt")


def test_a_diverged_run_is_refused(tmp_path):
    state = state_of(bias=True)
    state["_orig_mod.transformer.ln_f.bias"][4] = math.nan
    with pytest.raises(CheckpointError, match=r"1 of 26 numbers in ln_f\.bias"):
        read_nanogpt(ckpt(tmp_path / "ckpt.pt", state))
