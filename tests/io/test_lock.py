from __future__ import annotations

import gc
import os
from pathlib import Path

import pytest
from holding import another_process_in, replacing_in_another_process

from tinyinterp.errors import OutputError
from tinyinterp.io import lock
from tinyinterp.io.files import replacing_folder
from tinyinterp.io.lock import NAME, lock_folder, lock_name


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_a_second_process_is_refused_and_the_first_one_named(tmp_path: Path):
    with another_process_in(tmp_path) as first:
        before = names(tmp_path)
        with pytest.raises(OutputError, match=rf"in use by process {first.pid} on .*--out"):
            lock_folder(tmp_path)
        assert names(tmp_path) == before
    assert first.returncode == 0
    lock_folder(tmp_path)
    assert "heads.csv" in names(tmp_path)


def test_a_killed_process_locks_nothing_and_its_leftovers_are_deleted(tmp_path: Path):
    with another_process_in(tmp_path) as first:
        first.kill()
        first.wait()
    (tmp_path / ".tinyinterp.1234.tmp.json").write_text("half a manifest")
    (tmp_path / ".tinyinterp.neurons.types0.tmp.rows").write_text("of no saved progress")
    (tmp_path / ".tinyinterp.neurons.safetensors").write_text("progress, which is kept")
    assert len(names(tmp_path)) == 5  # with its lock and its temporary folder
    held = lock_folder(tmp_path)
    assert names(tmp_path) == [NAME, ".tinyinterp.neurons.safetensors"]
    assert str(os.getpid()) in (tmp_path / NAME).read_text()
    held.release()
    assert names(tmp_path) == [".tinyinterp.neurons.safetensors"]


def test_one_process_shares_its_lock_until_nobody_holds_it(tmp_path: Path):
    first, second = lock_folder(tmp_path), lock_folder(tmp_path / "." / "")
    assert first is second
    (tmp_path / ".tinyinterp.abc").mkdir()  # of this process, which may be filling it
    lock_folder(tmp_path)
    assert names(tmp_path) == [".tinyinterp.abc", NAME]
    del first, second
    gc.collect()
    assert names(tmp_path) == [".tinyinterp.abc"]


def test_a_file_system_without_locks_is_written_all_the_same(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    def refuse(_: int) -> None:
        raise OSError(95, "Operation not supported")

    monkeypatch.setattr(lock, "_take", refuse)
    (tmp_path / ".tinyinterp.abc").mkdir()  # whose process may live
    held = lock_folder(tmp_path)
    assert names(tmp_path) == [".tinyinterp.abc"]
    held.release()


def test_a_second_process_may_not_replace_the_same_folder(tmp_path: Path):
    target = tmp_path / "data"
    first = replacing_in_another_process(target)
    with pytest.raises(OutputError, match=rf"data is in use by process {first.pid} on"):
        lock_name(target)
    with pytest.raises(OutputError, match="in use by"), replacing_folder(target):
        pytest.fail("nothing may be written")
    lock_name(tmp_path / "other")
    first.communicate("end\n")
    assert first.returncode == 0
    assert names(tmp_path) == ["data"]
    with replacing_folder(target) as new:
        (new / "b").touch()
    assert names(target) == ["b"]


def test_what_a_killed_process_left_of_a_folder_is_deleted(tmp_path: Path):
    target = tmp_path / "data"
    first = replacing_in_another_process(target)
    first.kill()
    first.communicate()
    for kept in (".data.v2.abcdefgh.tmp", ".data.abc.tmp", "data.abcdefgh.tmp"):
        (tmp_path / kept).mkdir()
    assert len(names(tmp_path)) == 5  # with its lock and its temporary folder
    lock_name(target).release()
    assert names(tmp_path) == sorted(
        [".data.v2.abcdefgh.tmp", ".data.abc.tmp", "data.abcdefgh.tmp"]
    )


def test_a_folder_that_was_moved_aside_comes_back(tmp_path: Path):
    target = tmp_path / "data"
    for name, text in ((".data.abcdefgh.old", "whole"), (".data.abcdefgh.tmp", "new")):
        (tmp_path / name).mkdir()
        (tmp_path / name / "a").write_text(text)
    lock_name(target).release()
    assert names(tmp_path) == ["data"]
    assert (target / "a").read_text() == "whole"
    (tmp_path / ".data.hgfedcba.old").mkdir()  # killed after both renames
    lock_name(target).release()
    assert (names(tmp_path), (target / "a").read_text()) == (["data"], "whole")
