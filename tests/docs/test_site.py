"""The site is whole, opens from disk and asks no network."""

from __future__ import annotations

import runpy
from pathlib import Path

import pytest
from browser import Watched
from playwright.sync_api import expect

ROOT = Path(__file__).parents[2]
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
