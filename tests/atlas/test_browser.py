"""The atlas in a browser, from disk: what is seen, reached and heard."""

from __future__ import annotations

from pathlib import Path

import pytest
from axe_playwright_python.sync_playwright import Axe
from browser import Watched
from playwright.sync_api import Browser, Page, expect

from tests.atlas.examples import NEURONS, TOKENS
from tests.views.examples import HOSTILE

ALL = (
    "index.html",
    "head.html#L0H1",
    "neuron.html#L0N130",
    "layer.html#0",
    "layer.html#0:word",
    "tag.html#NOUN",
    "token.html#dog",
)
PHONE = {"width": 360, "height": 740}


def visit(page: Page, site: Path, name: str) -> None:
    page.goto(f"{site.as_uri()}/{name}")
    page.wait_for_selector("main[data-ready]")


def heading(page: Page) -> str:
    return page.inner_text("h1")


def test_a_neuron_is_found_by_search_and_a_head_reached_from_there(watched: Watched, site: Path):
    page = watched.page
    visit(page, site, "index.html")
    assert page.locator(".map td a").count() == 6
    page.fill("#query", "neuron 0.130")
    page.click("#results a")
    expect(page.locator("h1")).to_have_text("Neuron L0N130")
    assert page.locator(".kwic").first.locator("li").count() == 3
    page.click("text=layer 0")
    expect(page.locator("h1")).to_have_text("Layer 0")
    page.click('a[href="head.html#L0H1"]')
    expect(page.locator("h1")).to_have_text("Head L0H1")
    page.click("a[rel=next]")
    expect(page.locator("h1")).to_have_text("Head L0H2")
    page.go_back()
    expect(page.locator("h1")).to_have_text("Head L0H1")


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("1.2", ["Head L1H2", "Neuron L1N2"]),
        ("h1.2", ["Head L1H2"]),
        ("1.4", ["Neuron L1N4"]),
        ("1.5", []),
        ("VERB", ["Tag VERB"]),
        ("neve", ["Token ␣never"]),
        ("<|nothing", []),
    ],
)
def test_search_finds_what_there_is(watched: Watched, site: Path, query: str, found: list[str]):
    visit(watched.page, site, "index.html")
    watched.page.fill("#query", query)
    expect(watched.page.locator("#found")).not_to_be_empty()
    shown = watched.page.locator("#results a").all_text_contents()
    assert [" ".join(text.split()[:2]) for text in shown] == found


def test_the_keyboard_alone_reaches_everything(watched: Watched, site: Path):
    page = watched.page
    visit(page, site, "index.html")
    page.keyboard.press("/")
    page.keyboard.type("head 0.0")
    page.keyboard.press("Enter")
    expect(page.locator("h1")).to_have_text("Head L0H0")
    page.keyboard.press("ArrowRight")
    expect(page.locator("h1")).to_have_text("Head L0H1")
    page.keyboard.press("ArrowLeft")
    expect(page.locator("h1")).to_have_text("Head L0H0")
    for _ in range(20):  # on to the tokens of the story
        page.keyboard.press("Tab")
        if page.evaluate("document.activeElement.closest('.story') !== null"):
            break
    before = page.inner_text(".readout")
    page.keyboard.press("Home")
    page.keyboard.press("ArrowRight")
    assert page.inner_text(".readout") != before
    assert page.inner_text(".readout").startswith("␣dog (1) looks at: ")
    assert heading(page) == "Head L0H0"  # the arrows went through the tokens, not to other heads


def test_hovering_a_token_shows_what_it_looks_at(watched: Watched, site: Path):
    page = watched.page
    visit(page, site, "head.html#L1H0")
    tokens = page.locator(".story button")
    assert tokens.count() == 7
    colours = "[...document.querySelectorAll('.story button')].map((b) => b.style.background)"
    tokens.nth(6).hover()
    late = page.evaluate(colours)
    tokens.nth(1).hover()
    early = page.evaluate(colours)
    assert all(late)
    assert all(early[:2])
    assert set(early[2:]) == {"none"}  # what comes later cannot be looked at
    page.select_option("select >> nth=0", "1")
    assert tokens.count() == 5


def test_the_map_of_a_pattern_shows_its_weights(watched: Watched, site: Path):
    page = watched.page
    visit(page, site, "head.html#L1H2")
    box = page.locator("canvas").bounding_box()
    assert box is not None
    page.mouse.move(box["x"] + box["width"] * 1.5 / 7, box["y"] + box["height"] * 4.5 / 7)
    assert page.inner_text(".readout").startswith("␣😀 (4) looks at ␣dog (1): 0.")
    page.mouse.move(box["x"] + box["width"] * 4.5 / 7, box["y"] + box["height"] * 1.5 / 7)
    assert "cannot look at it" in page.inner_text(".readout")


@pytest.mark.parametrize("name", ALL)
def test_text_that_looks_like_markup_is_shown_as_text(watched: Watched, site: Path, name: str):
    visit(watched.page, site, name)
    assert watched.page.locator("img").count() == 0
    assert HOSTILE in watched.page.inner_text("header")


@pytest.mark.parametrize("token", [" dog", "\n", HOSTILE, " \U0001f600", "\u202e", '"', "<0xF0>"])
def test_a_token_of_any_kind_has_a_page_that_links_open(watched: Watched, site: Path, token: str):
    page = watched.page
    visit(page, site, f"neuron.html#L0N{TOKENS.index(token)}")
    page.locator("dl a.token").first.click()  # what it raises
    page.wait_for_url("**/token.html#*")
    expect(page.locator("h1")).to_contain_text("Token ")
    links = page.locator("table").first.locator("a").all_inner_texts()
    assert f"L0N{TOKENS.index(token) + len(TOKENS) - 1}" in links


def test_a_page_of_nothing_says_so(watched: Watched, site: Path):
    for name in (
        "head.html#L9H9",
        "neuron.html#L0N131",
        "layer.html#7",
        "tag.html#X",
        "token.html#%",
    ):
        visit(watched.page, site, name)
        expect(watched.page.locator("h1")).to_have_text("Nothing here")


@pytest.mark.parametrize(
    ("name", "scheme"),
    [(name, "light") for name in ALL] + [(name, "dark") for name in ALL[:3]],
)
def test_no_serious_finding_of_an_accessibility_check(
    browser: Browser, site: Path, name: str, scheme: str
):
    with browser.new_context(color_scheme=scheme) as context:
        page = context.new_page()
        visit(page, site, name)
        found = Axe().run(page, options={"preload": False}).response["violations"]
        assert [(one["id"], one["nodes"][0]["html"]) for one in found] == []


@pytest.mark.parametrize("name", ALL)
def test_a_page_is_no_wider_than_a_phone(browser: Browser, site: Path, name: str):
    with browser.new_context(viewport=PHONE) as context:
        page = context.new_page()
        visit(page, site, name)
        assert page.evaluate("document.documentElement.scrollWidth") <= PHONE["width"]


def test_the_last_neuron_of_a_layer_is_followed_by_the_first_of_the_next(
    watched: Watched, site: Path
):
    visit(watched.page, site, f"neuron.html#L0N{NEURONS[0] - 1}")
    watched.page.keyboard.press("ArrowRight")
    expect(watched.page.locator("h1")).to_have_text("Neuron L1N0")
