from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest
from PIL import Image

from tests.views.examples import Census, full_row, make_census
from tests.views.reading import Page
from tinyinterp.errors import OutputError
from tinyinterp.io.table import Table
from tinyinterp.views.heads import SUFFIXES, head_label, write_head_pictures


def test_every_head_and_layer_is_drawn_and_again_with_the_same_bytes(
    tmp_path: Path, census: Census
) -> None:
    paths = write_head_pictures(census, tmp_path / "one")
    stems = {f"layer{r['layer']}_head{r['head']}" for r in census.table}
    stems |= {f"layer{layer}" for layer in census.example_patterns}
    expected = {f"patterns/{stem}.{s}" for stem in stems for s in ("png", "svg")}
    expected |= {"heads.html"} | {f"{n}.{s}" for n in ("kinds", "profiles") for s in ("png", "svg")}
    assert {path.relative_to(tmp_path / "one").as_posix() for path in paths} == expected
    assert len(paths) == len(expected)
    again = write_head_pictures(census, tmp_path / "two")
    for one, two in zip(paths, again, strict=True):
        assert one.read_bytes() == two.read_bytes(), one
    for path in paths:
        if path.suffix == ".svg":
            ET.parse(path)
    with Image.open(tmp_path / "one/patterns/layer0_head0.png") as image:
        assert image.size == (1185, 1170)


def test_a_table_of_some_heads_draws_only_those(tmp_path: Path, census: Census) -> None:
    row = next(iter(census.table))
    one = replace(census, table=Table("heads", [row]))
    names = {path.name for path in write_head_pictures(one, tmp_path) if path.suffix == ".png"}
    assert {name for name in names if "head" in name} == {"layer0_head0.png"}


def test_pdf_beside_the_others_with_its_fonts_inside(tmp_path: Path) -> None:
    census = make_census(2, 3, 5)
    rows = [full_row(r["layer"], r["head"], "semantic") for r in census.table]
    whole = replace(census, table=Table("heads", rows))
    paths = write_head_pictures(whole, tmp_path, suffixes=(*SUFFIXES, ".pdf"), heat_maps=False)
    names = {f"{n}{s}" for n in ("kinds", "profiles", "causal") for s in (*SUFFIXES, ".pdf")}
    assert {path.name for path in paths} == names | {"heads.html"}
    beside = [files for _, files in Page(tmp_path / "heads.html").data["pictures"]]
    assert {name for files in beside for name in files} == names
    for path in tmp_path.glob("*.pdf"):
        written = path.read_bytes()
        assert b"/FontFile2" in written  # TrueType, embedded
        assert b"/Type3" not in written


def test_a_folder_that_is_a_file_is_refused(tmp_path: Path, census: Census) -> None:
    (tmp_path / "out").write_text("kept")
    with pytest.raises(OutputError, match="out"):
        write_head_pictures(census, tmp_path / "out")
    assert (tmp_path / "out").read_text() == "kept"


def test_labels() -> None:
    assert head_label({"kind": "positional", "role": "offset-2"}) == "positional, offset-2"
    assert head_label({"kind": "diffuse", "role": ""}) == "diffuse"
