from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.views.examples import HOSTILE
from tests.views.reading import Page
from tinyinterp.io.table import Table
from tinyinterp.views.neurons import HIT_FIELDS, write_neuron_page
from tinyinterp.views.style import NEURON_COLOURS


def hit(neuron: int, rank: int, **others: Any) -> dict[str, Any]:
    usual = {
        "layer": 4, "neuron": neuron, "rank": rank, "activation": 5.123456 - rank,
        "token": " cat", "before": "saw a big", "after": " and ran", "tag": "NOUN",
        "story": 11, "position": 13,
    }  # fmt: skip
    return usual | others


def neurons(n: int) -> Table:
    kinds = list(NEURON_COLOURS)
    rows = [
        {"layer": 4, "neuron": i, "kind": kinds[i % len(kinds)], "best_tag": "NOUN",
         "auroc": float("nan") if i == 0 else 0.875, "auroc_low": 0.8, "auroc_high": 0.9,
         "raises": [" <b>"]}
        for i in range(n)
    ]  # fmt: skip
    return Table("neurons_layer4", rows, notes={"text": HOSTILE})


@pytest.mark.parametrize("n_neurons", [1, 7])
def test_page_holds_every_neuron_and_its_hits_in_order(tmp_path: Path, n_neurons: int) -> None:
    hits = [hit(i, rank) for rank in (2, 0, 1) for i in range(n_neurons)]
    page = Page(write_neuron_page(neurons(n_neurons), Table("top", hits), tmp_path))
    data = page.data
    assert data["fields"] == list(HIT_FIELDS)
    assert [row["neuron"] for row in data["neurons"]] == list(range(n_neurons))
    assert data["neurons"][0]["auroc"] is None
    for neuron in range(n_neurons):
        found = data["hits"][f"4.{neuron}"]
        assert [h[0] for h in found] == [5.123, 4.123, 3.123]
        assert found[0][1:] == ["saw a big", " cat", " and ran", "NOUN", 11, 13]


def test_the_page_has_both_sides_of_a_tag_in_words_where_the_table_has_them(tmp_path: Path) -> None:
    rows = [{**row, "tag_precision": 0.9, "tag_recall": 0.02, "hits": 50} for row in neurons(2)]
    table = Table("neurons_layer4", rows, notes={"text": "stories"})
    data = Page(write_neuron_page(table, Table("top", [hit(0, 0)]), tmp_path)).data
    said = "90% of its hits are nouns, and it fires on 2.0% of nouns"
    assert [row["both_sides"] for row in data["neurons"]] == [said, said]


def test_hostile_text_stays_text_and_nothing_is_loaded(tmp_path: Path) -> None:
    hits = [hit(0, 0, token=HOSTILE, before=HOSTILE, after="\u2028\n", tag=None)]
    page = Page(write_neuron_page(neurons(1), Table("top", hits), tmp_path))
    assert page.outside_references() == []
    assert "img" not in {tag for tag, _ in page.elements}
    assert len(page.scripts) == 2
    assert page.data["hits"]["4.0"][0][1:5] == [HOSTILE, HOSTILE, "\u2028\n", None]


def test_a_whole_layer_stays_small_and_is_the_same_twice(tmp_path: Path) -> None:
    text = "a little girl named Lily"
    hits = [hit(i, r, before=text, after=text) for i in range(1024) for r in range(20)]
    table, top = neurons(1024), Table("top", hits)
    one = write_neuron_page(table, top, tmp_path / "one").read_bytes()
    assert len(one) < 4_000_000
    assert one == write_neuron_page(table, top, tmp_path / "two").read_bytes()


def test_kinds_that_occur_are_counted(tmp_path: Path) -> None:
    page = Page(write_neuron_page(neurons(8), Table("top", [hit(0, 0)]), tmp_path))
    buttons = [a["data-kind"] for t, a in page.elements if t == "button" and "data-kind" in a]
    assert buttons == list(NEURON_COLOURS)
    assert "position 2" in page.text


def test_large_counts_have_their_thousands_apart(tmp_path: Path) -> None:
    hits = [hit(i, 0) for i in range(1024)]
    page = Page(write_neuron_page(neurons(1024), Table("top", hits), tmp_path))
    assert "1,024 neurons with their 1,024 strongest activations" in page.text


def test_an_auroc_that_no_token_tells_is_not_shown(tmp_path: Path) -> None:
    rows = [
        row | {"within_word_auroc": 0.5, "within_word_tokens": tokens}
        for row, tokens in zip(neurons(2), (0, 17), strict=True)
    ]
    page = Page(
        write_neuron_page(
            Table("neurons", rows, notes={"text": "x"}), Table("top", [hit(0, 0)]), tmp_path
        )
    )
    assert [row["within_word_auroc"] for row in page.data["neurons"]] == [None, 0.5]
