"""A folder that one process at a time writes to.

The lock is the operating system's, on a file inside the folder, so that it ends with its process,
however that ends: a lock file that a killed process left locks nothing. What the file says is only
for the message of a second process.
"""

from __future__ import annotations

import json
import os
import shutil
import socket
import sys
import weakref
from dataclasses import dataclass
from pathlib import Path

from tinyinterp.errors import OutputError
from tinyinterp.io.bounded import parse_json
from tinyinterp.io.described import Count, described
from tinyinterp.io.paths import shown

PREFIX = ".tinyinterp."  # of every name that is ours and no result
NAME = f"{PREFIX}lock"
_FAR = 1 << 20  # bytes, beyond the end of the file

if sys.platform == "win32":
    import msvcrt

    def _take(descriptor: int) -> None:
        os.lseek(descriptor, _FAR, os.SEEK_SET)  # what is locked there cannot be read
        msvcrt.locking(descriptor, msvcrt.LK_NBLCK, 1)

else:
    import fcntl

    def _take(descriptor: int) -> None:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)


class FolderLock:
    """Holds a folder until :meth:`release`, or until nobody holds the object any more.

    Within a process everybody who asks for the same folder gets the same lock. Where the file
    system knows no locks, such as some network drives, there is none.
    """

    def __init__(self, folder: Path, descriptor: int | None) -> None:
        self.folder = folder
        self.release = weakref.finalize(self, _release, folder / NAME, descriptor, os.getpid())


_held: weakref.WeakValueDictionary[Path, FolderLock] = weakref.WeakValueDictionary()


def lock_folder(folder: Path) -> FolderLock:
    """Lock ``folder``, which exists, and delete what runs that were killed left in it.

    Raises:
        OutputError: another process holds it, or it cannot be written.
    """
    place = folder.resolve()
    held = _held.get(place)
    if held is not None and held.release.alive:
        return held
    try:
        descriptor = _open_locked(place / NAME)
    except _HeldError as error:
        raise OutputError(
            f"{folder} is in use by {error}; wait until it ends, or choose another folder with "
            "--out"
        ) from error
    except OSError as error:
        raise OutputError(f"cannot write in {folder}: {error.strerror or error}") from error
    lock = _held[place] = FolderLock(place, descriptor)
    if descriptor is not None:
        _clear_leftovers(place)
    return lock


@dataclass(frozen=True)
class _Holder:
    process: Count
    computer: str


class _HeldError(Exception):
    """Says which process holds the lock."""


def _open_locked(path: Path) -> int | None:
    """The descriptor of the locked file; None where there are no locks."""
    while True:
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o644)
        try:
            _take(descriptor)
        except (BlockingIOError, PermissionError) as error:  # the latter is Windows's
            holder = _read_holder(descriptor)
            os.close(descriptor)
            raise _HeldError(holder) from error
        except OSError:
            os.close(descriptor)
            path.unlink(missing_ok=True)
            return None
        if _is_at(path, descriptor):  # and not deleted between the opening and the locking
            about = {"process": os.getpid(), "computer": socket.gethostname()}
            os.ftruncate(descriptor, 0)
            os.lseek(descriptor, 0, os.SEEK_SET)
            os.write(descriptor, json.dumps(about).encode())
            return descriptor
        os.close(descriptor)


def _is_at(path: Path, descriptor: int) -> bool:
    try:
        return os.path.samestat(path.stat(), os.fstat(descriptor))
    except FileNotFoundError:
        return False


def _read_holder(descriptor: int) -> str:
    """How a message names the process that holds the lock."""
    try:
        os.lseek(descriptor, 0, os.SEEK_SET)
        about = parse_json(os.read(descriptor, 4096), NAME, OutputError)
        holder = described(_Holder, about, NAME, OutputError)
        return f"process {holder.process} on {shown(holder.computer)}"
    except (OSError, OutputError):  # it has only just opened the file
        return "another process"


def _release(path: Path, descriptor: int | None, process: int) -> None:
    if descriptor is None or process != os.getpid():  # a child that was forked holds no lock
        return
    if sys.platform == "win32":
        os.close(descriptor)
        path.unlink(missing_ok=True)
        return
    path.unlink(missing_ok=True)  # first, so that nobody else's file is deleted
    os.close(descriptor)


def _clear_leftovers(folder: Path) -> None:
    """Delete temporary folders and files of ours; whoever wrote them is dead, or had the lock."""
    for path in folder.glob(f"{PREFIX}*"):
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path, ignore_errors=True)
        elif ".tmp" in path.suffixes:
            path.unlink(missing_ok=True)
