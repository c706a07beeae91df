"""``compare.html``: several checkpoints side by side."""

from __future__ import annotations

import base64
import io
from collections.abc import Mapping
from pathlib import Path

from tinyinterp.io.table import Table
from tinyinterp.views import style
from tinyinterp.views.comparison_lines import comparison_lines
from tinyinterp.views.comparison_plot import draw_comparison
from tinyinterp.views.glossary import MEANINGS
from tinyinterp.views.page import write_page


def write_comparison_page(table: Table, details: Mapping[str, Table], path: Path) -> Path:
    """Write the page; it needs no other file and no network.

    Raises:
        OutputError: the folder cannot be written.
    """
    file = io.BytesIO()
    with style.settings():
        figure = draw_comparison(table, details)
        figure.savefig(file, format="svg", metadata=style.METADATA[".svg"])
    prompts = details.get("prompts", [])
    data = {
        "title": f"Comparison of {len(table)} checkpoints",
        "models": table["model"],
        "lines": comparison_lines(list(table)),
        "prompts": [
            [row["model"], row["category"], row["accuracy"], row["low"], row["high"], row["chance"]]
            for row in prompts
        ],
        "picture": "data:image/svg+xml;base64," + base64.b64encode(file.getvalue()).decode(),
        "warnings": table.notes["warnings"],
        "notes": table.notes,
        "glossary": MEANINGS,
    }
    return write_page(path, "compare_page", data)
