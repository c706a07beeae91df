"""An atlas with an account: what its pages say, and which accounts are taken."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from axe_playwright_python.sync_playwright import Axe
from browser import Watched
from models import STORIES, tiny_checkpoint
from playwright.sync_api import Browser, expect

import tinyinterp
from tests.atlas.examples import HEAD_NEEDS, NEURON_NEEDS, NEURONS
from tests.atlas.test_browser import PHONE, visit
from tests.atlas.test_site import read
from tests.views.examples import HOSTILE
from tinyinterp.errors import SelectionError
from tinyinterp.io.table import Table
from tinyinterp.model_account import AccountSettings, ModelAccount, take_account
from tinyinterp.model_account.finished import read_account
from tinyinterp.views.account_data import linked_neurons, needs_words

ALL = ("index.html", "head.html#L1H0", "head.html#L1H1", "neuron.html#L0N130", "neuron.html#L0N4",
       "layer.html#0", "layer.html#0:needs token")  # fmt: skip
SETTINGS = AccountSettings(test_tokens=300, effect_tokens=120, exact_neurons=0)


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> tinyinterp.Model:
    return tinyinterp.load(tiny_checkpoint(tmp_path_factory.mktemp("tiny") / "model").folder)


@pytest.fixture(scope="module")
def taken(model: tinyinterp.Model) -> ModelAccount:
    random = np.random.default_rng(0)
    words = " ".join(STORIES).split()
    stories = [" ".join(random.choice(words, size=11)) for _ in range(47)]
    return take_account(model, model.corpus(stories), SETTINGS)


def test_an_account_is_read_as_it_was_written(
    model: tinyinterp.Model, taken: ModelAccount, tmp_path: Path
):
    taken.write(tmp_path)
    found = read_account(tmp_path, model)
    assert found.notes == taken.table.notes
    assert [row["nats"] for row in found.rows] == taken.table["nats"]
    assert len(found.heads) == model.config.n_layers * model.config.n_heads
    assert len(found.neurons) == model.config.n_layers * model.config.d_mlp
    assert (
        found.neurons[2, 30]["effect_token"]
        == taken.neurons.row(layer=2, neuron=30)["effect_token"]
    )
    assert [row["keeps"] for row in found.layers] == [
        None if row["keeps"] != row["keeps"] else row["keeps"] for row in taken.layers
    ]
    assert found.heads[1, 0]["drawn_to"] == taken.heads.row(layer=1, head=0)["drawn_to"]


def test_an_account_of_another_model_and_a_folder_without_one_are_refused(
    model: tinyinterp.Model, taken: ModelAccount, tmp_path: Path
):
    with pytest.raises(SelectionError, match="is not a table of an account; make one with"):
        read_account(tmp_path, model)
    other = taken.table.notes | {"fingerprint": "another"}
    tables = (taken.table, taken.heads, taken.neurons, taken.layers)
    for table in tables:
        Table(table.name, list(table), notes=other).write(tmp_path)
    with pytest.raises(SelectionError, match="is of the model 'another', not of"):
        read_account(tmp_path, model)


def test_data_files_hold_the_account(accounted: Path):
    index = read(accounted, "index")
    assert tuple(row["needs"] for row in index["heads"]) == HEAD_NEEDS
    assert index["heads"][1]["needs_words"] == ["tokens", "keeps 0.23"]
    assert [row["needs"]["token"] for row in index["neurons"]] == [27, 1]  # of 131 and of 5
    assert len(index["account"]["rows"]) == 20
    assert read(accounted, "layer-0")["neurons"][3][9] == NEURON_NEEDS[3]
    head = read(accounted, "head-0.1")
    assert head["account"]["drawn_to"] == [" dog", HOSTILE]
    assert head["linked"]["writes_to"]["count"] == sum(NEURONS)
    assert head["linked"]["writes_to"]["first"][:2] == ["0.0", "0.1"]
    chunk = read(accounted, "neurons-0-1")
    row = dict(zip(chunk["account_columns"], chunk["neurons"][2]["account"], strict=True))
    assert row["neuron"] == 130
    assert row["r2_predecessor_high"] == pytest.approx(0.45)


def test_without_an_account_nothing_is_said_of_one(site: Path, accounted: Path):
    for name in ("index", "layer-0", "neurons-0-0", "head-0.0"):
        with_it, without = read(accounted, name), read(site, name)
        assert "account" not in without
        if name == "index":
            del with_it["account"]
        assert with_it != without


def test_a_cell_of_the_map_says_what_the_needed_rung_keeps():
    kept = {"keeps_position": 0.1, "keeps_tokens": 0.6123, "keeps_predecessor": 0.5}
    assert needs_words({"needs": "context", **kept}) == ("context", "keeps 0.61")
    assert needs_words({"needs": "", **kept}) == ("no effect", "")


def test_a_neuron_that_a_head_reads_in_two_ways_is_listed_once():
    rows = [
        {"layer": 0, "neuron": 5, "written_by": ["0.2", "0.1"], "read_by": ["K 1.1", "V 1.1"]},
        {"layer": 0, "neuron": 3, "written_by": ["0.1"], "read_by": []},
    ]
    found = linked_neurons(rows)
    assert found["1.1"]["reads"] == {"count": 1, "first": ["0.5"]}
    assert found["0.1"]["writes_to"] == {"count": 2, "first": ["0.3", "0.5"]}  # its first name


def test_the_page_of_a_head_says_what_it_needs_and_links_what_it_reads(
    watched: Watched, accounted: Path
):
    page = watched.page
    visit(page, accounted, "head.html#L0H1")
    said = page.inner_text("p.about")
    assert said.startswith("semantic (where it looks); for the loss it needs tokens · ")
    tables = page.locator("table.rows")
    assert tables.nth(0).locator("tbody th").all_inner_texts() == [
        "position", "tokens", "predecessor", "trigram"]  # fmt: skip
    assert tables.nth(0).locator("strong").all_inner_texts() == ["tokens"]
    assert tables.nth(0).locator("tbody tr").nth(0).inner_text().endswith("-0.15 to -0.05")
    assert page.locator(".gauge .fill").nth(0).evaluate("(bar) => bar.style.width") == "0%"
    visit(page, accounted, "head.html#L1H0")
    page.locator("dd a", has_text="L0H2").first.click()
    expect(page.locator("h1")).to_have_text("Head L0H2")


def test_a_head_without_effect_has_no_shares_to_keep(watched: Watched, accounted: Path):
    visit(watched.page, accounted, "head.html#L1H1")
    assert "mean ablation does not raise the loss" in watched.page.inner_text("p.about")
    assert "there is nothing to keep" in watched.page.inner_text("main")


def test_the_page_of_a_neuron_has_its_ladder_and_rules(watched: Watched, accounted: Path):
    page = watched.page
    visit(page, accounted, "neuron.html#L0N3")
    assert "predicting it needs the token and the one before it" in page.inner_text("p.about")
    rungs = page.locator("table.rows").first.locator("tbody th").all_inner_texts()
    assert rungs == ["position", "token", "predecessor", "trigram", "tag", "tag pair"]
    assert page.locator("ol.rules li").inner_text() == f"a [{HOSTILE}]"
    assert "Together they reach F1 0.60 on TEST" in page.inner_text("main")
    visit(page, accounted, "neuron.html#L0N0")
    assert page.locator("ol.rules").count() == 0
    visit(page, accounted, "neuron.html#L0N4")
    assert "its activation is constant" in page.inner_text("p.about")


def test_the_page_of_a_neuron_has_examples_of_its_whole_range(watched: Watched, site: Path):
    visit(watched.page, site, "neuron.html#L0N7")
    bands = watched.page.locator("h3.band").all_inner_texts()
    top = "top · at least three quarters of the largest activation · 50 %"
    assert bands == [top, "below zero · 50 %"]
    assert watched.page.locator("h3.band + ol li").count() == 4


def test_the_overview_switches_between_kinds_and_needs(watched: Watched, accounted: Path):
    page = watched.page
    visit(page, accounted, "index.html")
    assert page.locator("table", has_text="both at once").locator("tbody tr").count() == 16
    cells = page.locator(".map td a")
    assert "kind-positional" in (cells.first.get_attribute("class") or "")
    page.get_by_role("button", name="needs").first.click()
    classes = cells.evaluate_all("all => all.map((one) => one.className)")
    assert classes == [f"needs-{needs or 'none'}" for needs in HEAD_NEEDS]
    page.get_by_role("button", name="needs").last.click()
    page.locator("table a", has_text="27").first.click()
    expect(page.locator("h1")).to_have_text("Layer 0")
    rungs = page.locator("section", has_text="All neurons at once").locator("tbody tr")
    assert rungs.count() == 4
    shown = page.locator(".filters [role=status]")
    assert shown.inner_text().startswith("2")
    assert set(page.locator("#neurons tbody tr:visible td:nth-child(3)").all_inner_texts()) == {
        NEURON_NEEDS[0]}  # fmt: skip


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("name", ALL)
def test_accessible_without_markup_and_no_wider_than_a_phone(
    browser: Browser, accounted: Path, name: str, scheme: str
):
    with browser.new_context(color_scheme=scheme, viewport=PHONE) as context:
        page = context.new_page()
        visit(page, accounted, name)
        if name == "index.html":
            for button in page.get_by_role("button", name="needs").all():
                button.click()
        found = Axe().run(page, options={"preload": False}).response["violations"]
        assert [(one["id"], one["nodes"][0]["html"]) for one in found] == []
        assert page.evaluate("document.documentElement.scrollWidth") <= PHONE["width"]
        assert page.locator("img").count() == 0
