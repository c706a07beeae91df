"""Inner loops compiled by numba, and shared out over as many threads as torch has.

A loop takes the part that it is to do as its last two arguments, ``first`` and ``last``, and
releases the interpreter's lock; what it computes never depends on how a layer was divided. numba
compiles it when it is first called and keeps the result on disk. ``no_type_check`` beside
``compiled`` is for the test run, which would put a wrapper around each function.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor, wait
from functools import cache
from typing import Any

import torch
from numba import njit

Loop = Callable[..., Any]

compiled: Callable[[Loop], Loop] = njit(cache=True, nogil=True)
compiled_sum: Callable[[Loop], Loop] = njit(  # adds in any order, so that vectors are used
    cache=True, nogil=True, fastmath={"reassoc", "contract"}
)


def in_parts(work: Callable[[int, int], None], n: int, multiple: int = 1) -> None:
    """Call ``work(first, last)`` for parts of ``range(n)``, each a multiple of so many, at once.

    The first part is done by whoever calls. ``work`` may not itself call this.
    """
    threads = torch.get_num_threads()
    size = -(-n // threads)
    size = -(-size // multiple) * multiple
    parts = [(start, min(start + size, n)) for start in range(0, n, size)]
    if len(parts) == 1:
        work(*parts[0])
        return
    waiting = [_pool(len(parts) - 1).submit(work, *part) for part in parts[1:]]
    try:
        work(*parts[0])
    finally:
        wait(waiting)  # nobody else may see what they are still writing
    for done in waiting:
        done.result()


@cache
def _pool(threads: int) -> ThreadPoolExecutor:
    """Kept, as a pass calls for it hundreds of times; its threads sleep in between."""
    return ThreadPoolExecutor(threads, thread_name_prefix="tinyinterp")


if hasattr(os, "register_at_fork"):  # a forked process has none of the threads
    os.register_at_fork(after_in_child=_pool.cache_clear)
