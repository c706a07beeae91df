"""The search of the atlas: kinds, roles, rules, and several words at once."""

from __future__ import annotations

from pathlib import Path

import pytest
from browser import Watched
from playwright.sync_api import expect

from tests.atlas.examples import NEURONS
from tests.atlas.test_browser import visit


def found(watched: Watched, query: str) -> list[str]:
    page = watched.page
    page.fill("#query", "")
    expect(page.locator("#found")).to_be_empty()
    page.fill("#query", query)
    expect(page.locator("#found")).not_to_be_empty()
    return [" ".join(text.split()[:2]) for text in page.locator("#results a").all_text_contents()]


def test_kinds_roles_and_several_words_are_found(watched: Watched, accounted: Path):
    visit(watched.page, accounted, "index.html")
    assert found(watched, "sink") == ["Head L1H1"]
    assert found(watched, "sink layer 0") == []
    assert found(watched, "nearest positional") == ["Head L1H2"]  # a role
    assert found(watched, "needs predecessor head") == ["Head L0H2"]
    assert found(watched, "part of speech L1N1") == ["Neuron L1N1"]
    assert found(watched, "L1H9") == []


def test_a_rule_is_found_by_a_word_of_it(watched: Watched, accounted: Path):
    visit(watched.page, accounted, "index.html")
    # every rule of the example is "a [...]", and only neuron 0 of a layer has none
    names = {name for name in found(watched, "[</script layer 1") if name.startswith("Neuron")}
    assert names == {f"Neuron L1N{number}" for number in range(1, NEURONS[1])}


@pytest.mark.parametrize("query", ["word", "noun"])
def test_all_results_have_a_page(watched: Watched, site: Path, query: str):
    page = watched.page
    visit(page, site, "head.html#L0H0")
    shown = found(watched, query)
    assert shown[-1].startswith("All ")
    page.locator("#results a").last.click()
    expect(page.locator("h1")).to_have_text(f"Search: {query}")
    count = int(page.inner_text("p.about").split()[0])
    assert shown[-1] == f"All {count}"
    assert page.locator("main tbody tr, main .legend li").count() == count
