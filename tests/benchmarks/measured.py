"""What a benchmark says: rows of medians with their spread, printed and as JSON for the page."""

from __future__ import annotations

import json
import os
import platform
import statistics
import sys
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import torch


@dataclass(frozen=True)
class Row:
    """A quantity, by round.

    Args:
        what: was measured.
        unit: such as ``tokens/s``, ``s``, ``MiB``; ``times`` for a ratio.
        values: of each round.
        asked: what is asked for, such as ``at least 1.8``; empty: nothing.
    """

    what: str
    unit: str
    values: tuple[float, ...]
    asked: str = ""

    @property
    def median(self) -> float:
        """Over the rounds."""
        return statistics.median(self.values)

    @property
    def words(self) -> str:
        """The median with its unit, and the spread where there are several rounds."""
        said = f"{_digits(self.median)} {self.unit}"
        if len(self.values) > 1:
            said += f" ({_digits(min(self.values))} to {_digits(max(self.values))})"
        return said


def ratio(what: str, ours: Sequence[float], theirs: Sequence[float], asked: str = "") -> Row:
    """How many times as large ours is, round by round: machines are noisy, rounds lie together."""
    return Row(what, "times", tuple(a / b for a, b in zip(ours, theirs, strict=True)), asked)


def by_round(times: Mapping[str, Sequence[float]], amount: float, unit: str) -> list[Row]:
    """Rates: an amount over the seconds that each way took."""
    return [
        Row(way, unit, tuple(amount / seconds for seconds in taken)) for way, taken in times.items()
    ]


def report(title: str, about: str, rows: Iterable[Row], out: Path | None) -> None:
    """Print rows and, with ``out``, write them with the machine that they are of."""
    rows = list(rows)
    width = max(len(row.what) for row in rows)
    lines = [title, *(f"{row.what:{width}}  {row.words}  {row.asked}".rstrip() for row in rows)]
    sys.stdout.write("\n".join(lines) + "\n")
    if out is None:
        return
    content = {"title": title, "about": about, "machine": machine()}
    out.parent.mkdir(parents=True, exist_ok=True)
    written = [asdict(row) for row in rows]
    out.write_text(json.dumps(content | {"rows": written}, indent=1) + "\n", "utf-8")


def machine() -> dict[str, Any]:
    """What a number of this process is of."""
    cpuinfo = Path("/proc/cpuinfo")
    lines = cpuinfo.read_text("utf-8").splitlines() if cpuinfo.exists() else []
    about = dict(line.split(":", 1) for line in lines if ":" in line)
    known = {name.strip(): value.strip() for name, value in about.items()}
    flags = known.get("flags", "").split()
    fast = [name for name in ("avx2", "avx512f", "avx512_bf16", "amx_bf16") if name in flags]
    return {
        "processor": known.get("model name") or platform.processor() or platform.machine(),
        "model": known.get("model", ""),
        "instructions": fast,
        "cores": os.cpu_count(),
        "threads": torch.get_num_threads(),
        "torch": torch.__version__,
        "load": round(os.getloadavg()[0], 1),  # with the benchmark's own
    }


def _digits(value: float) -> str:
    return f"{value:,.0f}" if abs(value) >= 100 else f"{value:.3g}"
