"""Runs of the command line that are killed, at a moment that a number names.

A helper process imports everything once and forks for each run, so that a run costs no imports. The
moments are the points at which a run is about to change a file below a folder: counted rather than
timed, they are the same on a slow machine, and fall where something could be lost.
"""

from __future__ import annotations

import json
import os
import resource
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

CHANGES = {"os.rename", "os.remove", "os.mkdir", "os.rmdir", "shutil.rmtree", "os.truncate"}
WRITING = os.O_WRONLY | os.O_RDWR | os.O_CREAT


@dataclass(frozen=True)
class Ended:
    """How a run ended."""

    code: int  # negative: by this signal
    err: str
    changes: int  # of files below the folder, until it ended

    @property
    def was_killed(self) -> bool:
        return self.code == -signal.SIGKILL


class Runs:
    """Runs the command line in processes of their own.

    Args:
        watched: the folder whose changes are counted.
        scratch: the system's temporary folder, to the runs.
    """

    def __init__(self, watched: Path, scratch: Path) -> None:
        root = Path(__file__).parents[1]
        path = os.pathsep.join([str(root), str(root / "tests"), os.environ.get("PYTHONPATH", "")])
        self._watched = watched
        self._process = subprocess.Popen(
            [sys.executable, __file__],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env={
                **os.environ,
                "PYTHONPATH": path,
                "TMPDIR": str(scratch),
                "TORCHINDUCTOR_CACHE_DIR": f"{scratch}-of-torch",  # which it keeps, as it should
                "OMP_NUM_THREADS": "1",
                "NUMBA_NUM_THREADS": "1",
                "TOKENIZERS_PARALLELISM": "false",
            },
        )

    def run(
        self, words: list[str], *, kill_at: int | None = None, most: int | None = None
    ) -> Ended:
        """Run a command.

        Args:
            words: of the command line.
            kill_at: before which change of a file it is killed; None: it runs to its end.
            most: bytes of the longest file that it can write, as on a disk that is full.
        """
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        asked = {"words": words, "kill_at": kill_at, "most": most, "watched": str(self._watched)}
        self._process.stdin.write(json.dumps(asked) + "\n")
        self._process.stdin.flush()
        return Ended(**json.loads(self._process.stdout.readline()))

    def close(self) -> None:
        self._process.communicate()


def _count_changes(watched: str, reached: Callable[[int], None]) -> Callable[[str, Any], None]:
    """An audit hook that calls ``reached`` with the number of each change that is about to be."""
    n = 0

    def hook(event: str, arguments: Any) -> None:
        nonlocal n
        if event == "open":
            changes = isinstance(arguments[2], int) and bool(arguments[2] & WRITING)
        else:
            changes = event in CHANGES
        if changes and str(arguments[0]).startswith(watched):
            n += 1
            reached(n)

    return hook


def _child(asked: dict[str, Any], said: Path) -> None:
    os.dup2(os.open(said, os.O_WRONLY | os.O_CREAT | os.O_TRUNC), 2)
    os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
    counted = said.with_suffix(".n")

    def reached(n: int) -> None:
        if n == asked["kill_at"]:
            os.kill(os.getpid(), signal.SIGKILL)
        counts.seek(0)
        counts.write(f"{n:9}")
        counts.flush()

    counts = counted.open("w")
    if asked["most"] is not None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (asked["most"], asked["most"]))
    sys.addaudithook(_count_changes(asked["watched"], reached))
    from tinyinterp.cli import main

    main(asked["words"])


def _serve(folder: Path) -> None:
    said = folder / "said"
    for line in sys.stdin:
        asked = json.loads(line)
        said.with_suffix(".n").write_text("0")
        child = os.fork()
        if child == 0:
            try:
                _child(asked, said)
            except SystemExit as ended:
                code = ended.code if isinstance(ended.code, int) else 1
                import atexit

                atexit._run_exitfuncs()  # as at the end of any process, which a fork skips
                sys.stderr.flush()
                os._exit(code)
            finally:
                os._exit(99)
        _, status = os.waitpid(child, 0)
        err = said.read_text("utf-8", "replace")
        n = int(said.with_suffix(".n").read_text() or 0)
        answer = {"code": os.waitstatus_to_exitcode(status), "err": err, "changes": n}
        sys.stdout.write(json.dumps(answer) + "\n")
        sys.stdout.flush()


if __name__ == "__main__":
    import tempfile
    from importlib import import_module

    for slow in (
        "tinyinterp.api",
        "tinyinterp.atlas.gather",
        "tinyinterp.views.heads",
        "train.cli",
    ):
        import_module(slow)  # once, and not in every run
    own = Path(tempfile.mkdtemp(dir="/dev/shm" if Path("/dev/shm").is_dir() else None))
    try:
        _serve(own)
    finally:  # no TemporaryDirectory: each fork would delete it at its end
        shutil.rmtree(own)
