"""Says of built pages what they would load from a network: `python .ci/offline.py build/site`.

Links that a reader may follow are no loads. In scripts only whole addresses of further scripts and
styles count: a test opens the site in a browser and sees what is really asked for.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path

LOADING = {  # elements, and the attribute of what they load
    "audio": "src",
    "embed": "src",
    "iframe": "src",
    "img": "src",
    "link": "href",
    "object": "data",
    "script": "src",
    "source": "src",
    "video": "src",
}
NOT_LOADED = {"canonical", "next", "prev", "alternate", "license"}  # relations of a <link>
ELSEWHERE = re.compile(r"^\s*(?:https?:)?//", re.IGNORECASE)
IN_STYLES = re.compile(r"(?:url\(\s*|@import\s+)['\"]?((?:https?:)?//[^'\")\s]+)", re.IGNORECASE)


class _Loads(HTMLParser):
    """Gathers the addresses that a page loads."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """See :class:`HTMLParser`."""
        given = dict(attrs)
        address = given.get(LOADING.get(tag, "")) or ""
        relations = set((given.get("rel") or "").split())
        if ELSEWHERE.match(address) and not (tag == "link" and relations & NOT_LOADED):
            self.found.append(address)
        self.found += IN_STYLES.findall(given.get("style") or "")


def loads(folder: Path) -> Iterator[tuple[Path, str]]:
    """Each file below a folder that loads something from elsewhere, and what."""
    for path in sorted(folder.rglob("*")):
        if path.suffix == ".html":
            parser = _Loads()
            text = path.read_text("utf-8")
            parser.feed(text)
            inside = re.findall(r"<style[^>]*>(.*?)</style>", text, re.DOTALL)
            found = parser.found + [a for style in inside for a in IN_STYLES.findall(style)]
            yield from ((path, address) for address in found)
        elif path.suffix == ".css":
            found = IN_STYLES.findall(path.read_text("utf-8"))
            yield from ((path, address) for address in found)


if __name__ == "__main__":
    folder = Path(sys.argv[1])
    if not (folder / "index.html").is_file():
        sys.exit(f"{folder} holds no index.html; build the site first: make docs")
    if found := [f"{path}: loads {address}" for path, address in loads(folder)]:
        sys.exit("\n".join(found))
