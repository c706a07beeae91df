"""Inner loops compiled by numba, and shared out over as many threads as torch has.

A loop takes the part that it is to do as its last two arguments, ``first`` and ``last``, and
releases the interpreter's lock; what it computes never depends on how a layer was divided. numba
compiles it when it is first called and keeps the result on disk. ``no_type_check`` beside
``compiled`` is for the test run, which would put a wrapper around each function.
"""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import torch
from numba import njit

Loop = Callable[..., Any]

compiled: Callable[[Loop], Loop] = njit(cache=True, nogil=True)
compiled_sum: Callable[[Loop], Loop] = njit(  # adds in any order, so that vectors are used
    cache=True, nogil=True, fastmath={"reassoc", "contract"}
)


def in_parts(work: Callable[[int, int], None], n: int, multiple: int = 1) -> None:
    """Call ``work(first, last)`` for parts of ``range(n)``, each a multiple of so many, at once."""
    threads = torch.get_num_threads()
    size = -(-n // threads)
    size = -(-size // multiple) * multiple
    parts = [(start, min(start + size, n)) for start in range(0, n, size)]
    if len(parts) == 1:
        work(*parts[0])
        return
    with ThreadPoolExecutor(len(parts)) as pool:
        for done in [pool.submit(work, *part) for part in parts]:
            done.result()
