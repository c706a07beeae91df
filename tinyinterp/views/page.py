"""Pages that open from disk with no network, all from one template, style sheet and set of scripts.

A page of its own (``heads.html``) holds style, scripts and data in one file; the pages of an atlas
share theirs and load data as they need it.
"""

from __future__ import annotations

import base64
import hashlib
import json
import math
from functools import cache
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from tinyinterp.io.files import write_text
from tinyinterp.views import style

TEMPLATES = Path(__file__).parent / "templates"
SCRIPTS = (
    "dom",
    "names",
    "reach",
    "plots",
    "account_parts",
    "head_parts",
    "neuron_parts",
)  # of every page, in this order
# What a page of its own may load: nothing. Its style and script are inside, named by their hashes,
# so that no other text on the page can ever run.
POLICY = (
    "default-src 'none'; script-src {script}; style-src {style}; img-src data:; "
    "base-uri 'none'; form-action 'none'"
)
# As widgets and figures have it, whose markup is written by the libraries that draw them.
INLINE_POLICY = (
    "default-src 'none'; script-src 'unsafe-inline'; style-src 'unsafe-inline'; "
    "img-src data: blob:; base-uri 'none'; form-action 'none'"
)


def write_page(path: Path, script: str, data: dict[str, Any]) -> Path:
    """Write a page of its own, whole or not at all.

    Args:
        script: of ``templates/``, without its suffix; it draws the page.
        data: what it reads, as JSON; ``title`` is also that of the page.

    Raises:
        OutputError: the folder cannot be written.
    """
    # Our own files, which hold no markup:
    scripts = Markup("\n").join(Markup(read_script(name)) for name in (*SCRIPTS, script))  # noqa: S704
    sheet = Markup(style_sheet())  # noqa: S704
    page = render_page(
        site=None,
        policy=Markup(POLICY.format(script=_source(scripts), style=_source(sheet))),  # noqa: S704
        title=data["title"],
        style=sheet,
        script=scripts,
        data=json_block(data),
    )
    write_text(path, page)
    return path


def render_page(**values: Any) -> str:
    """The template, filled; everything put into it is escaped."""
    return _environment().get_template("page.html").render(**values)


def read_script(name: str) -> str:
    """A script that pages share."""
    return (TEMPLATES / f"{name}.js").read_text("utf-8")


def style_sheet() -> str:
    """The style of all pages, with the colours of kinds and of attention."""
    kinds = [
        *(_coloured(f"kind-{kind}", colour) for kind, colour in style.KIND_COLOURS.items()),
        *(
            _coloured(f"kind-{kind}.of-neuron", colour)
            for kind, colour in style.NEURON_COLOURS.items()
        ),
        *(
            _coloured(f"needs-{needs or 'none'}", colour)
            for needs, colour in style.NEEDS_COLOURS.items()
        ),
    ]
    attention = f":root {{ --attention: {' '.join(style.ATTENTION_COLOURS)}; }}\n"
    return (TEMPLATES / "page.css").read_text("utf-8") + attention + "".join(kinds)


def _coloured(name: str, colour: str) -> str:
    return f".{name} {{ background: {colour}; color: {style.ink_on(colour)}; }}\n"


def json_block(data: Any) -> Markup:
    r"""JSON that is safe inside of a script element: no text in it can end the element.

    Numbers that are not finite become null.

    >>> str(json_block(["</script>", float("nan")]))
    '["\\u003c/script\\u003e",null]'
    """
    try:
        text = _json(data)
    except ValueError:  # a number is not finite: rare, and to look first takes longer
        text = _json(_plain(data))
    for character in "<>&":
        text = text.replace(character, f"\\u{ord(character):04x}")
    return Markup(text)  # noqa: S704 - escaped just above


def short(value: float | None) -> float | int | None:
    """A number in few digits, for a page; None for one that is not known.

    >>> short(0.123456), short(2.0), short(float("nan"))
    (0.1235, 2, None)
    """
    if value is None or not math.isfinite(value):
        return None
    rounded = float(f"{value:.4g}")
    return int(rounded) if rounded.is_integer() else rounded


def short_cell(value: Any) -> Any:
    """The same for any value of a table."""
    return short(value) if isinstance(value, float) else value


def _source(text: str) -> str:
    """A text as a content-security policy names it: by its hash."""
    return f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"


def _json(data: Any) -> str:
    return json.dumps(data, separators=(",", ":"), allow_nan=False)


def _plain(value: Any) -> Any:
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, dict):
        return {key: _plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(item) for item in value]
    return value


@cache
def _environment() -> Environment:
    return Environment(
        loader=FileSystemLoader(TEMPLATES),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
