"""A run over all kinds of inputs, and what it found: ``python -m fuzz.campaign 20000``."""

from __future__ import annotations

import math
import sys
import tempfile
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from fuzz.guards import Guard, fault_of, little_memory
from fuzz.targets import VICTIM, Target, all_targets


@dataclass
class Found:
    """What one kind of input did."""

    inputs: int = 0
    faults: Counter[str] = field(default_factory=Counter)  # and how often
    first: dict[str, int] = field(default_factory=dict)  # the number of an input with that fault


def campaign(
    base: Path, count: int, seed: int = 0, only: Sequence[str] = (), *, say: bool = False
) -> dict[str, Found]:
    """Read ``count`` damaged inputs or a few more, shared out over all kinds.

    Args:
        base: an empty folder, for the files.
        count: of the inputs.
        seed: the same gives the same inputs.
        only: kinds whose name holds one of these; empty: all.
        say: whether each kind is reported on standard error as it ends.
    """
    targets = [t for t in all_targets(base) if not only or any(name in t.name for name in only)]
    shares = sum(target.share for target in targets)
    guard = Guard(base, VICTIM)
    found: dict[str, Found] = {}
    for target in targets:
        target.read(target.folder)  # the valid files are read without complaint
    for target in targets:
        with little_memory():
            part = _read_all(target, guard, seed, math.ceil(count * target.share / shares))
        found[target.name] = part
        if say:
            sys.stderr.write("\n".join(lines_of({target.name: part})[:-1]) + "\n")
    return found


def _read_all(target: Target, guard: Guard, seed: int, count: int) -> Found:
    found = Found()
    for number in target.inputs(seed, count):
        fault = fault_of(lambda: target.read(target.folder), guard)
        found.inputs += 1
        if fault is not None:
            found.faults[fault] += 1
            found.first.setdefault(fault, number)
    return found


def lines_of(found: dict[str, Found]) -> list[str]:
    """A line for each kind of input, the faults below it, and the sum."""
    lines = []
    for name, each in found.items():
        lines.append(f"{name:28} {each.inputs:6,} inputs  {each.faults.total():5,} faults")
        for fault, times in each.faults.most_common():
            lines.append(f"    {times} x {fault} (input {each.first[fault]})")
    inputs = sum(each.inputs for each in found.values())
    faults = sum(each.faults.total() for each in found.values())
    return [*lines, f"{'all':28} {inputs:6,} inputs  {faults:5,} faults"]


def main(words: Sequence[str]) -> int:
    """Run a campaign from the command line: how many inputs, the seed, names of kinds."""
    count, seed = int(words[0]) if words else 20_000, int(words[1]) if len(words) > 1 else 0
    with tempfile.TemporaryDirectory() as folder:
        found = campaign(Path(folder), count, seed, words[2:], say=True)
    sys.stdout.write("\n".join(lines_of(found)) + "\n")
    return int(any(each.faults for each in found.values()))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
