"""A folder, or a name, that one process at a time writes to.

The lock is the operating system's, on a file inside the folder or beside the name, so that it ends
with its process, however that ends: a lock file that a killed process left locks nothing, whatever
process has its number by now. What the file says is only for the message of a second process.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import socket
import sys
import weakref
from collections.abc import Callable
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


class Lock:
    """Holds a folder or a name until :meth:`release`, or until nobody holds the object any more.

    Within a process everybody who asks for the same folder gets the same lock. Where the file
    system knows no locks, such as some network drives, there is none.
    """

    def __init__(self, file: Path, descriptor: int | None) -> None:
        self.is_certain = descriptor is not None
        self.release = weakref.finalize(self, _release, file, descriptor, os.getpid())


_held: weakref.WeakValueDictionary[Path, Lock] = weakref.WeakValueDictionary()  # by their files


def lock_folder(folder: Path) -> Lock:
    """Lock ``folder``, which exists, and delete what runs that were killed left in it.

    Raises:
        OutputError: another process holds it, or it cannot be written.
    """
    place = folder.resolve()
    return _lock(place / NAME, folder, lambda: _clear_leftovers(place))


def lock_name(target: Path) -> Lock:
    """Lock the name ``target``, whose parent exists and where a folder is to be put as a whole.

    What a process that was killed left of its own is deleted; if it was killed when it had moved
    the old folder aside and not yet put the new one there, the old one comes back.

    Raises:
        OutputError: another process holds it, or the parent cannot be written.
    """
    place = target.parent.resolve() / target.name
    file = place.with_name(f".{place.name}.lock")
    return _lock(file, target, lambda: _clear_beside(place))


def _lock(file: Path, named: Path, clear: Callable[[], None]) -> Lock:
    held = _held.get(file)
    if held is not None and held.release.alive:
        return held
    try:
        descriptor = _open_locked(file)
    except _HeldError as error:
        raise OutputError(
            f"{named} is in use by {error}; wait until it ends, or choose another folder with --out"
        ) from error
    except OSError as error:
        raise OutputError(f"cannot write in {named}: {error.strerror or error}") from error
    lock = _held[file] = Lock(file, descriptor)
    if lock.is_certain:
        clear()
    return lock


def lock_if_free(file: Path) -> Lock | None:
    """Lock ``file``, which is made if it is not there; None if another process holds it.

    Raises:
        OSError: it cannot be opened.
    """
    try:
        return Lock(file, _open_locked(file))
    except _HeldError:
        return None


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
            try:
                _write_holder(descriptor)
            except OSError:  # the disk is full
                _release(path, descriptor, os.getpid())
                raise
            return descriptor
        os.close(descriptor)


def _is_at(path: Path, descriptor: int) -> bool:
    try:
        return os.path.samestat(path.stat(), os.fstat(descriptor))
    except FileNotFoundError:
        return False


def _write_holder(descriptor: int) -> None:
    about = {"process": os.getpid(), "computer": socket.gethostname()}
    os.ftruncate(descriptor, 0)
    os.lseek(descriptor, 0, os.SEEK_SET)
    os.write(descriptor, json.dumps(about).encode())


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


def _clear_beside(target: Path) -> None:
    """Delete what :func:`tinyinterp.io.files.replacing_folder` left, or put back what it moved."""
    ours = re.compile(rf"\.{re.escape(target.name)}\.[a-z0-9_]{{8}}\.(tmp|old)")
    found = sorted(path for path in target.parent.iterdir() if ours.fullmatch(path.name))
    for path in found:
        if path.suffix == ".old" and not target.exists():
            path.replace(target)
        else:
            shutil.rmtree(path, ignore_errors=True)
