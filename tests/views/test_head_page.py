from __future__ import annotations

import math
from dataclasses import replace
from pathlib import Path

import pytest
from axe_playwright_python.sync_playwright import Axe
from browser import Watched
from playwright.sync_api import expect

from tests.views.examples import HOSTILE, Census, full_row, make_census
from tests.views.reading import Page
from tests.views.test_quantise import unpack
from tinyinterp.io.table import Table
from tinyinterp.views.head_page import write_head_page
from tinyinterp.views.needs import NO_ACCOUNT
from tinyinterp.views.quantise import STEPS


def test_page_loads_nothing_from_outside(tmp_path: Path, census: Census) -> None:
    page = Page(write_head_page(census, tmp_path / "heads.html"))
    assert page.outside_references() == []
    policy = next(a for t, a in page.elements if t == "meta" and "http-equiv" in a)
    assert (policy["content"] or "").startswith("default-src 'none'")


def test_hostile_text_stays_text(tmp_path: Path, census: Census) -> None:
    page = Page(write_head_page(census, tmp_path / "heads.html"))
    assert "img" not in {tag for tag, _ in page.elements}
    assert f"Attention heads of model {HOSTILE}" in page.text  # the title
    assert len(page.scripts) == 2  # data, ours: no text ended one of them


def test_data_is_the_census(tmp_path: Path, census: Census) -> None:
    data = Page(write_head_page(census, tmp_path / "heads.html")).data
    n = len(census.example_tokens)
    assert data["stories"]["stories"] == [list(census.example_tokens)]
    assert [(h["row"]["layer"], h["row"]["head"]) for h in data["heads"]] == [
        (row["layer"], row["head"]) for row in census.table
    ]
    assert data["heads"][0]["row"]["value"] is None  # what is not a number
    for head in data["heads"]:
        layer, number = head["row"]["layer"], head["row"]["head"]
        pattern = census.example_patterns[layer][number]
        (packed,) = head["patterns"]
        assert abs(unpack(packed, n) - pattern).max() <= 1 / STEPS
        for offset, weight in enumerate(census.profiles[layer, number]):
            assert math.isclose(head["profile"][offset], weight, rel_tol=1e-3)


def test_twice_the_same_bytes(tmp_path: Path, census: Census) -> None:
    one = write_head_page(census, tmp_path / "one.html").read_bytes()
    assert one == write_head_page(census, tmp_path / "two.html").read_bytes()
    assert len(one) < 300_000  # style and scripts included


NEEDS = ("tokens", "position", "context", "", "predecessor")  # by head
SHARES = {"keeps": 0.9, "keeps_low": 0.8, "keeps_high": 1.0, "keeps_tokens": 0.9}


def test_without_an_account_the_page_says_how_to_get_one(page: Watched) -> None:
    assert page.page.inner_text("p.needs") == NO_ACCOUNT
    assert page.page.locator("[class*=needs-]").count() == 0


def test_with_an_account_kind_and_need_stand_side_by_side(watched: Watched, tmp_path: Path) -> None:
    census = make_census(3, 5, 7)
    rows = [
        full_row(row["layer"], row["head"], "positional", needs=NEEDS[row["head"]], **SHARES)
        for row in census.table
    ]
    whole = replace(census, table=Table("heads", rows, notes={"rule": "evidence"}))
    seen = watched.page
    seen.goto(write_head_page(whole, tmp_path / "heads.html").as_uri())
    said = seen.locator("p.needs")
    expect(said).to_have_text("positional (where it looks); for the loss it needs tokens")
    assert "which keep 0.90 (0.80 to 1.00) of its effect" in seen.inner_text("section.chosen")
    assert seen.locator("table.rows tbody .needs-context").count() == 3
    assert seen.locator(".map a.kind-positional").count() == 15
    seen.get_by_role("button", name="needs", exact=True).first.click()
    assert seen.locator(".map a.needs-context").count() == 3
    assert seen.locator(".map a[aria-current]").get_attribute("href") == "#L0H0"
    seen.click('.map a[href="#L1H3"]')
    expect(said).to_have_text("positional (where it looks); mean ablation does not raise the loss")
    assert seen.locator(".map a[aria-current]").get_attribute("href") == "#L1H3"
    found = Axe().run(seen, options={"preload": False}).response["violations"]
    assert [(one["id"], one["nodes"][0]["html"]) for one in found] == []


@pytest.fixture
def page(watched: Watched, tmp_path: Path) -> Watched:
    """The page of three layers of five heads, opened."""
    census = make_census(3, 5, 7)
    rows = [
        full_row(row["layer"], row["head"], row["kind"], role=row["role"], contrast=row["contrast"])
        for row in census.table
    ]
    notes = {"text": HOSTILE, "rule": "evidence", "thresholds": {"sink": 0.9}}
    whole = replace(census, table=Table("heads", rows, notes=notes))
    path = write_head_page(whole, tmp_path / "heads.html", [("map", ["kinds.png", "kinds.svg"])])
    watched.page.goto(path.as_uri())
    return watched


def test_every_head_is_in_the_map_and_in_the_table(page: Watched) -> None:
    seen = page.page
    links = "all => all.map((a) => a.getAttribute('href'))"
    names = [f"#L{layer}H{head}" for layer in range(3) for head in range(5)]
    assert seen.locator(".map a").evaluate_all(links) == names
    assert seen.locator("table.rows tbody th a").evaluate_all(links) == names
    assert seen.locator("p.caption a").evaluate_all(links) == ["kinds.png", "kinds.svg"]
    assert f"few stories {HOSTILE}" in seen.inner_text(".warning")
    assert "NaN" not in seen.inner_text("main")


def test_a_chosen_head_is_shown_with_its_pattern(page: Watched) -> None:
    seen = page.page
    expect(seen.locator("section.chosen > h2")).to_contain_text("Head L0H0 positional")
    seen.click('.map a[href="#L1H2"]')
    expect(seen.locator("section.chosen > h2")).to_contain_text("Head L1H2")
    assert seen.locator(".map a[aria-current]").get_attribute("href") == "#L1H2"
    seen.locator(".story button").nth(4).hover()
    expect(seen.locator(".readout")).to_contain_text("\\x00 (4) looks at: ")
    assert seen.locator(".matrix .rows span").all_inner_texts()[1] == "\u2423$x^2$"
    seen.go_back()
    expect(seen.locator("section.chosen > h2")).to_contain_text("Head L0H0")


def test_arrow_keys_walk_through_the_map(page: Watched) -> None:
    seen = page.page
    seen.focus('.map a[href="#L1H2"]')
    for key, head in (("ArrowDown", "L2H2"), ("ArrowLeft", "L2H1"), ("ArrowDown", "L2H1")):
        seen.keyboard.press(key)
        expect(seen.locator("section.chosen > h2")).to_contain_text(f"Head {head}")


def test_a_heading_sorts_with_what_is_missing_last(page: Watched) -> None:
    seen = page.page
    table = seen.locator("table.rows").last
    heading = table.get_by_role("button", name="C", exact=True)
    at = "row => row.cells[8].textContent"
    for direction in ("ascending", "descending"):
        heading.click()
        assert table.locator(f"th[aria-sort={direction}]").count() == 1
        cells = [line.evaluate(at) for line in table.locator("tbody tr").all()]
        assert cells == ["0.25"] * 12 + ["\u2013"] * 3  # contrast of each layer's head 0
    table.get_by_role("button", name="head", exact=True).click()
    assert table.locator("tbody th").first.inner_text() == "L0H0"


def test_terms_are_explained_where_the_mouse_rests(page: Watched) -> None:
    seen = page.page
    heading = seen.locator("th", has_text="F").and_(seen.locator("[title^='The share of the']"))
    assert heading.count() == 1
    assert seen.locator("section.chosen .chip[title^='Positions alone']").count() == 1
    assert seen.locator("dl.terms dt", has_text="equivariance").count() == 1


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_no_finding_of_an_accessibility_check(page: Watched, scheme: str) -> None:
    page.page.emulate_media(color_scheme=scheme)
    page.page.reload()
    found = Axe().run(page.page, options={"preload": False}).response["violations"]
    assert [(one["id"], one["nodes"][0]["html"]) for one in found] == []
    page.page.set_viewport_size({"width": 360, "height": 740})
    assert page.page.evaluate("document.documentElement.scrollWidth") <= 360
