"""Chromium for tests: where it lies, and a page that remembers what it loaded and said."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

import pytest
from playwright.sync_api import Browser, ConsoleMessage, Page, expect, sync_playwright

PATIENCE = 20_000  # milliseconds that a busy machine may take
NEEDED = "TINYINTERP_NEEDS_CHROMIUM"  # set where a missing browser is a failure


@contextmanager
def chromium() -> Iterator[Browser]:
    """The system's Chromium; without one the test is skipped, or fails where one is needed."""
    path = shutil.which("chromium") or shutil.which("chromium-browser")
    if path is None:
        missing = "no chromium is installed (Debian: apt-get install chromium)"
        if os.environ.get(NEEDED):
            pytest.fail(missing)
        pytest.skip(missing)  # pip installs no browser on a laptop; .ci/run sets NEEDED: it fails
    expect.set_options(timeout=PATIENCE)
    with sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=path, args=["--no-sandbox"])
        try:
            yield browser
        finally:
            browser.close()


@dataclass
class Watched:
    """A page, and what it should not have done."""

    page: Page
    requests: list[str] = field(default_factory=list)  # beyond the disk
    complaints: list[str] = field(default_factory=list)  # on the console, or exceptions

    def __post_init__(self) -> None:
        self.page.on("request", lambda request: self._request(request.url))
        self.page.on("console", self._console)
        self.page.on("pageerror", lambda error: self.complaints.append(str(error)))
        self.page.on("dialog", lambda dialog: self.complaints.append(f"dialog {dialog.message}"))

    def _request(self, url: str) -> None:
        if not url.startswith(("file:", "data:")):
            self.requests.append(url)

    def _console(self, message: ConsoleMessage) -> None:
        if message.type in ("error", "warning"):
            self.complaints.append(message.text)
