from __future__ import annotations

import numpy as np
import pytest
import torch
from models import STORIES, tiny_decoder, tiny_tokenizer

from tinyinterp.neuron_census.activations import hook_of
from tinyinterp.scan import forward, hooked_at
from tinyinterp.text.corpus import corpus_of
from tinyinterp.text.sequences import Side


def test_overlaps_by_hand(script):
    one = np.array([[1, 2, 3, 4], [5, 5, 5, 6], [7, 8, 9, 10]])
    other = np.array([[4, 3, 11, 12], [5, 13, 13, 14], [1, 2, 3, 4]])
    assert script.shared_types(one, other) == pytest.approx(
        np.array([[1 / 3, 0, 1], [0, 1 / 4, 0], [0, 0, 0]])
    )
    different = np.array([[1, 2, 3, 4], [5, 15, 16, 6], [7, 8, 9, 10]])
    assert script.shared_places(different, other[[0, 2]].repeat(2, axis=0)[:3]) == pytest.approx(
        np.array([[0.5, 0.5, 1], [0, 0, 0], [0, 0, 0]])
    )


@pytest.fixture(scope="module")
def corpus():
    stories = [*STORIES, *(f"Once upon a time {story}" for story in STORIES)]
    return corpus_of(
        stories + [f"{story} {story[::-1]}" for story in stories], tiny_tokenizer(), 97
    )


@pytest.mark.parametrize("variant", ["post", "report", "norm"])
def test_top_tokens_are_those_of_the_slow_way(script, corpus, variant: str):
    """Every distinct beginning once, all values at hand, sorted."""
    decoder = tiny_decoder()
    tops = script.measure(decoder, corpus)
    for side in Side:
        values, types, known = [], [], set()
        place, values_of = hook_of(decoder, 1, "report" if variant == "norm" else variant)
        for sequence in corpus.sequences(side):
            found: list[torch.Tensor] = []
            with torch.inference_mode(), hooked_at(decoder, {place: found.append}):
                forward(decoder, torch.from_numpy(sequence.tokens)[None])
                stream = decoder.block(1).ln2(found[0]) if variant == "norm" else found[0]
                all_values = values_of(stream)[0]
            for position in range(1, len(sequence.tokens)):
                beginning = tuple(sequence.tokens[: position + 1].tolist())
                if beginning not in known:
                    known.add(beginning)
                    values.append(all_values[position])
                    types.append(beginning[-1])
        ranked = torch.stack(values).T.sort(dim=1, descending=True)
        top = tops[1, variant, side]
        torch.testing.assert_close(top.values, ranked.values[:, :20], rtol=1e-4, atol=1e-5)
        expected = np.array(types)[ranked.indices[:, :20].numpy()]
        assert (np.sort(top.types.numpy()) == np.sort(expected)).mean() > 0.99
        assert len({tuple(row) for row in top.places_of.tolist()}) > 1
        assert int(top.places_of.max()) < len(values)
        assert int(top.places_of.min()) >= 0


def test_a_reading_overlaps_wholly_with_itself_and_hardly_with_a_null(script, corpus):
    tops = script.measure(tiny_decoder(), corpus)
    same = script.compare(tops[2, "post", Side.TEST], tops[2, "post", Side.TEST])
    assert (same.places == 1).all()
    assert (same.types == 1).all()
    assert same.found == 1
    assert same.null_places < 0.5
    rows = script.layer_rows(tops)
    assert [row["layer"] for row in rows] == [0, 1, 2]
    for row in rows:
        assert (
            0 <= row["places_quartile_1"] <= row["places_median"] <= row["places_quartile_3"] <= 1
        )
        assert row["neurons"] == 31
    assert len(script.draw(tops, rows, "a title").axes) == 2
