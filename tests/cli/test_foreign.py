"""Folders as other programs' users have them go through both censuses, without a word."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from models import STORIES
from outcome import Run
from torch import Tensor

from tests.checkpoint.foreign import change_weights, random_model, written

MATRICES = ("c_attn.weight", "c_proj.weight", "c_fc.weight")


def lightning(weights: dict[str, Tensor]) -> dict[str, Tensor]:
    """The report's models: a GPT-2 as an attribute of Lightning's module."""
    return {f"model.{name}": tensor for name, tensor in weights.items()}


def nanogpt(weights: dict[str, Tensor]) -> dict[str, Tensor]:
    """nanoGPT's state_dict beside a config.json."""
    turned = {n: t.T if n.endswith(MATRICES) else t for n, t in weights.items()}
    return {f"_orig_mod.{name}": tensor for name, tensor in turned.items()}


@pytest.mark.parametrize("form", [lightning, nanogpt])
def test_both_censuses_read_a_folder_of_another_program(
    run: Run, tmp_path: Path, form: Callable[[dict[str, Tensor]], dict[str, Tensor]]
):
    folder = written(tmp_path / "model", random_model())
    change_weights(folder, form)
    text = tmp_path / "stories.txt"
    text.write_text("\n<|endoftext|>\n".join(STORIES * 7), "utf-8")
    heads = run(
        "heads", "--ckpt", folder, "--text", text, "--quick", "--no-pictures", "--json",
        "--out", tmp_path / "heads",
    )  # fmt: skip
    assert heads.code == 0
    assert "not checked" not in heads.err
    assert len(json.loads(heads.out)["rows"]) == 6
    neurons = run(
        "neurons", "--layer", 0, "--ckpt", folder, "--text", text, "--json",
        "--out", tmp_path / "neurons",
    )  # fmt: skip
    assert neurons.code == 0
    assert "not checked" not in neurons.err
