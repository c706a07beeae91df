from __future__ import annotations

from pathlib import Path

import pytest

from tinyinterp.cli import tour
from tinyinterp.errors import OutputError


@pytest.fixture
def three(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A tour of three notebooks, and a file that is none of it."""
    place = tmp_path / "installed"
    place.mkdir()
    for name in ("02_b.ipynb", "01_a.ipynb", "03_c.ipynb", "notes.ipynb"):
        (place / name).write_text(f"tour {name}", "utf-8")
    monkeypatch.setattr(tour, "FOLDERS", (tmp_path / "nowhere", place))
    return tmp_path / "mine" / "tour"


def test_the_tour_is_found_in_this_installation():
    names = [path.name for path in tour.tour()]
    assert names[0] == "01_first_look.ipynb"
    assert names == sorted(names)


def test_all_notebooks_are_copied_in_order(three: Path):
    copied = tour.copy_tour(three)
    assert copied.names == copied.written == ("01_a.ipynb", "02_b.ipynb", "03_c.ipynb")
    assert copied.kept == ()
    assert (three / "02_b.ipynb").read_text("utf-8") == "tour 02_b.ipynb"
    assert sorted(path.name for path in three.iterdir()) == list(copied.names)


def test_what_the_reader_changed_is_kept_and_what_is_missing_comes_back(three: Path):
    tour.copy_tour(three)
    (three / "01_a.ipynb").write_text("my own words", "utf-8")
    (three / "02_b.ipynb").unlink()
    copied = tour.copy_tour(three)
    assert (copied.written, copied.kept) == (("02_b.ipynb",), ("01_a.ipynb",))
    assert (three / "01_a.ipynb").read_text("utf-8") == "my own words"
    assert (three / "02_b.ipynb").read_text("utf-8") == "tour 02_b.ipynb"


def test_nothing_half_written_is_left(three: Path, monkeypatch: pytest.MonkeyPatch):
    def torn(_source: Path, target: Path) -> None:
        target.write_text("half", "utf-8")
        raise OSError("disk full")

    monkeypatch.setattr(tour.shutil, "copyfile", torn)
    with pytest.raises(OutputError, match="disk full"):
        tour.copy_tour(three)
    assert list(three.iterdir()) == []


def test_an_installation_without_notebooks_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(tour, "FOLDERS", (tmp_path,))
    with pytest.raises(OutputError, match="has no notebooks"):
        tour.copy_tour(tmp_path / "mine")
