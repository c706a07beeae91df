"""A second process that writes to a folder, for tests of what the first one is told."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

HOLDER = """
import sys
from pathlib import Path
from tinyinterp.io.output import OutputFolder

output = OutputFolder(Path(sys.argv[1]))
with output.filling("heads", "") as stage:
    (stage / "heads.csv").write_text("half")
    print("holds it", flush=True)
    sys.stdin.readline()
"""


@contextmanager
def another_process_in(folder: Path) -> Iterator[subprocess.Popen[str]]:
    """A process that is filling the folder; it ends well with the block, unless it was killed."""
    process = subprocess.Popen(
        [sys.executable, "-c", HOLDER, str(folder)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "holds it\n"
    try:
        yield process
    finally:
        process.communicate("end\n" if process.poll() is None else None)


REPLACER = """
import sys
from pathlib import Path
from tinyinterp.io.files import replacing_folder

with replacing_folder(Path(sys.argv[1])) as new:
    (new / "a").write_text("half")
    print("holds it", flush=True)
    sys.stdin.readline()
"""


def replacing_in_another_process(target: Path) -> subprocess.Popen[str]:
    """A process that is putting a folder at ``target``, until it reads a line."""
    process = subprocess.Popen(
        [sys.executable, "-c", REPLACER, str(target)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "holds it\n"
    return process
