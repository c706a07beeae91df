"""The precision of products is the recipe's while a step is taken, and torch's again afterwards."""

from __future__ import annotations

import pytest
import torch
from runs import prepare, tiny_recipe

from train.training.loop import Trainer
from train.training.step import fp32_products


@pytest.mark.parametrize(("tf32", "within"), [(True, "high"), (False, "highest")])
def test_training_leaves_torch_as_it_was(tmp_path, monkeypatch, tf32, within):
    prepare(tmp_path / "data")
    recipe = tiny_recipe(run={"tf32": tf32})
    trainer = Trainer(recipe, tmp_path / "data", tmp_path / "run")
    seen = []
    forward = trainer.model.forward
    monkeypatch.setattr(
        trainer.model,
        "forward",
        lambda *given, **named: (
            seen.append(torch.get_float32_matmul_precision()) or forward(*given, **named)
        ),
    )
    trainer.run(max_steps=5)  # evaluates at its end
    assert set(seen) == {within}
    assert torch.get_float32_matmul_precision() == "highest"


def test_a_precision_that_the_user_chose_is_kept(tmp_path):
    prepare(tmp_path / "data")
    torch.set_float32_matmul_precision("medium")
    try:
        Trainer(tiny_recipe(), tmp_path / "data", tmp_path / "run").run(max_steps=1)
        assert torch.get_float32_matmul_precision() == "medium"
    finally:
        torch.set_float32_matmul_precision("highest")


def test_a_precision_that_was_chosen_for_one_backend_is_kept():
    matmul = torch.backends.cuda.matmul
    matmul.fp32_precision = (
        "tf32"  # as torch 2.9 advises; the setting of all is then not to be read
    )
    try:
        with fp32_products(tiny_recipe(run={"tf32": False})):
            assert torch.get_float32_matmul_precision() == "highest"
            assert matmul.fp32_precision == "ieee"
        assert matmul.fp32_precision == "tf32"
    finally:
        torch.set_float32_matmul_precision("highest")
