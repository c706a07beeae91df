from __future__ import annotations

import base64
from pathlib import Path

import pytest
from axe_playwright_python.sync_playwright import Axe
from browser import Watched

from tests.views.account_examples import LADDER, make_account
from tests.views.examples import HOSTILE
from tests.views.reading import Page
from tinyinterp.views import style
from tinyinterp.views.account_data import NEEDS_ORDER
from tinyinterp.views.account_page import SHOWN_HEADS, write_account_page
from tinyinterp.views.page import short


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return write_account_page(make_account(), tmp_path / "account.html")


@pytest.fixture
def page(watched: Watched, path: Path) -> Watched:
    watched.page.goto(path.as_uri())
    return watched


def test_page_loads_nothing_and_hostile_text_stays_text(path: Path) -> None:
    page = Page(path)
    assert page.outside_references() == []
    policy = next(a for t, a in page.elements if t == "meta" and "http-equiv" in a)
    assert (policy["content"] or "").startswith("default-src 'none'")
    assert "img" not in {tag for tag, _ in page.elements}
    assert f"Account of tiny {HOSTILE}" in page.text  # the title
    assert len(page.scripts) == 2  # data, ours: no text ended one of them


def test_data_is_the_account(path: Path) -> None:
    account, data = make_account(), Page(path).data
    rows = [row for row in account.table if row["rung"] not in ("means", "1-gram")]
    assert [row["loss_recovered_unigram"] for row in data["rows"]] == [
        short(row["loss_recovered_unigram"]) for row in rows
    ]
    costs = sorted(account.heads["ablation_loss_increase"], reverse=True)
    assert [row["cost"][0] for row in data["heads"]] == [short(c) for c in costs[:SHOWN_HEADS]]
    for head in data["heads"]:
        row = account.heads.row(layer=head["layer"], head=head["head"])
        keeps = head["ladder"]["bars"][1]
        assert keeps["name"] == "keeps"
        assert [cell[0] for cell in keeps["values"]] == [
            short(row[f"keeps_{rung}"]) for rung in head["ladder"]["rungs"][:LADDER]
        ]
    for name, table in (("heads", account.heads), ("neurons", account.neurons)):
        counted = data["needs"][name]["layers"]
        assert sum(sum(counts) for _, *counts in counted) == len(table)
        assert counted[2][1] == sum(
            row["layer"] == 2 and row["needs"] == "position" for row in table
        )
    svg = base64.b64decode(data["picture"].split(",")[1])
    assert svg.startswith(b"<?xml")
    assert HOSTILE.encode() not in svg


def test_twice_the_same_bytes(path: Path, tmp_path: Path) -> None:
    again = write_account_page(make_account(), tmp_path / "again.html")
    assert again.read_bytes() == path.read_bytes()
    assert len(again.read_bytes()) < 400_000  # style, scripts and picture included


def test_every_need_has_a_colour() -> None:
    assert set(style.NEEDS_COLOURS) == set(NEEDS_ORDER)


def test_the_page_shows_the_account(page: Watched) -> None:
    seen = page.page
    assert "(gist) recovers 0.15 of the way" in seen.inner_text("main")
    widths = (
        seen.locator("table")
        .first.locator("td span span")
        .evaluate_all("all => all.map((one) => one.getBoundingClientRect().width)")
    )
    assert len(widths) == 5 * 3 + 4
    assert widths[:5] == pytest.approx([18, 54, 90, 126, 162], abs=0.1)
    picture = seen.locator("img")
    assert picture.count() == 1
    assert picture.evaluate("one => one.naturalWidth") > 400
    heads = seen.locator(".card > div")
    assert heads.count() == SHOWN_HEADS
    assert heads.locator("svg").count() == SHOWN_HEADS
    assert HOSTILE in heads.first.inner_text()
    assert "costs nothing to ablate" in heads.last.inner_text()
    assert "not known" in (heads.last.locator("svg").get_attribute("aria-label") or "")
    assert "NaN" not in seen.inner_text("main")


def test_the_bars_of_a_ladder_stand_where_its_shares_are(page: Watched) -> None:
    first = page.page.locator(".card > div svg").first
    boxes = first.locator("rect").evaluate_all(
        "all => all.map((one) => [one.y.baseVal.value, one.height.baseVal.value])"
    )
    assert len(boxes) == 5 + 3  # explained by every rung, kept by those that a head can need
    lowest = -1 / 3 - 0.05
    scale = 112 / (1 - lowest)  # pixels of a whole share
    heights = [height / scale for _, height in boxes]
    expected = [0.2, 0.4, 0.6, 0.8, 1, 1 / 3, 0, 1 / 3]
    assert heights == pytest.approx(expected, abs=0.001)
    zero = 8 + scale
    assert [y + height for y, height in boxes[:5]] == pytest.approx([zero] * 5, abs=0.05)
    assert boxes[5][0] == pytest.approx(zero, abs=0.05)  # below the axis


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_no_finding_of_an_accessibility_check(page: Watched, scheme: str) -> None:
    page.page.emulate_media(color_scheme=scheme)
    page.page.reload()
    found = Axe().run(page.page, options={"preload": False}).response["violations"]
    assert [(one["id"], one["nodes"][0]["html"]) for one in found] == []
    page.page.set_viewport_size({"width": 360, "height": 740})
    assert page.page.evaluate("document.documentElement.scrollWidth") <= 360
