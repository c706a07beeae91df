from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.atlas.examples import NEURONS, TOKENS, make_atlas, write_census
from tests.views.examples import HOSTILE
from tests.views.reading import Page
from tinyinterp.atlas import write_atlas
from tinyinterp.views.head_data import Story, strongest

PAGES = ("index", "head", "neuron", "layer", "tag", "token")


def read(site: Path, name: str) -> Any:
    """What a data file hands to its page; it must be one call with one JSON value."""
    text = (site / "data" / f"{name}.js").read_text("utf-8")
    match = re.fullmatch(r'atlas\.put\("([^"]+)",(.*)\);\n', text)
    assert match is not None
    assert match[1] == name
    return json.loads(match[2])


def test_the_same_atlas_gives_the_same_bytes(site: Path, neuron_census: Path, tmp_path: Path):
    write_atlas(make_atlas(neuron_census), tmp_path)
    files = sorted(path.relative_to(site) for path in site.rglob("*") if path.is_file())
    assert files == sorted(p.relative_to(tmp_path) for p in tmp_path.rglob("*") if p.is_file())
    for name in files:
        assert (site / name).read_bytes() == (tmp_path / name).read_bytes()


@pytest.mark.parametrize("name", PAGES)
def test_pages_load_only_what_lies_beside_them(site: Path, name: str):
    page = Page(site / f"{name}.html")
    loaded = [
        attributes.get("src") or attributes.get("href") or ""
        for tag, attributes in page.elements
        if tag in ("script", "link")
    ]
    for file in set(loaded) - {"data:,"}:
        assert (site / file).is_file()
    assert f"static/{name}.js" in loaded
    assert not "".join(page.scripts).strip()
    assert "<img" not in (site / f"{name}.html").read_text("utf-8")


def test_no_data_file_holds_markup_or_a_line_break_that_was_not_escaped(site: Path):
    for path in (site / "data").iterdir():
        text = path.read_text("ascii")
        assert "<" not in text
        assert text.count("\n") == 1


def test_every_neuron_is_in_the_file_that_its_page_loads(site: Path):
    index = read(site, "index")
    for layer, n_neurons in enumerate(NEURONS):
        assert index["neurons"][layer]["neurons"] == n_neurons
        for neuron in (0, n_neurons - 1):
            chunk = read(site, f"neurons-{layer}-{neuron // index['chunk']}")
            found = chunk["neurons"][neuron % index["chunk"]]
            row = dict(zip(chunk["columns"], found["row"], strict=True))
            assert row["neuron"] == neuron
            assert row["max_activation"] == neuron + 1
            assert found["top"][0][0] == neuron + 1
            assert found["bottom"][0][0] == -(neuron + 1)
            assert found["top"][0][2] == TOKENS[(neuron + 1) % len(TOKENS)]
            assert found["top"][0][1] == f" before\n{HOSTILE}"
            assert found["histogram"][2] == [neuron, 0, 2]
            assert [(band, share, len(hits)) for band, share, hits in found["range"]] == [
                ("top", 0.5, 2),
                ("below zero", 0.5, 2),
            ]
    assert sum(sum(row["kinds"].values()) for row in index["neurons"]) == sum(NEURONS)


def test_a_tag_lists_its_best_neurons_of_all_layers(site: Path):
    tags = read(site, "index")["tags"]
    assert tags == ["NOUN", "VERB"]  # the third was never tested
    nouns = read(site, f"tag-{tags.index('NOUN')}")["words"]
    assert [line[:2] for line in nouns["current"][:3]] == [[0, 130], [0, 129], [0, 128]]
    assert nouns["next"][0][3] == pytest.approx(0.5 + 130 / 300 - 0.05, abs=1e-3)
    verbs = read(site, f"tag-{tags.index('VERB')}")["words"]["current"]
    assert [line[:2] for line in verbs[:3]] == [[0, 0], [1, 0], [0, 1]]
    assert len(verbs) == 100


def test_a_token_lists_the_neurons_that_fire_on_it(site: Path):
    tokens, size = read(site, "tokens"), read(site, "index")["token_chunk"]
    assert tokens == sorted({*TOKENS, " never"})
    at = tokens.index(" dog")
    found = read(site, f"tokens-{at // size}")[at % size]
    expected = [
        (layer, neuron)
        for layer, n_neurons in enumerate(NEURONS)
        for neuron in range(n_neurons)
        if any((neuron + rank) % len(TOKENS) == 0 for rank in (1, 2, 3))
    ]
    assert found["count"] == len(expected)
    assert [tuple(line[:2]) for line in found["fires"]] == sorted(expected)
    assert found["fires"][0][3:5] == [1, 3]
    assert [line[:2] for line in found["raises"][:2]] == [[0, 0], [0, len(TOKENS)]]


def test_heads_have_their_reasons_and_numbers(site: Path):
    head = read(site, "head-0.1")
    assert head["row"]["role"] == HOSTILE
    assert head["row"]["looks_at_lift"] is None
    assert any("nats per token" in said for said in head["why"])
    assert [len(pattern) for pattern in head["patterns"]] == [40, 20]  # base64 of 28 and 15 bytes
    assert len(head["profile"]) == 7


def test_the_strongest_attention_leaves_out_the_first_token_and_repeated_pairs():
    pattern = np.array([[1.0, 0, 0, 0], [0.9, 0.1, 0, 0], [0.2, 0.3, 0.5, 0], [0.1, 0.4, 0.3, 0.2]])
    story = Story(tokens=["<|endoftext|>", "a", "b", "a"], patterns={})
    # b at b, a at a (once: the largest of three), a at b, b at a
    expected = [[0, 2, 2, 0.5], [0, 3, 1, 0.4], [0, 2, 1, 0.3], [0, 3, 2, 0.3]]
    assert strongest([story], [pattern]) == expected


def test_an_atlas_of_heads_alone_and_of_a_bare_census(tmp_path: Path):
    write_atlas(make_atlas(None), tmp_path / "heads")
    assert read(tmp_path / "heads", "index")["neurons"] == []
    (tmp_path / "census").mkdir()
    census = write_census(tmp_path / "census", optional=False)
    write_atlas(make_atlas(census), tmp_path / "bare")
    assert read(tmp_path / "bare", "index")["tags"] == []
    neuron = read(tmp_path / "bare", "neurons-1-0")["neurons"][4]
    assert (neuron["top"], neuron["tags"], neuron["histogram"]) == ([], [], None)
    assert "range" not in neuron
