from __future__ import annotations

import json
import tempfile
from pathlib import Path

import pytest

from tinyinterp.errors import OutputError
from tinyinterp.io.lock import NAME
from tinyinterp.io.output import MANIFEST, OutputFolder


def fill(folder: Path, files: dict[str, str], run: str = "heads") -> OutputFolder:
    output = OutputFolder(folder)
    with output.filling(run, "a model, a text") as stage:
        for name, text in files.items():
            (stage / name).parent.mkdir(parents=True, exist_ok=True)
            (stage / name).write_text(text)
    return output


def contents(folder: Path) -> dict[str, str]:
    return {
        path.relative_to(folder).as_posix(): path.read_text()
        for path in folder.rglob("*")
        if path.is_file() and path.name != NAME  # there while somebody has the folder
    }


def test_a_new_folder_is_made_and_filled(tmp_path: Path):
    folder = tmp_path / "a" / "b"
    output = fill(folder, {"heads.csv": "1", "pictures/layer0.png": "2"})
    assert output.written == [folder / "heads.csv", folder / "pictures" / "layer0.png"]
    found = contents(folder)
    manifest = json.loads(found.pop(MANIFEST))
    assert found == {"heads.csv": "1", "pictures/layer0.png": "2"}
    assert manifest["runs"] == {"heads": {"about": "a model, a text", "files": list(found)}}


def test_another_run_leaves_files_that_are_not_its_own(tmp_path: Path):
    fill(tmp_path, {"neurons_layer3.csv": "old", "top.txt": "old"}, "neurons of layer 3")
    (tmp_path / "notes.txt").write_text("mine")
    fill(tmp_path, {"neurons_layer4.csv": "new", "top.txt": "new"}, "neurons of layer 4")
    found = contents(tmp_path)
    runs = json.loads(found.pop(MANIFEST))["runs"]
    assert {run: entry["files"] for run, entry in runs.items()} == {
        "neurons of layer 3": ["neurons_layer3.csv"],
        "neurons of layer 4": ["neurons_layer4.csv", "top.txt"],
    }
    assert found == {
        "neurons_layer3.csv": "old",
        "neurons_layer4.csv": "new",
        "top.txt": "new",
        "notes.txt": "mine",
    }


def test_the_same_run_replaces_all_that_it_wrote(tmp_path: Path):
    fill(tmp_path, {"heads.csv": "12 layers", "pictures/layer11.png": "of the other model"})
    (tmp_path / "pictures" / "mine.png").write_text("mine")
    fill(tmp_path, {"heads.csv": "8 layers"})
    found = contents(tmp_path)
    del found[MANIFEST]
    assert found == {"heads.csv": "8 layers", "pictures/mine.png": "mine"}


def test_the_manifest_is_the_same_on_a_second_run(tmp_path: Path):
    fill(tmp_path, {"b": "1", "a": "2"})
    first = (tmp_path / MANIFEST).read_bytes()
    fill(tmp_path, {"a": "3", "b": "4"})
    assert (tmp_path / MANIFEST).read_bytes() == first


def test_a_folder_of_somebody_else_is_refused_before_any_work(tmp_path: Path):
    (tmp_path / "thesis.tex").write_text("years of work")
    with pytest.raises(OutputError, match=r"not empty and was not written .* thesis\.tex"):
        OutputFolder(tmp_path)
    assert contents(tmp_path) == {"thesis.tex": "years of work"}


def test_a_file_in_the_place_of_the_folder_is_refused(tmp_path: Path):
    place = tmp_path / "out"
    place.write_text("a file")
    with pytest.raises(OutputError, match="cannot write in"):
        OutputFolder(place)
    assert place.read_text() == "a file"


def test_a_folder_that_may_not_be_written_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    def refuse(**_: object) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(tempfile, "TemporaryFile", refuse)  # root may write everywhere
    with pytest.raises(OutputError, match=r"cannot write in .* Permission denied"):
        OutputFolder(tmp_path)


def test_a_folder_below_a_file_is_refused(tmp_path: Path):
    (tmp_path / "file").write_text("")
    with pytest.raises(OutputError, match="cannot write in"):
        OutputFolder(tmp_path / "file" / "out")


@pytest.mark.parametrize(
    "manifest", ["", "[]", "{}", '{"runs": ["heads.csv"]}', '{"runs": {"a": 1}}']
)
def test_a_manifest_of_somebody_else_is_refused(tmp_path: Path, manifest: str):
    (tmp_path / MANIFEST).write_text(manifest)
    with pytest.raises(OutputError, match="not a manifest of tinyinterp"):
        OutputFolder(tmp_path)
    assert (tmp_path / MANIFEST).read_text() == manifest


def test_a_file_that_is_not_ours_is_not_replaced_in_a_folder_of_ours(tmp_path: Path):
    fill(tmp_path, {"heads.csv": "1"})
    (tmp_path / "heads.html").write_text("mine")
    before = contents(tmp_path)
    with pytest.raises(OutputError, match=r"heads\.html exists and was not written"):
        fill(tmp_path, {"heads.csv": "2", "heads.html": "2"})
    assert contents(tmp_path) == before


def test_work_that_fails_leaves_everything_as_it_was(tmp_path: Path):
    fill(tmp_path, {"heads.csv": "1"})
    before = contents(tmp_path)
    output = OutputFolder(tmp_path)

    def work() -> None:
        with output.filling("heads", "") as stage:
            (stage / "heads.csv").write_text("half")
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        work()
    assert contents(tmp_path) == before
    assert output.written == []


def test_what_a_killed_run_left_does_not_block_the_next(tmp_path: Path):
    (tmp_path / ".tinyinterp.abc").mkdir()
    (tmp_path / ".tinyinterp.abc" / "heads.csv").write_text("half")
    assert fill(tmp_path, {"heads.csv": "1"}).written == [tmp_path / "heads.csv"]


@pytest.mark.parametrize(
    "name", ["../victim", "pictures/../../victim", "/VICTIM", "..\\victim", "C:victim", "", "."]
)
def test_a_manifest_that_names_a_file_outside_deletes_nothing(tmp_path: Path, name: str):
    victim, folder = tmp_path / "victim", tmp_path / "out"
    victim.write_text("years of work")
    fill(folder, {"heads.csv": "1"})
    path = folder / MANIFEST
    manifest = json.loads(path.read_text())
    manifest["runs"]["heads"]["files"].append(name.replace("/VICTIM", str(victim)))
    path.write_text(json.dumps(manifest))
    with pytest.raises(OutputError, match="which is not in this folder"):
        OutputFolder(folder)
    assert victim.read_text() == "years of work"
    assert (folder / "heads.csv").read_text() == "1"


def test_a_link_that_leads_out_of_the_folder_is_not_followed(tmp_path: Path):
    outside, folder = tmp_path / "outside", tmp_path / "out"
    outside.mkdir()
    (outside / "layer0.png").write_text("mine")
    fill(folder, {"heads.csv": "1", "pictures/layer0.png": "2"})
    (folder / "pictures" / "layer0.png").unlink()
    (folder / "pictures").rmdir()
    (folder / "pictures").symlink_to(outside)
    with pytest.raises(OutputError, match="which is not in this folder"):
        fill(folder, {"heads.csv": "2"})
    other = tmp_path / "other"
    fill(other, {"heads.csv": "1"})
    (other / "pictures").symlink_to(outside)
    with pytest.raises(OutputError, match="leads out of"):
        fill(other, {"heads.csv": "2", "pictures/layer1.png": "2"})
    assert contents(outside) == {"layer0.png": "mine"}
    assert (other / "heads.csv").read_text() == "1"


def test_what_two_runs_write_is_in_the_manifest_of_both(tmp_path: Path):
    first, second = OutputFolder(tmp_path), OutputFolder(tmp_path)
    for layer, output in enumerate((first, second)):
        with output.filling(f"neurons of layer {layer}", "") as stage:
            (stage / f"neurons_layer{layer}.csv").write_text(str(layer))
    runs = json.loads((tmp_path / MANIFEST).read_text())["runs"]
    assert [run["files"] for run in runs.values()] == [
        ["neurons_layer0.csv"],
        ["neurons_layer1.csv"],
    ]


def test_the_home_folder_is_meant_by_a_tilde(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    assert fill(Path("~/out"), {"heads.csv": "1"}).written == [tmp_path / "out" / "heads.csv"]


def test_work_in_progress_lies_inside_so_that_the_next_run_deletes_what_a_kill_left(tmp_path: Path):
    output = OutputFolder(tmp_path)
    with output.scratch() as scratch:
        assert scratch.parent == tmp_path
        (scratch / "neurons_layer0.csv").write_text("not yet")
        with output.filling("atlas", "") as stage:
            (stage / "index.html").write_text("1")
    assert not scratch.exists()
    assert contents(tmp_path).keys() == {"index.html", MANIFEST}
    del output
    scratch.mkdir()
    OutputFolder(tmp_path)
    assert not scratch.exists()
