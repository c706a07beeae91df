from __future__ import annotations

from pathlib import Path

import pytest
from axe_playwright_python.sync_playwright import Axe
from browser import Watched

from tests.views.examples import HOSTILE
from tests.views.reading import Page
from tinyinterp.io.table import Table
from tinyinterp.views.comparison_page import write_comparison_page

KINDS = ("positional", "semantic")
MODELS = ("one", f"two {HOSTILE}")


def write(path: Path) -> Path:
    notes = {"text": HOSTILE, "warnings": [f"a warning {HOSTILE}"], "seed": 3}
    rows = [
        {
            "model": model, "parameters": 1009, "vocabulary": 281,
            "bits_per_byte": 0.5 + n, "bits_low": 0.4 + n, "bits_high": 0.6 + n,
            "heads": 7, "heads_positional": 5 - n, "heads_semantic": 2 + n,
        }
        for n, model in enumerate(MODELS)
    ]  # fmt: skip
    kinds = [
        {"model": row["model"], "part": "heads", "kind": kind, "count": row[f"heads_{kind}"],
         "share": row[f"heads_{kind}"] / 7}
        for row in rows for kind in KINDS
    ]  # fmt: skip
    answered = [
        {"model": model, "category": "facts", "accuracy": 0.75, "low": 0.5, "high": 0.875,
         "chance": 0.5}
        for model in MODELS
    ]  # fmt: skip
    details = {
        "heads": Table("compare_heads", kinds),
        "prompts": Table("compare_prompts", answered),
    }
    return write_comparison_page(Table("compare", rows, notes=notes), details, path)


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_page_is_plain_text_and_accessible(
    watched: Watched, tmp_path: Path, scheme: str
) -> None:
    path = write(tmp_path / "compare.html")
    assert Page(path).outside_references() == []
    assert len(Page(path).scripts) == 2  # data, ours: no text ended one of them
    seen = watched.page
    seen.emulate_media(color_scheme=scheme)
    seen.goto(path.as_uri())
    assert "0.500 [0.400, 0.600]" in seen.inner_text("main")
    assert "4 (57%)" in seen.inner_text("main")
    assert "75 %" in seen.inner_text("main")
    assert seen.locator("img").evaluate("one => one.naturalWidth") > 400
    found = Axe().run(seen, options={"preload": False}).response["violations"]
    assert [(one["id"], one["nodes"][0]["html"]) for one in found] == []
    seen.set_viewport_size({"width": 360, "height": 740})
    assert seen.evaluate("document.documentElement.scrollWidth") <= 360
