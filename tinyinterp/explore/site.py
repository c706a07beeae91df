"""The files of the page: its own modules, and the style and helpers that all pages share."""

from __future__ import annotations

from pathlib import Path

from tinyinterp.views.page import read_script, style_sheet

STATIC = Path(__file__).parent / "static"
SHARED = ("dom", "names", "reach", "plots")  # scripts of views/templates, before the modules
KINDS = {".js": "text/javascript", ".css": "text/css", ".html": "text/html"}


def files() -> dict[str, tuple[str, bytes]]:
    """By name: the type of a file, and what is in it."""
    own = {path.name: path.read_text("utf-8") for path in sorted(STATIC.iterdir())}
    shared = {f"{name}.js": read_script(name) for name in SHARED}
    found = own | shared | {"page.css": style_sheet()}
    return {name: (KINDS[Path(name).suffix], text.encode()) for name, text in found.items()}


def page(token: str) -> bytes:
    """The page, which asks for its files with the token."""
    return (STATIC / "explore.html").read_text("utf-8").replace("TOKEN", token).encode()
