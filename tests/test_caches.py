from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
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

caches._beside_package = lambda: Path("/dev/null/tinyinterp")
caches.prepare_caches()
sys.path.insert(0, sys.argv[1])
import loops, matplotlib

assert loops.add(2) == 3
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
    monkeypatch.setattr(caches, "_beside_package", lambda: tmp_path / "__pycache__")
    prepare_caches()
    assert NUMBA not in os.environ
    assert Path(os.environ[MATPLOTLIB]).parent.is_dir()


def test_what_the_user_chose_comes_first(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("HOME", "/dev/null/home")
    for name in (NUMBA, MATPLOTLIB):
        monkeypatch.setenv(name, "chosen")
    prepare_caches()
    assert os.environ[NUMBA] == os.environ[MATPLOTLIB] == "chosen"


@pytest.fixture
def temporary(tmp_path: Path) -> Path:
    """The system's temporary folder, for the length of a test."""
    folder = tmp_path / "temporary"
    folder.mkdir()
    return folder


def compile_where_nothing_can_be_written(tmp_path: Path, temporary: Path) -> list[Path]:
    """The folders that matplotlib and numba then had."""
    loops = tmp_path / "loops.py"
    if not loops.exists():  # numba compiles again what is newer
        loops.write_text(LOOPS, "utf-8")
    done = subprocess.run(
        [sys.executable, "-c", NOTHING_CAN_BE_WRITTEN, str(tmp_path)],
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "HOME": "/dev/null/home", "TMPDIR": str(temporary)},
    )
    assert (done.returncode, done.stderr) == (0, "")
    folders = [Path(line) for line in done.stdout.splitlines()]
    assert [folder.name for folder in folders] == [MATPLOTLIB.lower(), NUMBA.lower()]
    return folders


def test_loops_are_compiled_once_where_neither_home_nor_installation_can_be_written(
    tmp_path: Path, temporary: Path
):
    _, numba = compile_where_nothing_can_be_written(tmp_path, temporary)
    assert numba.parent == temporary / f"tinyinterp-cache-{os.getuid()}"
    kept = {path: path.stat().st_mtime_ns for path in numba.rglob("*.nb*")}
    assert {path.suffix for path in kept} == {".nbi", ".nbc"}
    compile_where_nothing_can_be_written(tmp_path, temporary)  # by a second process
    assert kept == {path: path.stat().st_mtime_ns for path in numba.rglob("*.nb*")}
    assert numba.parent.stat().st_mode & 0o777 == 0o700


def readable(place: Path) -> None:
    place.mkdir()
    place.chmod(0o755)


def a_link(place: Path) -> None:
    (place.parent / "elsewhere").mkdir()
    place.symlink_to("elsewhere")


@pytest.mark.parametrize("made", [readable, a_link, Path.touch])
def test_what_others_may_have_put_there_is_not_run(
    tmp_path: Path, temporary: Path, made: Callable[[Path], None]
):
    made(temporary / f"tinyinterp-cache-{os.getuid()}")
    before = sorted(temporary.rglob("*"))
    folders = compile_where_nothing_can_be_written(tmp_path, temporary)
    assert not any(folder.parent.exists() for folder in folders)  # they ended with the process
    assert sorted(temporary.rglob("*")) == before
