from __future__ import annotations

import io
from pathlib import Path

import pytest
from browser import chromium
from PIL import Image

from tests.atlas.examples import make_atlas
from tinyinterp.atlas import write_atlas


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("site")
    write_atlas(make_atlas(None), folder)
    return folder


def test_a_picture_ends_where_the_next_section_begins(script, site: Path):
    with chromium() as browser:
        page = browser.new_page(viewport={"width": 1080, "height": 700})
        shots = [script.Shot("x", "index.html", until) for until in ("Heads", "Model card")]
        sizes = [Image.open(io.BytesIO(script.take(page, site, shot))).size for shot in shots]
        assert [width for width, _ in sizes] == [script.WIDTH] * 2
        assert 50 < sizes[0][1] < sizes[1][1]
        with pytest.raises(SystemExit, match="no section 'Nothing'"):
            script.take(page, site, script.Shot("x", "index.html", "Nothing"))


def test_a_picture_is_stored_with_few_colours_unless_it_is_too_large(
    script, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    png = io.BytesIO()
    Image.radial_gradient("L").convert("RGB").save(png, "png")
    target = tmp_path / "shot.png"
    size = script.save(png.getvalue(), target)
    with Image.open(target) as stored:
        assert (stored.mode, stored.size) == ("P", (256, 256))
    assert size == target.stat().st_size
    monkeypatch.setattr(script, "LARGEST", 100)
    with pytest.raises(SystemExit, match="at most 100 are wanted"):
        script.save(png.getvalue(), target)
