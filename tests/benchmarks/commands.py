"""Whole commands, as they are typed: wall and processor seconds, and memory at most.

    python tests/benchmarks/commands.py [--rounds 3] [--out FILE.json]

Each runs in a process of its own on the bundled model and stories and writes into a temporary
folder. Then ``neurons`` in one process and in two, with a thread each; and ``heads --quick`` beside
one busy process a core, as a multiple of its quiet time.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from measured import Row, ratio, report

COMMANDS = {
    "info": ("at most 10 s", 1),
    "heads --quick": ("at most 10 s", 1),
    "heads": ("at most 40 s", 0),
    "neurons --layer 4": ("", 1),
    "neurons --layer all --tokens 40000": ("", 1),
    "account --quick": ("", 0),
}  # what is asked for, and whether it is run in every round
ALONE = {"OMP_NUM_THREADS": "1", "NUMBA_NUM_THREADS": "1"}
SHARED = {  # by how it is said of two processes
    "40,000 tokens": ("neurons", "--layer", "all", "--tokens", "40000", "--no-nulls"),
    "160,000 tokens": ("neurons", "--layer", "all", "--tokens", "160000", "--no-nulls"),
}


def run(*words: str, processes: int = 1, env: dict[str, str] | None = None) -> tuple[float, ...]:
    """Wall seconds, processor seconds and MiB at most of a command."""
    launch = [sys.executable, "-m"]
    if processes > 1:
        launch += [
            "torch.distributed.run",
            "--standalone",
            "--nproc-per-node",
            str(processes),
            "-m",
        ]
    with tempfile.TemporaryDirectory() as folder, Path(folder, "said").open("w+b") as said:
        writes = words[0] != "info" and "--out" not in words
        out = ["--out", folder + "/out"] if writes else []
        began = time.perf_counter()
        child = subprocess.Popen(
            [*launch, "tinyinterp", *words, *out],
            env=os.environ | (env or {}),
            stdout=subprocess.DEVNULL,
            stderr=said,
        )
        _, status, used = os.wait4(child.pid, 0)  # with those that it has started and waited for
        taken = time.perf_counter() - began
        child.returncode = os.waitstatus_to_exitcode(status)
        if child.returncode:
            said.seek(0)
            raise SystemExit(said.read().decode())
    return taken, used.ru_utime + used.ru_stime, used.ru_maxrss / 1024


@contextmanager
def busy() -> Iterator[None]:
    """One process a core that does nothing but use it."""
    loop = [sys.executable, "-c", "while True: pass"]
    others = [subprocess.Popen(loop) for _ in range(os.cpu_count() or 1)]
    try:
        yield
    finally:
        for other in others:
            other.kill()
            other.wait()


def main() -> None:
    """Run, print, write."""
    parser = argparse.ArgumentParser(description=str(__doc__).splitlines()[0])
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--out", type=Path)
    options = parser.parse_args()
    run("info")  # compiles, and reads files into memory
    found: dict[str, list[tuple[float, ...]]] = {name: [] for name in COMMANDS}
    one: dict[str, list[float]] = {name: [] for name in SHARED}
    two: dict[str, list[float]] = {name: [] for name in SHARED}
    for number in range(options.rounds):
        for name, (_, every_round) in COMMANDS.items():
            if every_round or number == 0:
                found[name].append(run(*name.split()))
        for name, words in SHARED.items():
            if number == 0 or name == next(iter(SHARED)):
                one[name].append(run(*words, env=ALONE)[0])
                two[name].append(run(*words, env=ALONE, processes=2)[0])
    with busy():
        beside = [run("heads", "--quick")[0] for _ in range(options.rounds)]
    rows = []
    for name, values in found.items():
        wall, processor, peak = zip(*values, strict=True)
        rows += [
            Row(f"`{name}`", "s", wall, COMMANDS[name][0]),
            Row(f"`{name}`, processor", "s", processor),
            Row(f"`{name}`, memory at most", "MiB", peak),
        ]
    quiet = [taken for taken, _, _ in found["heads --quick"]]
    rows += [
        *(
            ratio(
                f"`neurons`, {name}, two processes beside one", one[name], two[name], "at least 1.8"
            )
            for name in SHARED
        ),
        ratio("`heads --quick`, busy beside quiet", beside, quiet, "at most 2.5"),
    ]
    report(
        "Whole commands",
        " ".join(__doc__.split("\n\n")[2].split()).replace("``", "`"),
        rows,
        options.out,
    )


if __name__ == "__main__":
    main()
