from __future__ import annotations

import dataclasses
from pathlib import Path

import numpy as np
import pytest

from tests.models import tiny_checkpoint
from tinyinterp.io.table import Table
from tinyinterp.model_account.composition import compositions
from tinyinterp.model_account.weights import (
    HeadWeights,
    NeuronWeights,
    head_weights,
    neuron_weights,
)
from tinyinterp.network.config import Architecture


@pytest.mark.parametrize("architecture", ["gpt_neo", "gpt2", "gpt_neox", "llama"])
def test_a_row_for_every_head_and_neuron(architecture: Architecture, tmp_path: Path):
    opened = tiny_checkpoint(tmp_path / "model", architecture)
    decoder, tokenizer = opened.decoder, opened.tokenizer
    heads = Table("heads", head_weights(decoder, tokenizer))
    neurons = Table("neurons", list(neuron_weights(decoder, tokenizer)))
    assert [(row["layer"], row["head"]) for row in heads] == list(np.ndindex(3, 2))
    assert [(row["layer"], row["neuron"]) for row in neurons] == list(np.ndindex(3, 31))
    assert heads.columns == [field.name for field in dataclasses.fields(HeadWeights)]
    assert neurons.columns == [field.name for field in dataclasses.fields(NeuronWeights)]
    contract = {"copying", "copy_rank", "raises", "composes_with"}
    assert contract < set(heads.columns)
    composition = compositions(decoder)
    for row in heads:
        links = composition.reads(row["layer"], row["head"])
        assert row["composes_with"] == [link.name for link in links]
        assert row["composition"] == pytest.approx([link.z for link in links], rel=1e-5)
        assert row["raises"]
    cosine = neurons.row(layer=2, neuron=7)["in_out_cosine"]
    block = decoder.block(2)
    w_in = block.mlp.up.weight[7] * block.ln2.weight
    w_out = block.mlp.down.weight[:, 7]
    if decoder.config.norm == "layer":
        w_in, w_out = w_in - w_in.mean(), w_out - w_out.mean()
    assert cosine == pytest.approx(float(w_in @ w_out / w_in.norm() / w_out.norm()), rel=1e-4)
    assert len(heads.write(tmp_path)) == len(neurons.write(tmp_path)) == 3


def test_the_same_weights_give_the_same_bytes(tmp_path: Path):
    opened = tiny_checkpoint(tmp_path / "model")
    decoder, tokenizer = opened.decoder, opened.tokenizer
    first, second = (Table("heads", head_weights(decoder, tokenizer)).to_json() for _ in range(2))
    assert first == second
    first, second = (
        Table("neurons", list(neuron_weights(decoder, tokenizer))).to_json() for _ in range(2)
    )
    assert first == second


def test_heads_are_read_where_they_are_drawn_to(tmp_path: Path):
    opened = tiny_checkpoint(tmp_path / "model")
    tokens = [opened.tokenizer.encode(text).ids[0] for text in (" the", " and")]
    rows = head_weights(opened.decoder, opened.tokenizer, {(2, 1): tokens, (0, 0): tokens[:1]})
    at = {(row.layer, row.head): row.raises_at for row in rows}
    assert at[2, 1] == [opened.tokenizer.token_text(token) for token in tokens]
    assert at[0, 0] == at[2, 1][:1]
    assert len(at[1, 0]) == 5
