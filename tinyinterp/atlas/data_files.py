"""Data as scripts: what a page can load from disk, where a browser refuses to fetch files."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from tinyinterp.io.files import write_text
from tinyinterp.views.page import json_block


def write_data(folder: Path, name: str, data: Any) -> None:
    """Write ``data/NAME.js``, which hands ``data`` to the page that loads it."""
    write_text(folder / "data" / f"{name}.js", f'atlas.put("{name}",{json_block(data)});\n')
