"""The same tables on a card as on the CPU; skipped where there is no card."""

from __future__ import annotations

import math
from typing import Any

import pytest
import torch

import tinyinterp
from tinyinterp.evaluation.loss import measure_text_loss
from tinyinterp.model import Model

pytestmark = [
    pytest.mark.cuda,
    pytest.mark.skipif(not torch.cuda.is_available(), reason="there is no CUDA device"),
]
CLOSE = 1e-4


@pytest.fixture(scope="module")
def models() -> tuple[Model, Model]:
    """On the CPU, and on the card."""
    return tinyinterp.load(), tinyinterp.load(device="cuda")


def assert_same(want: Any, got: Any) -> None:
    for one, other in zip(want, got, strict=True):
        for name, value in one.items():
            if isinstance(value, float):
                assert math.isclose(value, other[name], abs_tol=CLOSE, rel_tol=CLOSE) or (
                    math.isnan(value) and math.isnan(other[name])
                ), name
            elif name in {"kind", "role", "decided_by", "best_tag", "attention"}:
                assert value == other[name], name


def test_the_model_is_there(models):
    assert models[1].device.type == "cuda"
    assert torch.get_float32_matmul_precision() == "highest"
    assert not torch.backends.cuda.matmul.allow_tf32


def test_heads(models):
    assert_same(*(tinyinterp.heads(each, max_tokens=3000, null_tokens=300) for each in models))


def test_neurons(models):
    found = [tinyinterp.neurons(each, layer=4, max_tokens=4000, null_tokens=0) for each in models]
    assert_same(*(each.table for each in found))
    again = tinyinterp.neurons(models[1], layer=4, max_tokens=4000, null_tokens=0)
    assert found[1].table.to_json() == again.table.to_json()  # the same bytes twice


def test_account(models):
    settings: dict[str, Any] = {
        "max_tokens": 6000, "test_tokens": 600, "effect_tokens": 100, "exact_neurons": 8,
        "rules": False,
    }  # fmt: skip
    one, other = (tinyinterp.account(each, **settings) for each in models)
    for name in ("table", "heads", "layers"):
        assert_same(getattr(one, name), getattr(other, name))


def test_text_and_loss(models):
    texts = [tinyinterp.generate(each, "Once", temperature=0, max_tokens=20) for each in models]
    assert texts[0] == texts[1]
    losses = [measure_text_loss(each.network, each.tokenizer, ["Once upon a time. The end."] * 3)
              for each in models]  # fmt: skip
    assert math.isclose(losses[0].nats_per_token, losses[1].nats_per_token, abs_tol=CLOSE)


def test_hooked_and_runs(models):
    hooked = models[1].hooked
    assert next(hooked.parameters()).device.type == "cuda"
    for one, other in zip(*(vars(each.run("Once", off=["L0H1"])).values() for each in models),
                          strict=True):  # fmt: skip
        if isinstance(one, torch.Tensor):
            torch.testing.assert_close(one, other, rtol=CLOSE, atol=CLOSE)
