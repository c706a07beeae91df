"""A temporary folder that ends with its process, however that ends.

A process that is killed deletes nothing. So a folder holds a lock for as long as its process lives,
and whoever makes the next one deletes those that nobody holds.
"""

from __future__ import annotations

import atexit
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from tinyinterp.io.lock import NAME, Lock, lock_if_free

PREFIX = "tinyinterp."

_ours: list[Lock] = []


def scratch_folder() -> Path:
    """A new folder among the system's temporary files, for the rest of this process.

    Raises:
        OSError: it cannot be made.
    """
    _clear_abandoned(Path(tempfile.gettempdir()))
    while True:
        folder = Path(tempfile.mkdtemp(prefix=PREFIX))
        try:
            lock = lock_if_free(folder / NAME)
        except FileNotFoundError:  # taken for an abandoned one, just now
            continue
        if lock is None:  # ... and about to be deleted
            continue
        _ours.append(lock)
        atexit.register(shutil.rmtree, folder, ignore_errors=True)
        return folder


def _clear_abandoned(place: Path) -> None:
    for folder in _of_this_user(place):
        with suppress(OSError):  # somebody else is deleting it, too
            file = folder / NAME
            if not file.exists():  # it is about to get one, or there are none in this place
                continue
            lock = lock_if_free(file)
            if lock is not None and lock.is_certain:
                shutil.rmtree(folder, ignore_errors=True)
                lock.release()


def _of_this_user(place: Path) -> Iterator[Path]:
    user = os.getuid() if hasattr(os, "getuid") else None
    for path in place.glob(f"{PREFIX}*"):
        with suppress(OSError):
            ours = user is None or path.lstat().st_uid == user
            if ours and path.is_dir() and not path.is_symlink():
                yield path
