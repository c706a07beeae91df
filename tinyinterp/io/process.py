"""Which process wrote a file, as a part of its name, and whether that process still lives."""

from __future__ import annotations

import os
import re
import socket
import sys
import zlib
from functools import cache
from pathlib import Path

MARK = re.compile(r"(\d+)-(\d+)-([0-9a-f]{8})")


def mark() -> str:
    """This process: its number, when it started, and where its number is counted."""
    return f"{os.getpid()}-{_started(os.getpid())}-{_place()}"


def is_dead(of: str) -> bool:
    """Whether the process of a mark has certainly ended; False for what is no mark of here.

    A number is given out again after a while, so that the start has to agree, too.
    """
    found = MARK.fullmatch(of)
    if found is None or found[3] != _place():
        return False
    number = int(found[1])
    return not _lives(number) or _started(number) != int(found[2])


def _lives(number: int) -> bool:
    if sys.platform == "win32":  # os.kill would end it
        return True
    try:
        os.kill(number, 0)
    except ProcessLookupError:
        return False
    except OSError:  # it is another user's
        return True
    return True


def _started(number: int) -> int:
    """When a process started, in ticks since the machine did; 0 where that cannot be told."""
    try:
        about = Path(f"/proc/{number}/stat").read_text("utf-8", "replace")
        return int(about.rpartition(")")[2].split()[19])  # field 22; a name may hold brackets
    except (OSError, ValueError, IndexError):
        return 0


@cache
def _place() -> str:
    """A short name of the machine, or of the container, whose processes have numbers in common."""
    names = [socket.gethostname()]
    for path, read in (
        ("/proc/self/ns/pid", os.readlink),
        ("/proc/sys/kernel/random/boot_id", lambda path: Path(path).read_text("ascii")),
    ):
        try:
            names.append(read(path))
        except (OSError, ValueError):
            names.append("")
    return f"{zlib.crc32(repr(names).encode()):08x}"
