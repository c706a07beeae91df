"""Writing so that nothing is lost: to a temporary name beside the target, then a rename.

A crash at any moment leaves either the old file or the new one, never half of either. What a
process that was killed left beside a target is deleted when the target is written again; see
:mod:`tinyinterp.io.lock`. A leading ``~`` of a path is the home folder.
"""

from __future__ import annotations

import re
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tinyinterp.errors import OutputError
from tinyinterp.io.lock import lock_name
from tinyinterp.io.paths import expanded
from tinyinterp.io.process import is_dead, mark


@contextmanager
def replacing_file(target: Path) -> Iterator[Path]:
    """Give a temporary path to write; when the block ends well, it becomes ``target``.

    Raises:
        OutputError: the folder cannot be written.
    """
    target = expanded(target)
    make_folder(target.parent)
    if target.is_dir():
        raise OutputError(f"{target} is a folder; a file is written there: move it away")
    temporary = target.with_name(f".{target.stem}.{mark()}.tmp{target.suffix}")
    try:
        _clear_dead(target)
        yield temporary
        temporary.replace(target)
    except OSError as error:
        raise OutputError(f"cannot write {target}: {error.strerror or error}") from error
    finally:
        temporary.unlink(missing_ok=True)


@contextmanager
def replacing_folder(target: Path) -> Iterator[Path]:
    """Give a temporary folder to fill; when the block ends well, it becomes ``target``.

    What stood at ``target`` is moved aside first and deleted only once the new one is in place.

    Raises:
        OutputError: the parent cannot be written, or another process is replacing ``target``.
    """
    target = expanded(target)
    make_folder(target.parent)
    lock = lock_name(target)
    if target.exists() and not target.is_dir():
        raise OutputError(f"{target} is a file; a folder is written there: move it away")
    try:
        temporary = Path(
            tempfile.mkdtemp(prefix=f".{target.name}.", suffix=".tmp", dir=target.parent)
        )
        temporary.chmod(0o755)
    except OSError as error:
        raise OutputError(f"cannot write in {target.parent}: {error.strerror or error}") from error
    old = temporary.with_suffix(".old")
    try:
        yield temporary
        if target.exists():
            target.replace(old)
        temporary.replace(target)
    except OSError as error:
        raise OutputError(f"cannot write {target}: {error.strerror or error}") from error
    finally:
        if old.exists() and not target.exists():  # stopped between the two renames
            old.replace(target)
        shutil.rmtree(temporary, ignore_errors=True)
        shutil.rmtree(old, ignore_errors=True)
        del lock  # so that it ends, unless the caller has it, too


@contextmanager
def replacing_files(target: Path) -> Iterator[Path]:
    """Give a temporary folder to fill; when the block ends well, its files move into ``target``.

    Files of other names in ``target`` stay.

    Raises:
        OutputError: ``target`` cannot be written.
    """
    target = make_folder(target)
    with tempfile.TemporaryDirectory(prefix=".new.", dir=target) as name:
        temporary = Path(name)
        try:
            yield temporary
            for path in sorted(temporary.iterdir()):
                path.replace(target / path.name)
        except OSError as error:
            raise OutputError(f"cannot write {target}: {error.strerror or error}") from error


def write_text(target: Path, text: str) -> None:
    """Write ``text`` as UTF-8 with LF line ends, whole or not at all."""
    with replacing_file(target) as temporary:
        temporary.write_bytes(text.encode("utf-8"))


def make_folder(folder: Path) -> Path:
    """Create ``folder`` with its parents and see that it can be written.

    Raises:
        OutputError: it is a file, or may not be written.
    """
    folder = expanded(folder)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder):
            pass
    except OSError as error:
        reason = error.strerror or error
        raise OutputError(f"cannot write in {folder}: {reason}; choose another folder") from error
    return folder


def _clear_dead(target: Path) -> None:
    """Delete what processes of this machine that were killed left beside ``target``."""
    ours = re.compile(rf"\.{re.escape(target.stem)}\.(.+)\.tmp{re.escape(target.suffix)}")
    for path in target.parent.glob(".*.tmp*"):
        found = ours.fullmatch(path.name)
        if found is not None and is_dead(found[1]):
            path.unlink(missing_ok=True)
