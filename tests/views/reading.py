"""Reading a page as a browser does, for the tests of pages."""

from __future__ import annotations

import json
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

LOADING = {"src", "href", "data", "action", "srcset", "poster", "background"}


class Page(HTMLParser):
    """Elements, visible text, scripts and styles of a page."""

    def __init__(self, path: Path) -> None:
        super().__init__(convert_charrefs=True)
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.text = ""
        self.scripts: list[str] = []
        self.styles: list[str] = []
        self._inside = ""
        self.feed(path.read_text("utf-8"))
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))
        self._inside = tag if tag in ("script", "style") else ""

    def handle_endtag(self, tag: str) -> None:  # noqa: ARG002 - the name is the parser's
        self._inside = ""

    def handle_data(self, data: str) -> None:
        if self._inside == "script":
            self.scripts.append(data)
        elif self._inside == "style":
            self.styles.append(data)
        else:
            self.text += data

    @property
    def data(self) -> Any:
        """What the page's script reads."""
        return json.loads(self.scripts[0])

    def outside_references(self) -> list[str]:
        """Whatever the page would load or link to beyond itself."""
        found = [
            value or ""
            for _, attributes in self.elements
            for name, value in attributes.items()
            if name in LOADING and not (value or "").startswith("#")
        ]
        styles = "".join(self.styles)
        return found + [word for word in ("@import", "url(") if word in styles]
