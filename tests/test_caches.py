from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tinyinterp import caches
from tinyinterp.caches import MATPLOTLIB, NUMBA, prepare_caches

# Numba looks for a folder by trying to write there; root could write in all of them.
NOTHING_CAN_BE_WRITTEN = """
import os, sys, tempfile
from pathlib import Path

def refuse(*, dir, **settings):
    if not str(dir).startswith(os.environ.get("NUMBA_CACHE_DIR", "nowhere")):
        raise PermissionError(13, "Permission denied", dir)
    return write(dir=dir, **settings)

write, tempfile.TemporaryFile = tempfile.TemporaryFile, refuse
from tinyinterp import caches

caches._beside_packages = lambda: [Path("/dev/null/tinyinterp")]
caches.prepare_caches()
sys.path.insert(0, sys.argv[1])
import loops, matplotlib

print(matplotlib.get_cachedir(), os.environ["NUMBA_CACHE_DIR"], sep="\\n")
"""
LOOPS = """
from tinyinterp.compiled import compiled

@compiled
def add(n):
    return n + 1
"""


@pytest.fixture(autouse=True)
def _clean(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in (NUMBA, MATPLOTLIB, "XDG_CACHE_HOME", "XDG_CONFIG_HOME"):
        monkeypatch.setenv(name, "")  # so that what the test sets is undone
        monkeypatch.delenv(name)


def test_folders_that_can_be_written_are_left_to_the_libraries(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setenv("HOME", str(tmp_path / "made" / "later"))
    prepare_caches()
    assert os.environ.keys().isdisjoint({NUMBA, MATPLOTLIB})
    assert list(tmp_path.iterdir()) == []


def test_without_a_home_folder_an_installation_that_can_be_written_keeps_what_is_compiled(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
):
    monkeypatch.setenv("HOME", "/dev/null/home")
    monkeypatch.setattr(caches, "_beside_packages", lambda: [tmp_path / "__pycache__"])
    prepare_caches()
    assert NUMBA not in os.environ
    assert Path(os.environ[MATPLOTLIB]).parent.is_dir()


def test_what_the_user_chose_comes_first(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("HOME", "/dev/null/home")
    for name in (NUMBA, MATPLOTLIB):
        monkeypatch.setenv(name, "chosen")
    prepare_caches()
    assert os.environ[NUMBA] == os.environ[MATPLOTLIB] == "chosen"


def test_loops_are_compiled_where_neither_home_nor_installation_can_be_written(tmp_path: Path):
    (tmp_path / "loops.py").write_text(LOOPS, "utf-8")
    done = subprocess.run(
        [sys.executable, "-c", NOTHING_CAN_BE_WRITTEN, str(tmp_path)],
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "HOME": "/dev/null/home"},
    )
    assert (done.returncode, done.stderr) == (0, "")
    folders = [Path(line) for line in done.stdout.splitlines()]
    assert [folder.name for folder in folders] == [MATPLOTLIB.lower(), NUMBA.lower()]
    assert not any(folder.parent.exists() for folder in folders)  # they ended with the process
