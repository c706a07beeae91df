"""One name for a head and a neuron, L6H7 and L4N428; older addresses, and none, open something."""

from __future__ import annotations

from pathlib import Path

import pytest
from browser import Watched
from playwright.sync_api import expect

from tests.atlas.examples import NEURONS
from tests.atlas.test_browser import visit
from tinyinterp.errors import SelectionError
from tinyinterp.run.components import parse


@pytest.mark.parametrize(
    ("asked", "title", "address"),
    [
        ("head.html#1.2", "Head L1H2", "head.html#L1H2"),
        ("head.html#l1h2", "Head L1H2", "head.html#L1H2"),
        ("neuron.html#0.130", "Neuron L0N130", "neuron.html#L0N130"),
        ("head.html#L0N130", "Neuron L0N130", "neuron.html#L0N130"),
        ("neuron.html#L1H2", "Head L1H2", "head.html#L1H2"),
        ("layer.html#L1", "Layer 1", "layer.html#L1"),
    ],
)
def test_every_form_of_a_name_opens_its_page(
    watched: Watched, site: Path, asked: str, title: str, address: str
):
    visit(watched.page, site, asked)
    expect(watched.page.locator("h1")).to_have_text(title)
    assert watched.page.url.endswith(f"/{address}")


@pytest.mark.parametrize("name", ["L1H2", "l1h2", "#L1H2", "1.2", " L 1 H 2 ", "L0N3", "L0X3", "2"])
def test_a_page_reads_names_as_python_does(watched: Watched, site: Path, name: str):
    visit(watched.page, site, "find.html")
    found = watched.page.evaluate("name => parseName(name)", name)
    try:
        known = parse(name)
    except SelectionError:
        assert found is None
        return
    assert [found["layer"], found["number"]] == list(vars(known).values())
    if "." not in name:
        assert found["what"] == type(known).__name__.lower()


@pytest.mark.parametrize(
    ("name", "title", "link"),
    [
        ("head", "Heads", "head.html#L1H2"),
        ("neuron", "Neurons", f"neuron.html#L0N{NEURONS[0] - 1}"),
        ("layer", "Layers", "layer.html#1"),
        ("tag", "Tags", "tag.html#NOUN"),
        ("token", "Tokens", "token.html#%20dog"),
    ],
)
def test_a_page_without_a_name_lists_what_there_is(
    watched: Watched, site: Path, name: str, title: str, link: str
):
    page = watched.page
    visit(page, site, f"{name}.html")
    expect(page.locator("h1")).to_have_text(title)
    page.locator(f'main a[href="{link}"]').first.click()
    page.wait_for_url(f"**/{link}")
    expect(page.locator("h1")).not_to_have_text(title)


def test_the_list_of_tokens_is_searched(watched: Watched, site: Path):
    visit(watched.page, site, "token.html")
    watched.page.fill(".filters input", "do")
    expect(watched.page.locator("main .legend a")).to_have_text(["␣dog"])
