"""Pages that open from disk with no network: one HTML file each, style, script and data inside."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from tinyinterp.io.files import write_text
from tinyinterp.views import style

TEMPLATES = Path(__file__).parent / "templates"
# What a page may load: nothing. Its own style and script are inside, pictures are made by script.
POLICY = (
    "default-src 'none'; script-src 'unsafe-inline'; style-src 'unsafe-inline'; "
    "img-src data: blob:; base-uri 'none'; form-action 'none'"
)


def write_page(path: Path, template: str, data: Any, **values: Any) -> Path:
    """Fill ``template`` and write it, whole or not at all.

    Args:
        template: a file of ``templates/``; everything put into it is escaped.
        data: what the page's script reads, as JSON.
        values: what the template itself reads.

    Raises:
        OutputError: the folder cannot be written.
    """
    page = _environment().get_template(template)
    write_text(path, page.render(policy=POLICY, data=json_block(data), **values))
    return path


def json_block(data: Any) -> Markup:
    r"""JSON that is safe inside of a script element: no text in it can end the element.

    Numbers that are not finite become null.

    >>> str(json_block(["</script>", float("nan")]))
    '["\\u003c/script\\u003e",null]'
    """
    text = json.dumps(_plain(data), separators=(",", ":"), allow_nan=False)
    for character in "<>&":
        text = text.replace(character, f"\\u{ord(character):04x}")
    return Markup(text)  # noqa: S704 - escaped just above


def kind_styles(colours: dict[str, str]) -> dict[str, dict[str, str]]:
    """Background and text colour of each kind, for style sheets."""
    return {kind: {"colour": c, "ink": style.ink_on(c)} for kind, c in colours.items()}


def _plain(value: Any) -> Any:
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, dict):
        return {key: _plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(item) for item in value]
    return value


def _environment() -> Environment:
    environment = Environment(
        loader=FileSystemLoader(TEMPLATES),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["number"] = style.number
    environment.filters["thousands"] = style.thousands
    environment.globals["interval"] = style.interval
    environment.globals["file"] = _own_file
    return environment


def _own_file(name: str) -> Markup:
    """A style sheet or script of this package, as it is."""
    return Markup((TEMPLATES / name).read_text("utf-8"))  # noqa: S704 - our own file
