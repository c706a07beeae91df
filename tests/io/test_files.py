from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from tinyinterp.errors import OutputError
from tinyinterp.io.files import (
    make_folder,
    replacing_file,
    replacing_files,
    replacing_folder,
    write_text,
)
from tinyinterp.io.table import Table


def crash_after(error, write, text):
    write(text)
    raise error


def content(folder):
    return {str(p.relative_to(folder)): p.read_text() for p in folder.rglob("*") if p.is_file()}


def test_a_file_is_replaced_whole(tmp_path):
    target = tmp_path / "deep" / "table.csv"
    for text in ("old", "new"):
        with replacing_file(target) as temporary:
            assert temporary.parent == target.parent
            assert temporary.suffix == ".csv"
            temporary.write_text(text)
            assert target.exists() == (text == "new")
    assert content(tmp_path) == {"deep/table.csv": "new"}


@pytest.mark.parametrize("error", [RuntimeError, KeyboardInterrupt])
def test_a_crash_leaves_the_old_file_and_nothing_else(tmp_path, error):
    target = tmp_path / "table.csv"
    target.write_text("old")
    with pytest.raises(error), replacing_file(target) as temporary:
        crash_after(error, temporary.write_text, "half of the n")
    assert content(tmp_path) == {"table.csv": "old"}


def test_a_disk_that_fails_is_reported_with_the_name_of_the_file(tmp_path):
    target = tmp_path / "table.csv"
    with pytest.raises(OutputError, match=r"table.csv: No space left"), replacing_file(target):
        raise OSError(28, "No space left on device")
    assert content(tmp_path) == {}


def test_text_is_written_as_utf_8_with_line_feeds(tmp_path):
    write_text(tmp_path / "a.txt", "“Zoë”\nran\n")
    assert (tmp_path / "a.txt").read_bytes() == "“Zoë”\nran\n".encode()


def test_a_file_where_a_folder_stands_is_refused(tmp_path):
    (tmp_path / "target").mkdir()
    (tmp_path / "target" / "kept").write_text("here")
    with pytest.raises(OutputError, match="is a folder"):
        write_text(tmp_path / "target", "text")
    assert content(tmp_path) == {"target/kept": "here"}


def test_a_folder_is_replaced_whole(tmp_path):
    target = tmp_path / "runs" / "one"
    for names in (("a", "b"), ("b", "c")):
        with replacing_folder(target) as temporary:
            for name in names:
                (temporary / name).write_text(str(names))
    assert set(content(tmp_path)) == {"runs/one/b", "runs/one/c"}
    assert set(content(target).values()) == {"('b', 'c')"}
    assert target.stat().st_mode & 0o777 == 0o755
    assert [p.name for p in target.parent.iterdir()] == ["one"]


@pytest.mark.parametrize("error", [RuntimeError, KeyboardInterrupt, OSError])
def test_a_crash_leaves_the_old_folder_and_nothing_else(tmp_path, error):
    target = tmp_path / "one"
    target.mkdir()
    (target / "kept").write_text("old")
    raised = OutputError if error is OSError else error
    with pytest.raises(raised), replacing_folder(target) as temporary:
        crash_after(error, (temporary / "kept").write_text, "new")
    assert content(tmp_path) == {"one/kept": "old"}


@pytest.mark.parametrize("error", [KeyboardInterrupt, OSError])
def test_a_crash_between_the_two_renames_puts_the_old_folder_back(tmp_path, monkeypatch, error):
    target = tmp_path / "one"
    target.mkdir()
    (target / "kept").write_text("old")
    rename = Path.replace

    def fail_for_the_new_one(self, to):
        if self.suffix == ".tmp":
            raise error
        return rename(self, to)

    monkeypatch.setattr(Path, "replace", fail_for_the_new_one)
    with (
        pytest.raises(OutputError if error is OSError else error),
        replacing_folder(target) as temporary,
    ):
        (temporary / "kept").write_text("new")
    assert content(tmp_path) == {"one/kept": "old"}


def test_a_folder_where_a_file_stands_is_refused(tmp_path):
    (tmp_path / "target").write_text("here")
    with pytest.raises(OutputError, match="is a file"), replacing_folder(tmp_path / "target"):
        pytest.fail("nothing may be written")
    assert content(tmp_path) == {"target": "here"}


def test_files_of_other_names_survive(tmp_path):
    (tmp_path / "other.txt").write_text("mine")
    (tmp_path / "heads.csv").write_text("old")
    with replacing_files(tmp_path) as temporary:
        (temporary / "heads.csv").write_text("new")
        (temporary / "heads.html").write_text("page")
    assert content(tmp_path) == {"other.txt": "mine", "heads.csv": "new", "heads.html": "page"}
    assert len(list(tmp_path.iterdir())) == 3


@pytest.mark.parametrize("error", [RuntimeError, KeyboardInterrupt])
def test_a_crash_leaves_all_the_old_files(tmp_path, error):
    (tmp_path / "heads.csv").write_text("old")
    with pytest.raises(error), replacing_files(tmp_path) as temporary:
        crash_after(error, (temporary / "heads.csv").write_text, "new")
    assert content(tmp_path) == {"heads.csv": "old"}
    assert len(list(tmp_path.iterdir())) == 1


def test_a_file_that_stands_where_a_folder_is_in_the_way_is_reported(tmp_path):
    (tmp_path / "heads.csv" / "deep").mkdir(parents=True)
    with pytest.raises(OutputError, match="cannot write"), replacing_files(tmp_path) as temporary:
        (temporary / "heads.csv").write_text("new")
    assert (tmp_path / "heads.csv" / "deep").is_dir()


@pytest.mark.parametrize("write", [replacing_file, replacing_folder, replacing_files])
def test_a_place_that_cannot_be_written_is_reported(tmp_path, write):
    (tmp_path / "file").write_text("here")
    with pytest.raises(OutputError, match="cannot write in"), write(tmp_path / "file" / "a" / "b"):
        pytest.fail("nothing may be written")
    assert content(tmp_path) == {"file": "here"}


def test_folders_are_made_with_their_parents(tmp_path):
    assert make_folder(tmp_path / "a" / "b") == tmp_path / "a" / "b"
    assert make_folder(tmp_path / "a" / "b").is_dir()
    assert list((tmp_path / "a" / "b").iterdir()) == []


def test_nothing_is_written_into_a_folder_named_tilde(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.chdir(tmp_path)
    write_text(Path("~/a/text.txt"), "written")
    with replacing_folder(Path("~/b")) as folder:
        (folder / "text.txt").write_text("written")
    with replacing_files(Path("~/c")) as folder:
        (folder / "text.txt").write_text("written")
    assert Table("t", [{"n": 1}]).write(Path("~/d"))[0] == tmp_path / "home" / "d" / "t.csv"
    assert [path.name for path in tmp_path.iterdir()] == ["home"]
    assert len([*(tmp_path / "home").rglob("*.*")]) == 6


def test_what_a_killed_process_left_beside_a_file_goes_when_it_is_written_again(tmp_path: Path):
    script = (
        "import os, sys\nfrom pathlib import Path\nfrom tinyinterp.io.files import replacing_file\n"
        "with replacing_file(Path(sys.argv[1])) as path:\n path.touch()\n os.kill(os.getpid(), 9)"
    )
    target = tmp_path / "loss.png"
    assert subprocess.run([sys.executable, "-c", script, str(target)], check=False).returncode == -9
    (left,) = tmp_path.iterdir()
    others = [".loss.png", ".loss.old.tmp.png", ".other" + left.name]
    for name in others:
        (tmp_path / name).touch()
    write_text(target, "new")
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted([*others, "loss.png"])
