from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from browser import Watched
from playwright.sync_api import expect

from tests.views.examples import HOSTILE
from tests.views.reading import Page
from tinyinterp.io.table import Table
from tinyinterp.views.neuron_page import write_neuron_page
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
    data = Page(write_neuron_page(neurons(n_neurons), Table("top", hits), tmp_path)).data
    assert [line[0] for line in data["list"]] == list(range(n_neurons))
    assert data["list"][0][2:8] == ["NOUN", "", None, 0.8, 0.9, None]
    auroc = data["columns"].index("auroc")
    assert data["neurons"][0]["row"][auroc] is None
    for found in data["neurons"]:
        assert [h[0] for h in found["top"]] == [5.123, 4.123, 3.123]
        assert found["top"][0][1:] == ["saw a big", " cat", " and ran", "NOUN", 11, 13]


def test_hostile_text_stays_text_and_nothing_is_loaded(tmp_path: Path) -> None:
    hits = [hit(0, 0, token=HOSTILE, before=HOSTILE, after="\u2028\n", tag=None)]
    page = Page(write_neuron_page(neurons(1), Table("top", hits), tmp_path))
    assert page.outside_references() == []
    assert "img" not in {tag for tag, _ in page.elements}
    assert len(page.scripts) == 2
    assert page.data["neurons"][0]["top"][0][1:5] == [HOSTILE, HOSTILE, "\u2028\n", None]


def test_a_whole_layer_stays_small_and_is_the_same_twice(tmp_path: Path) -> None:
    text = "a little girl named Lily"
    hits = [hit(i, r, before=text, after=text) for i in range(1024) for r in range(20)]
    table, top = neurons(1024), Table("top", hits)
    one = write_neuron_page(table, top, tmp_path / "one").read_bytes()
    assert len(one) < 4_000_000
    assert one == write_neuron_page(table, top, tmp_path / "two").read_bytes()


def test_an_auroc_within_words_that_no_token_has_is_not_known(tmp_path: Path) -> None:
    rows = [
        row | {"within_word_auroc": 0.5, "within_word_tokens": tokens}
        for row, tokens in zip(neurons(2), (0, 17), strict=True)
    ]
    table = Table("neurons", rows, notes={"text": "x"})
    data = Page(write_neuron_page(table, Table("top", [hit(0, 0)]), tmp_path)).data
    at = data["columns"].index("within_word_auroc")
    assert [one["row"][at] for one in data["neurons"]] == [None, 0.5]


@pytest.fixture
def page(watched: Watched, tmp_path: Path) -> Watched:
    """The page of 1,031 neurons, opened; the last fires on another word."""
    hits = [hit(i, rank) for i in range(1030) for rank in (0, 1)]
    hits.append(hit(1030, 0, token=HOSTILE))
    watched.page.goto(write_neuron_page(neurons(1031), Table("top", hits), tmp_path).as_uri())
    return watched


def test_neurons_are_counted_and_filtered_by_kind(page: Watched) -> None:
    seen = page.page
    expect(seen.locator("p.about")).to_contain_text("1,031 neurons with their 2,061 largest")
    buttons = seen.locator("button[data-kind]")
    kinds = buttons.evaluate_all("all => all.map((one) => one.dataset.kind)")
    assert kinds == list(NEURON_COLOURS)
    assert buttons.first.inner_text() == "position 148"
    buttons.first.click()
    status = seen.locator(".filters [role=status]")
    expect(status).to_have_text("148 of 1,031 shown")  # what was clicked is what is shown
    assert seen.locator("#neurons tbody tr:visible").count() == 148
    assert seen.locator("#neurons tbody tr:visible .kind-position").count() == 148
    buttons.nth(1).click()
    expect(status).to_have_text("296 of 1,031 shown")
    buttons.first.click()
    buttons.nth(1).click()
    expect(status).to_have_text("1,031 of 1,031 shown")


@pytest.mark.parametrize(
    ("wanted", "found"),
    [("1030", 1), ("L4N1030", 1), ("cat", 1030), ("noun onerror", 1), ("noun dead", 147)],
)
def test_a_search_finds_numbers_tags_and_words(page: Watched, wanted: str, found: int) -> None:
    page.page.fill(".filters input", wanted)
    shown = page.page.locator(".filters [role=status]")
    expect(shown).to_have_text(f"{found:,} of 1,031 shown")


def test_a_neuron_is_said_with_what_predicts_it(watched: Watched, tmp_path: Path) -> None:
    rows = [
        row | {"needs": needs}
        for row, needs in zip(neurons(3), ("token", "context", ""), strict=True)
    ]
    table = Table("neurons", rows, notes={"text": "x"})
    seen = watched.page
    seen.goto(write_neuron_page(table, Table("top", [hit(0, 0)]), tmp_path).as_uri())
    assert (
        f"{rows[0]['kind']} (what it fires on); predicting it needs the token"
        in seen.inner_text(".detail p.needs")
    )
    seen.fill(".filters input", "needs context")
    assert seen.locator("#neurons tbody tr:visible").count() == 1


def test_a_chosen_neuron_is_shown_with_its_contexts(page: Watched) -> None:
    seen = page.page
    expect(seen.locator(".detail > h2")).to_contain_text("Neuron L4N0")
    seen.locator("#neurons tbody tr").nth(2).click()
    expect(seen.locator(".detail > h2")).to_contain_text("Neuron L4N2")
    assert seen.locator(".kwic li").count() == 2
    expect(seen.locator(".kwic mark").first).to_have_text(" cat", use_inner_text=True)
    assert seen.locator("#neurons tr.chosen th").inner_text() == "L4N2"
    seen.goto(seen.url.split("#", maxsplit=1)[0] + "#L4N1030")
    expect(seen.locator(".detail > h2")).to_contain_text("Neuron L4N1030")
    assert seen.locator("img").count() == 0


def test_no_finding_of_an_accessibility_check(watched: Watched, tmp_path: Path) -> None:
    path = write_neuron_page(neurons(7), Table("top", [hit(i, 0) for i in range(7)]), tmp_path)
    watched.page.goto(path.as_uri())
    found = Axe().run(watched.page, options={"preload": False}).response["violations"]
    assert [(one["id"], one["nodes"][0]["html"]) for one in found] == []
    watched.page.set_viewport_size({"width": 360, "height": 740})
    assert watched.page.evaluate("document.documentElement.scrollWidth") <= 360
