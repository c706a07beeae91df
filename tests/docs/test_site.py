"""The site is whole, opens from disk and asks no network."""

from __future__ import annotations

import re
import runpy
from pathlib import Path
from typing import Literal

import pytest
import typer
from axe_playwright_python.sync_playwright import Axe
from browser import Watched
from playwright.sync_api import Browser, expect

import tinyinterp
from tinyinterp.cli.app import app
from tinyinterp.head_census import labels
from tinyinterp.model_account import ladder
from tinyinterp.neuron_census import labels as of_neurons
from train.cli.app import app as training

ROOT = Path(__file__).parents[2]
ColourScheme = Literal["light", "dark"]
OFFLINE = runpy.run_path(str(ROOT / ".ci" / "offline.py"))


def test_no_page_loads_anything_from_elsewhere(site: Path):
    assert list(OFFLINE["loads"](site)) == []


@pytest.mark.parametrize(
    ("name", "text", "address"),
    [
        ("a.html", '<script src="https://x.org/a.js"></script>', "https://x.org/a.js"),
        ("a.html", '<link rel="preload" href="//x.org/a">', "//x.org/a"),
        ("a.html", "<p style=\"background: url('http://x.org/a')\">", "http://x.org/a"),
        ("a.html", "<style>@import 'https://x.org/a';</style>", "https://x.org/a"),
        ("a.css", "@font-face { src: url(https://x.org/a.woff2) }", "https://x.org/a.woff2"),
    ],
)
def test_what_is_loaded_from_elsewhere_is_found(tmp_path: Path, name: str, text: str, address: str):
    (tmp_path / name).write_text(text, "utf-8")
    assert list(OFFLINE["loads"](tmp_path)) == [(tmp_path / name, address)]


def test_links_that_a_reader_may_follow_are_no_loads(tmp_path: Path):
    text = '<a href="https://x.org">x</a><link rel="canonical" href="https://x.org">'
    (tmp_path / "a.html").write_text(text, "utf-8")
    assert list(OFFLINE["loads"](tmp_path)) == []


def test_a_page_opens_from_disk_and_can_be_searched(watched: Watched, site: Path):
    page = watched.page
    page.goto((site / "index.html").as_uri())
    expect(page.locator("article h1")).to_contain_text("tinyinterp")
    page.locator(".md-search__input").fill("duplicate token")
    found = page.locator(".md-search-result__link").first
    expect(found).to_be_visible()
    found.click()
    expect(page.locator("article h1")).to_be_visible()
    assert page.url.startswith(site.as_uri())
    for other in ("api.html", "notebooks/07_account.html", "figures/index.html"):
        page.goto((site / other).as_uri())
        expect(page.locator("article h1")).to_be_visible()


def test_no_page_may_ask_a_network(watched: Watched, site: Path):
    pages = sorted(site.rglob("*.html"))
    assert len(pages) > 20
    for page in pages:
        assert page.read_text("utf-8").count("Content-Security-Policy") == 1, page
    watched.page.goto((site / "index.html").as_uri())
    address = "http://127.0.0.1:9/picture.png"
    refused = watched.page.evaluate(
        """address => new Promise(resolve => {
            document.addEventListener("securitypolicyviolation", e => resolve(e.blockedURI));
            document.body.append(Object.assign(document.createElement("img"), {src: address}));
        })""",
        address,
    )
    assert refused == address
    assert watched.requests == [address]  # asked for, and refused
    watched.requests.clear()
    watched.complaints.clear()


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_pages_can_be_used_by_everyone(browser: Browser, site: Path, scheme: ColourScheme):
    with browser.new_context(color_scheme=scheme) as context:
        page = context.new_page()
        for name in ("index", "labels", "commands", "api", "notebooks/02_heads", "figures/index"):
            page.goto((site / f"{name}.html").as_uri())
            expect(page.locator("article h1")).to_be_visible()
            assert [v["id"] for v in Axe().run(page).response["violations"]] == [], name


def test_the_reference_has_every_command(site: Path):
    commands = runpy.run_path(str(ROOT / "docs" / "site" / "commands.py"))
    page = (site / "commands.html").read_text("utf-8")
    names = [
        name
        for application, first in ((app, "tinyinterp"), (training, "tinyinterp train"))
        for name, _ in commands["_commands"](typer.main.get_command(application), first)
    ]
    assert len(names) > 20
    for name in names:
        assert f'id="{name.replace(" ", "-")}"' in page, name


def test_the_reference_has_every_public_name(site: Path):
    page = (site / "api.html").read_text("utf-8")
    for name in set(tinyinterp.__all__) - {"__version__"}:
        assert re.search(rf'id="tinyinterp\.(?:[\w.]+\.)?{name}(?:\.\w+)?"', page), name
    assert ":func:" not in page
    assert ":class:" not in page


def test_a_notebook_has_its_words_code_and_a_picture(site: Path):
    page = (site / "notebooks" / "02_heads.html").read_text("utf-8")
    assert "shown without its outputs" in page
    assert 'src="../figures/heads_by_kind.png"' in page
    assert "by position or by meaning?" in page


def test_the_page_of_labels_has_the_thresholds_of_the_code():
    text = " ".join((ROOT / "docs" / "labels.md").read_text("utf-8").split())
    heads, neurons = labels.THRESHOLDS, of_neurons.THRESHOLDS
    for said in (
        f"I ≥ {heads.induction:g}",
        f"D ≥ {heads.duplicate:g}",
        f"S ≥ {heads.sink:g}",
        f"C < {heads.contrast:g}",
        f"max(F, V) ≥ {heads.positional:g}",
        f"max(F, V) ≤ {heads.semantic:g}",
        f"lift is at least {heads.lift:g}, the lower end of its interval is above "
        f"{heads.lift_low:g}, and it explains at least {heads.tells:.1%}".replace("%", " %"),
        f"fewer than {heads.sequences} TEST sequences",
        f"over the variance ≥ {neurons.position:g}",
        f"three most frequent types ≥ {neurons.share:g}",
        f"share ≥ {neurons.share:g}, lift ≥ {neurons.lift:g}, at least {neurons.types} types",
        f"fewer than {neurons.hits} hits",
        f"of at least {ladder.THRESHOLDS.keeps:g}".replace("0.", "."),
        f"r² of at least {ladder.THRESHOLDS.r2:g}".replace("0.", "."),
    ):
        assert said in text, said
