from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch
from models import STORIES, tiny_decoder, tiny_tokenizer

from tinyinterp.neuron_census.effects import ALL, ablate
from tinyinterp.scan import hooked_at
from tinyinterp.tagging import NO_TAG, TagReader, open_tagger
from tinyinterp.text.corpus import Corpus, corpus_of
from tinyinterp.text.sequences import Side


@pytest.fixture(scope="module")
def corpus() -> Corpus:
    return corpus_of([f"{STORIES[i % 3]} It was day {i}." for i in range(23)], tiny_tokenizer(), 97)


@pytest.mark.parametrize("tags", ["universal", "penn"])
def test_the_rise_is_that_of_the_whole_model_with_one_activation_replaced(
    corpus: Corpus, tags: str
):
    decoder, tag_reader = tiny_decoder("gpt_neo"), TagReader(open_tagger(tags=tags))
    layer, means = 1, {3: 0.7, 29: -1.1}
    hook_name = f"blocks.{layer}.mlp.hook_post"
    batches = list(corpus.micro_batches(Side.TEST))
    rows = ablate(decoder, batches, tag_reader, layer, means, hook_name=hook_name, seed=0)
    for neuron, mean in means.items():

        def replaced(value: torch.Tensor, neuron: int = neuron, mean: float = mean) -> torch.Tensor:
            value = value.clone()
            value[:, :, neuron] = mean
            return value

        rises: dict[str, list[float]] = {}
        for sequence in corpus.sequences(Side.TEST):
            tokens = torch.from_numpy(sequence.tokens)[None]
            with torch.inference_mode():
                before = decoder(tokens).log_softmax(-1)[0]
                with hooked_at(decoder, {hook_name: replaced}):
                    after = decoder(tokens).log_softmax(-1)[0]
            for at, tag in enumerate(tag_reader.tokens(sequence).tags[1:].tolist()):
                rise = float(before[at, tokens[0, at + 1]] - after[at, tokens[0, at + 1]])
                rises.setdefault(ALL, []).append(rise)
                if tag != NO_TAG:
                    rises.setdefault(tag_reader.tag_set.names[tag], []).append(rise)
        found = {row.tag: row for row in rows if row.neuron == neuron}
        assert ALL in found
        for tag, row in found.items():
            assert row.loss_increase == pytest.approx(np.mean(rises[tag]), abs=1e-5)
            assert row.tokens == len(rises[tag])
            assert row.low <= row.loss_increase <= row.high


def test_a_neuron_that_does_nothing_costs_nothing(corpus: Corpus):
    decoder = tiny_decoder("gpt2")
    with torch.no_grad():
        decoder.block(2).mlp.down.weight[:, 5] = 0
    batches = corpus.micro_batches()
    hook_name = "blocks.2.mlp.hook_post"
    rows = ablate(decoder, batches, TagReader(), 2, {5: 9.0}, hook_name=hook_name, seed=0)
    assert {row.loss_increase for row in rows} == {0.0}
    again = ablate(
        decoder, corpus.micro_batches(), TagReader(), 2, {5: 9.0}, hook_name=hook_name, seed=0
    )
    assert [replace(row) for row in again] == rows
