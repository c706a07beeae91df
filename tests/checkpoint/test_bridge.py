"""A canary: what TransformerLens 4 has in place of ``HookedTransformer``, beside our own measures.

``TransformerBridge`` wraps the model of transformers and hooks it there. TransformerLens 3 has it
already, so these tests say how far our patterns, activations and numbers of heads agree with it
before anything here depends on it.
"""

from __future__ import annotations

import warnings
from dataclasses import fields
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
import transformers
from models import STORIES, tiny_checkpoint
from torch import Tensor, nn

from tinyinterp.checkpoint import Checkpoint
from tinyinterp.head_census.measure import measure
from tinyinterp.model import Model
from tinyinterp.scan import kept
from tinyinterp.text.corpus import corpus_of

FAMILIES = ("gpt_neo", "gpt2")
HOOKS = ("attn.hook_pattern", "attn.hook_z", "mlp.hook_post", "hook_resid_post")
LIMIT = 2e-5  # of activations of about 1; fp32, summed in another order
NUMBERS_LIMIT = 1e-4  # of measures of heads, some of them ratios of small sums


def bridge_of(folder: Path) -> nn.Module:
    """The bridge of a checkpoint on disk; skips where this TransformerLens has none."""
    bridges = pytest.importorskip(
        "transformer_lens.model_bridge",
        reason="this TransformerLens has no TransformerBridge; 3.0 and later have",
    )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # its own and transformers', about what is coming
        model = transformers.AutoModelForCausalLM.from_pretrained(
            folder, dtype=torch.float32, attn_implementation="eager"
        )
        tokenizer = transformers.AutoTokenizer.from_pretrained(folder)
        return bridges.TransformerBridge.boot_transformers(
            str(folder), hf_model=model.eval(), tokenizer=tokenizer, device="cpu"
        )


class Bridged(nn.Module):
    """A bridge under the names that :func:`tinyinterp.scan.scan` hooks."""

    def __init__(self, bridge: nn.Module, n_layers: int) -> None:
        super().__init__()
        self.bridge: Any = bridge
        self.names = [f"blocks.{layer}.{hook}" for layer in range(n_layers) for hook in HOOKS]
        for name in self.names:
            at: nn.Module = self
            *parents, last = name.split(".")
            for parent in parents:
                if parent not in dict(at.named_children()):
                    at.add_module(parent, nn.Module())
                at = at.get_submodule(parent)
            at.add_module(last, nn.Identity())

    def forward(self, tokens: Tensor) -> Tensor:
        logits, cache = self.bridge.run_with_cache(tokens)
        for name in self.names:
            self.get_submodule(name)(cache[name])
        return logits


@pytest.fixture(scope="module", params=FAMILIES)
def opened(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Checkpoint:
    return tiny_checkpoint(tmp_path_factory.mktemp("bridge"), request.param)


@pytest.fixture(scope="module")
def bridged(opened: Checkpoint) -> Bridged:
    return Bridged(bridge_of(opened.folder), opened.decoder.config.n_layers)


def test_patterns_and_activations_agree(opened: Checkpoint, bridged: Bridged):
    tokens = torch.tensor([opened.tokenizer.encode(STORIES[0]).ids])
    with torch.inference_mode(), kept(opened.decoder, bridged.names) as ours:
        logits = opened.decoder(tokens)
        with kept(bridged, bridged.names) as theirs:
            torch.testing.assert_close(bridged(tokens), logits, rtol=0, atol=LIMIT)
    for name in bridged.names:
        torch.testing.assert_close(theirs[name], ours[name], rtol=0, atol=LIMIT, msg=name)


def test_numbers_of_heads_agree(opened: Checkpoint, bridged: Bridged):
    model = Model(opened, "tiny")
    corpus = corpus_of([*STORIES] * 4, model.tokenizer, model.config.n_ctx)
    ours, theirs = (
        measure(engine, model.config, corpus, seed=0).estimates.point
        for engine in (model.decoder, bridged)
    )
    for field in fields(ours):
        np.testing.assert_allclose(
            getattr(theirs, field.name),
            getattr(ours, field.name),
            rtol=0,
            atol=NUMBERS_LIMIT,
            err_msg=field.name,
        )
