"""A widget: HTML for a notebook's output, and a page of its own.

Everything that a widget shows is in its HTML. Its static part is read where no script may run, its
own few lines of script make it answer to the mouse and the keyboard, and coloured tokens are drawn
by circuitsvis where the page has its script.
"""

from __future__ import annotations

import hashlib
import html
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from markupsafe import Markup

from tinyinterp.errors import OutputError
from tinyinterp.io.files import write_text
from tinyinterp.io.paths import expanded
from tinyinterp.views.execution import current_execution
from tinyinterp.views.page import INLINE_POLICY, json_block
from tinyinterp.views.widgets.script import carrier, script_element

HERE = Path(__file__).parent
# How a page says that it is dark: JupyterLab and Notebook, VS Code, Colab, Sphinx themes.
DARK = (
    '[data-jp-theme-light="false"]',
    ".vscode-dark",
    ".vscode-high-contrast:not(.vscode-high-contrast-light)",
    'html[theme="dark"]',
    'html[data-theme="dark"]',
)
# A page of our own has its reader's colours; a notebook has those of its theme, whatever they are.
PAGE_STYLE = (
    "body{margin:8px}@media (prefers-color-scheme:dark){body{background:#121317}%s}"
    "@media print{body{background:#fff}}"
)


@dataclass(frozen=True)
class Widget:
    """What :mod:`tinyinterp.view` gives: shown by a notebook, or saved as a page.

    Args:
        title: one line, shown above.
        static: what is shown where no script runs.
        data: what the script draws, as JSON; ``kind`` names the script, and numbers are rounded.
    """

    title: str
    static: Markup
    data: dict[str, Any]

    @property
    def html(self) -> str:
        """A fragment for any page, without the script of circuitsvis."""
        return self._fragment(html.escape(self.title))

    def _fragment(self, heading: str) -> str:
        data, kind = json_block(self.data), self.data["kind"]
        name = hashlib.sha256(f"{self.title}\n{self.static}\n{data}".encode()).hexdigest()[:12]
        return (
            f"<style>{_style()}</style>"
            f'<figure class="tinyinterp-widget tex2jax_ignore mathjax_ignore" data-name="{name}">'
            f"<figcaption>{heading}</figcaption>{self.static}</figure>"
            f'<script>({_own("widget.js")})("{name}",{data},{_own(f"{kind}.js")})</script>'
        )

    @property
    def page(self) -> str:
        """A page that holds all it needs."""
        title = html.escape(self.title)
        return (
            '<!doctype html>\n<html lang="en"><head><meta charset="utf-8">'
            f'<meta http-equiv="Content-Security-Policy" content="{INLINE_POLICY}">'
            '<meta name="viewport" content="width=device-width">'
            '<meta name="color-scheme" content="light dark">'
            f"<title>{title}</title><style>{_page_style()}</style></head>"
            f"<body>\n<main>{script_element() if self._circuitsvis else ''}\n"
            f"{self._fragment(f'<h1>{title}</h1>')}\n</main></body></html>\n"
        )

    def save(self, path: str | Path) -> Path:
        """Write :attr:`page`, whole or not at all; equal widgets give equal bytes.

        Raises:
            OutputError: ``path`` does not end in ``.html``, or the folder cannot be written.
        """
        target = expanded(path)
        if target.suffix.lower() not in (".html", ".htm"):
            raise OutputError(
                f"{target} does not end in .html; a widget is saved as a page, so name it .html"
            )
        write_text(target, self.page)
        return target

    @property
    def _circuitsvis(self) -> bool:
        """Whether circuitsvis draws a part of it."""
        return self.data["kind"] == "coloured"

    def _repr_html_(self) -> str:
        brings = self._circuitsvis and carrier.must_bring(current_execution())
        return (script_element() if brings else "") + self.html

    def __repr__(self) -> str:
        return f"<widget: {self.title}; shown by a notebook, or .save(path)>"


@cache
def _own(name: str) -> str:
    return (HERE / name).read_text("utf-8").strip()


@cache
def _style() -> str:
    dark = ",\n".join(f"{theme} .tinyinterp-widget" for theme in DARK)
    return _own("widget.css").replace("\nDARK {", f"\n{dark} {{")


@cache
def _page_style() -> str:
    """The dark colours of the style sheet, for a page whose reader prefers them."""
    sheet = _own("widget.css")
    dark = sheet[sheet.index("\nDARK {") :].split("}", 1)[0].removeprefix("\nDARK {")
    return PAGE_STYLE % f"body .tinyinterp-widget{{{dark}}}"
