"""What no input may do: run code, reach a file that is not its own, take memory or time."""

from __future__ import annotations

import os
import resource
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from tinyinterp.errors import TinyinterpError

MEMORY = 3 << 29  # bytes of address space that an input may add
SECONDS = 20.0  # of processor time, far more than any takes
RUNS = {"os.system", "subprocess.Popen", "pickle.find_class", "os.exec", "os.posix_spawn"}
CHANGES = {"os.remove", "os.rename", "os.rmdir", "os.mkdir", "os.symlink", "os.truncate"}
WRITES = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_APPEND


class Guard:
    """Listens to what the interpreter does while an input is read.

    Args:
        allowed: the folder whose files may be read and written.
        victim: the name of a file in no case to be touched.
    """

    def __init__(self, allowed: Path, victim: str) -> None:
        self._allowed, self._victim = str(allowed), victim
        self._listening = False
        self.seen: list[str] = []
        sys.addaudithook(self._hear)  # for the rest of the process; it costs nothing when idle

    def _hear(self, event: str, arguments: tuple[Any, ...]) -> None:
        if not self._listening:
            return
        if event in RUNS:
            self.seen.append(f"{event} {arguments!r:.80}")
        elif event in CHANGES or event == "open":
            path = arguments[0]
            if not isinstance(path, str | os.PathLike):
                return
            place = Path(os.path.abspath(_base(event, arguments) / path))  # noqa: PTH100  no links
            flags = arguments[2] if event == "open" and isinstance(arguments[2], int) else 0
            changes = event in CHANGES and not (event == "os.mkdir" and place.exists())
            writes = changes or bool(flags & WRITES)
            if place.name == self._victim:
                self.seen.append(f"{event} {place}")
            elif writes and not str(place).startswith((self._allowed, "/dev/null")):
                self.seen.append(f"{event} for writing {place}")

    @contextmanager
    def watching(self) -> Iterator[None]:
        """Within the block everything is noted."""
        self.seen, self._listening = [], True
        try:
            yield
        finally:
            self._listening = False


def _base(event: str, arguments: tuple[Any, ...]) -> Path:
    """What a relative path is relative to: ``shutil.rmtree`` names files by an open folder."""
    last = arguments[-1]
    if event in CHANGES - {"os.truncate"} and isinstance(last, int) and last >= 0:
        return Path(f"/proc/self/fd/{last}").readlink()
    return Path()


@contextmanager
def little_memory() -> Iterator[None]:
    """Within the block the process cannot take much more address space than it has."""
    soft, hard = resource.getrlimit(resource.RLIMIT_AS)
    now = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
    resource.setrlimit(resource.RLIMIT_AS, (now + MEMORY, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_AS, (soft, hard))


def fault_of(read: Any, guard: Guard) -> str | None:
    """What is wrong with reading an input; None if it was read, or refused with our own error."""
    began = time.process_time()
    fault = None
    with guard.watching():
        try:
            read()
        except TinyinterpError as refusal:
            if len(str(refusal)) > 4000:
                fault = "a message of more than 4,000 characters"
        except BaseException as error:
            if isinstance(error, KeyboardInterrupt):
                raise
            fault = f"{type(error).__name__} at {_where(error)}: {str(error)[:100]}"
    if guard.seen:
        fault = guard.seen[0]
    if time.process_time() - began > SECONDS:
        fault = f"more than {SECONDS} seconds"
    return fault


def _where(error: BaseException) -> str:
    """The innermost line of ours."""
    found = "?"
    trace = error.__traceback__
    while trace is not None:
        name = trace.tb_frame.f_code.co_filename
        if "/tinyinterp/" in name or "/train/" in name:
            found = f"{Path(name).parent.name}/{Path(name).name}:{trace.tb_lineno}"
        trace = trace.tb_next
    return found
