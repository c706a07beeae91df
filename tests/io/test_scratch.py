from __future__ import annotations

import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

from tinyinterp.io.scratch import scratch_folder

HOLDER = """
from tinyinterp.io.scratch import scratch_folder
folder = scratch_folder()
(folder / "text").write_text("copied from a pipe")
print(folder, flush=True)
input()
"""


@pytest.fixture(autouse=True)
def temporary(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    monkeypatch.setattr(tempfile, "tempdir", None)
    return tmp_path


def another() -> tuple[subprocess.Popen[str], Path]:
    process = subprocess.Popen(
        [sys.executable, "-c", HOLDER], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    return process, Path(process.stdout.readline().strip())


def test_a_folder_ends_with_its_process(temporary: Path):
    process, folder = another()
    assert folder.parent == temporary
    process.communicate("end\n")
    assert process.returncode == 0
    assert list(temporary.iterdir()) == []


def test_what_a_killed_process_left_is_deleted_and_nothing_else(temporary: Path):
    living, kept = another()
    killed, left = another()
    killed.kill()
    killed.communicate()
    others = [
        temporary / "tinyinterp.mine",
        temporary / "somebody.else",
        temporary / "tinyinterp.f",
    ]
    for folder in others[:2]:
        folder.mkdir()
        (folder / "file").touch()
    others[2].touch()
    assert (left / "text").exists()
    ours = scratch_folder()
    assert sorted(temporary.iterdir()) == sorted([ours, kept, *others])
    assert (kept / "text").read_text() == "copied from a pipe"
    living.communicate("end\n")
    assert living.returncode == 0
    assert sorted(temporary.iterdir()) == sorted([ours, *others])


def test_where_there_are_no_locks_nothing_is_deleted(monkeypatch: pytest.MonkeyPatch):
    def refuse(_: int) -> None:
        raise OSError(95, "Operation not supported")

    monkeypatch.setattr("tinyinterp.io.lock._take", refuse)
    first = scratch_folder()
    (first / "text").touch()
    assert scratch_folder() != first
    assert (first / "text").exists()
