"""What ``tinyinterp --version`` says: all that a report of a bug needs, and nothing of a person.

Nothing slow is imported: versions are read from what pip wrote beside the packages, and the
processor's features from where the system lists them.
"""

from __future__ import annotations

import os
import platform
import shutil
from collections.abc import Iterable
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from tinyinterp import __version__

# Those whose release changes numbers, or what can be read.
PACKAGES = (
    *("torch", "transformer_lens", "transformers", "tokenizers", "safetensors"),
    *("numpy", "scipy", "numba", "dcor", "textblob", "pyarrow"),
)
FEATURES = ("avx2", "avx512f", "avx512_bf16", "amx_bf16", "sve", "bf16")  # what sums depend on
PROCESSORS = Path("/proc/cpuinfo")
DRIVER = Path("/proc/driver/nvidia/version")


def version_lines() -> list[str]:
    """The lines; the first is the program and its version."""
    return [
        f"tinyinterp {__version__}",
        f"Python {platform.python_version()} ({platform.python_implementation()})",
        f"platform {platform.platform()}",
        f"processor {_processor()}",
        f"device {_device()}",
        *(f"{name} {_installed(name)}" for name in PACKAGES),
    ]


def _installed(name: str) -> str:
    try:
        return version(name)
    except PackageNotFoundError:
        return "is not installed"


def _processor() -> str:
    """Its name, how many cores this process may use, and what they can do."""
    try:
        name, flags = processor_of(PROCESSORS.read_text("utf-8", "replace").splitlines())
    except OSError:  # not Linux
        name, flags = "", set[str]()
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    found = [feature for feature in FEATURES if feature in flags]
    parts = [name or platform.machine(), f"{cores} cores", " ".join(found)]
    return ", ".join(part for part in parts if part)


def processor_of(lines: Iterable[str]) -> tuple[str, set[str]]:
    r"""Name and features in the lines of ``/proc/cpuinfo``; of the first processor.

    >>> processor_of(["model name\t: Fast 3", "flags\t: fpu avx2"]) == ("Fast 3", {"fpu", "avx2"})
    True
    """
    facts: dict[str, str] = {}
    for line in lines:
        key, colon, value = line.partition(":")
        if colon:
            facts.setdefault(key.strip().lower(), value.strip())
    flags = facts.get("flags") or facts.get("features") or ""  # the second on ARM
    return facts.get("model name", ""), set(flags.split())


def _device() -> str:
    """Whether there is a GPU that the installed PyTorch could use."""
    build = _installed("torch").partition("+")[2]
    driver = DRIVER.exists() or shutil.which("nvidia-smi") is not None
    found = "an NVIDIA driver" if driver else "CPU only: no NVIDIA driver"
    return f"{found}; PyTorch build {build or 'unmarked'}"
