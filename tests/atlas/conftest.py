from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from browser import Watched, chromium
from playwright.sync_api import Browser

from tests.atlas.examples import make_atlas, write_census
from tinyinterp.atlas import write_atlas


@pytest.fixture(scope="session")
def neuron_census(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A census of neurons, not to be changed."""
    return write_census(tmp_path_factory.mktemp("census"))


@pytest.fixture(scope="session")
def site(tmp_path_factory: pytest.TempPathFactory, neuron_census: Path) -> Path:
    """A finished atlas, not to be changed."""
    folder = tmp_path_factory.mktemp("site")
    write_atlas(make_atlas(neuron_census), folder)
    return folder


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """The system's Chromium."""
    with chromium() as opened:
        yield opened


@pytest.fixture
def watched(browser: Browser) -> Iterator[Watched]:
    """A fresh page that must not have asked the network nor complained."""
    with browser.new_context() as context:
        page = Watched(context.new_page())
        page.page.set_default_timeout(20_000)
        yield page
    assert page.requests == []
    assert page.complaints == []
