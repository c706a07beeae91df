"""A widget: HTML for a notebook's output, and a page of its own.

Everything that a widget shows is in its HTML. Its static part is read where no script may run, its
own few lines of script make it answer to the mouse and the keyboard, and where the page has the
script of circuitsvis, that draws it in full.
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
from tinyinterp.views.page import POLICY, json_block
from tinyinterp.views.widgets.script import carrier, script_element

HERE = Path(__file__).parent


@dataclass(frozen=True)
class Widget:
    """What :mod:`tinyinterp.view` gives: shown by a notebook, or saved as a page.

    Args:
        title: one line, shown above.
        static: what is shown where no script runs.
        data: what the script draws, as JSON; numbers in it are rounded already.
    """

    title: str
    static: Markup
    data: dict[str, Any]

    @property
    def html(self) -> str:
        """A fragment for any page, without the script of circuitsvis."""
        data = json_block(self.data)
        name = hashlib.sha256(f"{self.title}\n{self.static}\n{data}".encode()).hexdigest()[:12]
        return (
            f"<style>{_own('widget.css')}</style>"
            f'<figure class="tinyinterp-widget tex2jax_ignore mathjax_ignore" data-name="{name}">'
            f"<figcaption>{html.escape(self.title)}</figcaption>{self.static}</figure>"
            f'<script>({_own("widget.js")})("{name}",{data})</script>'
        )

    @property
    def page(self) -> str:
        """A page that holds all it needs."""
        return (
            '<!doctype html>\n<html lang="en"><head><meta charset="utf-8">'
            f'<meta http-equiv="Content-Security-Policy" content="{POLICY}">'
            '<meta name="viewport" content="width=device-width">'
            f"<title>{html.escape(self.title)}</title></head><body>\n"
            f"{script_element()}\n{self.html}\n</body></html>\n"
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

    def _repr_html_(self) -> str:
        brings = carrier.must_bring(current_execution())
        return (script_element() if brings else "") + self.html

    def __repr__(self) -> str:
        return f"<widget: {self.title}; shown by a notebook, or .save(path)>"


@cache
def _own(name: str) -> str:
    return (HERE / name).read_text("utf-8").strip()
