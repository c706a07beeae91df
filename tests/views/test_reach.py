"""What is chosen is seen: on a phone, by the keyboard, and where a map is wider than the screen."""

from __future__ import annotations

import re
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from browser import Watched
from playwright.sync_api import Page, expect

from tests.views.examples import make_census
from tests.views.test_neuron_page import hit, neurons
from tinyinterp.io.table import Table
from tinyinterp.views.head_page import write_head_page
from tinyinterp.views.neuron_page import write_neuron_page

PATIENCE = 10  # seconds
PHONE = {"width": 390, "height": 844}
DESKTOP = {"width": 1280, "height": 900}
COLOUR = """(colour) => {
  document.body.style.color = colour;
  return getComputedStyle(document.body).color.match(/[0-9]+/g).map(Number);
}"""  # red, green and blue of a colour of the style sheet


@pytest.fixture
def phone(watched: Watched) -> Page:
    watched.page.set_viewport_size(PHONE)
    watched.page.emulate_media(reduced_motion="reduce")
    return watched.page


def of_neurons(folder: Path) -> str:
    hits = [hit(i, rank) for i in range(97) for rank in range(3)]
    return write_neuron_page(neurons(97), Table("top", hits), folder).as_uri()


def of_heads(folder: Path) -> str:
    return write_head_page(make_census(11, 16, 7), folder / "heads.html").as_uri()


def is_seen(page: Page, selector: str) -> bool:
    return page.locator(selector).evaluate(
        """(one) => {
          const { top, bottom } = one.getBoundingClientRect();
          return top >= 0 && bottom <= window.innerHeight;
        }"""
    )


@pytest.mark.parametrize("address", ["", "#L4N88", "#4.88"])
def test_an_address_shows_its_neuron_on_a_phone(phone: Page, tmp_path: Path, address: str):
    phone.goto(of_neurons(tmp_path) + address)
    title = phone.locator(".detail > h2")
    expect(title).to_contain_text("Neuron L4N88" if address else "Neuron L4N0")
    assert is_seen(phone, ".detail > h2") is bool(address)
    if address:
        expect(title).to_be_focused()
        assert phone.url.endswith("#L4N88")


def test_a_chosen_neuron_is_scrolled_to_and_the_list_found_again(phone: Page, tmp_path: Path):
    phone.goto(of_neurons(tmp_path))
    assert phone.evaluate("window.scrollY") == 0
    phone.locator("#neurons tbody a").nth(3).click()
    expect(phone.locator(".detail > h2")).to_be_focused()
    assert is_seen(phone, ".detail > h2")
    phone.get_by_role("button", name="Back to the list").click()
    expect(phone.locator("#neurons tr.chosen a")).to_be_focused()
    phone.keyboard.press("Enter")  # the same again
    expect(phone.locator(".detail > h2")).to_be_focused()


def test_beside_the_list_nothing_moves(watched: Watched, tmp_path: Path):
    page = watched.page
    page.set_viewport_size(DESKTOP)
    page.goto(of_neurons(tmp_path))
    link = page.locator("#neurons tbody a").nth(3)
    link.click()
    expect(page.locator(".detail > h2")).to_contain_text("Neuron L4N3")
    expect(link).to_be_focused()
    assert page.evaluate("window.scrollY") == 0
    expect(page.get_by_role("button", name="Back to the list")).to_be_hidden()


def _until(holds: Callable[[], bool]) -> None:
    """Asks from here: ``wait_for_function`` asks by ``eval``, which the pages' policy forbids."""
    end = time.monotonic() + PATIENCE
    while not holds():
        assert time.monotonic() < end
        time.sleep(0.05)


@pytest.mark.parametrize("motion", ["reduce", "no-preference"])
def test_scrolling_is_smooth_unless_less_motion_is_preferred(
    watched: Watched, tmp_path: Path, motion: str
):
    page = watched.page
    page.set_viewport_size(PHONE)
    page.emulate_media(reduced_motion=motion)
    page.goto(of_neurons(tmp_path))
    page.evaluate(
        """() => {
          Element.prototype.scrollIntoView = (how) => { window.asked = how.behavior; };
        }"""
    )
    page.locator("#neurons tbody a").nth(3).click()
    _until(lambda: page.evaluate("window.asked !== undefined"))
    assert page.evaluate("window.asked") == ("auto" if motion == "reduce" else "smooth")


def test_a_chosen_head_is_scrolled_to_but_arrow_keys_stay_in_the_map(phone: Page, tmp_path: Path):
    phone.goto(of_heads(tmp_path))
    phone.locator(".map a").nth(1).click()
    expect(phone.locator(".chosen > h2")).to_be_focused()
    assert is_seen(phone, ".chosen > h2")
    phone.get_by_role("button", name="Back to the map").click()
    expect(phone.locator(".map a[aria-current]")).to_be_focused()
    phone.keyboard.press("ArrowDown")
    expect(phone.locator(".chosen > h2")).to_contain_text("Head L1H1")
    expect(phone.locator('.map a[href="#L1H1"]')).to_be_focused()
    phone.keyboard.press("Enter")  # chosen already, by the arrow key
    expect(phone.locator(".chosen > h2")).to_be_focused()


def test_an_address_of_nothing_says_so(phone: Page, tmp_path: Path):
    phone.goto(of_heads(tmp_path) + "#L99H1")
    expect(phone.locator(".chosen .warning")).to_have_text(
        "There is no head L99H1; this is the first."
    )
    phone.goto(of_neurons(tmp_path) + "#L3N1")
    expect(phone.locator(".detail .warning")).to_contain_text("There is no neuron L3N1")


def test_a_map_that_is_too_wide_says_so_and_is_scrolled_by_the_keyboard(
    phone: Page, tmp_path: Path
):
    phone.goto(of_heads(tmp_path))
    hint = phone.get_by_text("Scroll the map sideways: it has 16 heads a layer.")
    expect(hint).to_be_visible()
    region = phone.get_by_role("region", name="Map of heads")
    assert "more" in (region.get_attribute("class") or "")
    region.focus()
    phone.keyboard.press("ArrowRight")
    _until(lambda: region.evaluate("one => one.scrollLeft > 0"))
    first = phone.locator(".map tbody th").first.bounding_box()
    assert first is not None
    assert 0 <= first["x"] < 20  # the layer stays in sight
    region.evaluate("one => { one.scrollLeft = one.scrollWidth; }")
    expect(region).not_to_have_class(re.compile(r"\bmore\b"))
    phone.set_viewport_size({"width": 1700, "height": 900})
    expect(hint).to_be_hidden()


def test_what_a_cell_shows_is_what_it_is_called(phone: Page, tmp_path: Path):
    phone.goto(of_heads(tmp_path))
    cells = phone.locator(".map td a").evaluate_all(
        """(all) => all.map((one) =>
          [one.getAttribute("aria-label"), ...[...one.children].map((part) => part.textContent)])"""
    )
    assert len(cells) == 11 * 16
    for name, *shown in cells:
        assert name.startswith("Head L")
        assert all(words in name for words in shown)


def test_a_slash_goes_to_the_search_of_any_page(phone: Page, tmp_path: Path):
    phone.goto(of_neurons(tmp_path))
    phone.keyboard.press("/")
    phone.keyboard.type("L4N7/")
    assert phone.input_value("input[type=search]") == "L4N7/"


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_marks_stand_out_from_the_page(watched: Watched, tmp_path: Path, scheme: str):
    page = watched.page
    page.emulate_media(color_scheme=scheme)
    page.goto(of_neurons(tmp_path))
    names = ("paper", "raised", "edge", "accent", "faint", "ink")
    written = {name: f"var(--{name})" for name in names} | {"hit": "rgb(var(--hit))"}
    variables = {name: page.evaluate(COLOUR, colour) for name, colour in written.items()}
    for mark in ("edge", "accent", "hit"):
        assert contrast(variables[mark], variables["paper"]) >= 3
    for text in ("faint", "ink", "accent"):
        assert contrast(variables[text], variables["paper"]) >= 4.5
    assert contrast(variables["edge"], variables["raised"]) >= 3
    bar = [
        0.72 * a + 0.28 * b for a, b in zip(variables["accent"], variables["raised"], strict=True)
    ]
    assert contrast(bar, variables["raised"]) >= 3
    assert contrast(variables["ink"], bar) >= 3  # the interval that lies on it
    strongest = [
        0.45 * a + 0.55 * b for a, b in zip(variables["hit"], variables["paper"], strict=True)
    ]
    assert contrast(variables["ink"], strongest) >= 4.5


def contrast(one: list[float], other: list[float]) -> float:
    """The ratio that WCAG defines."""
    darker, lighter = sorted(map(luminance, (one, other)))
    return (lighter + 0.05) / (darker + 0.05)


def luminance(rgb: list[float]) -> float:
    linear = [
        v / 12.92 if v <= 0.04045 else ((v + 0.055) / 1.055) ** 2.4
        for v in (channel / 255 for channel in rgb)
    ]
    return sum(weight * v for weight, v in zip((0.2126, 0.7152, 0.0722), linear, strict=True))
