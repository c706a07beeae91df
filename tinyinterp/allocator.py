"""Memory that was freed is kept for the next tensor, where the C library is GNU's.

That library gives blocks of more than 128 KiB back to the system when they are freed, and the
system fills each page with zeros when it hands it out again. A tensor of a micro-batch has
megabytes and lives for milliseconds: a step of training the bundled model took 77,000 pages anew,
a fifth of its time. Here only blocks above 32 MiB are given back at once, the most that the
library itself comes to when it adapts; what is smaller stays with the process, up to 2 GiB.

What the user has set stays: ``MALLOC_MMAP_THRESHOLD_``, ``MALLOC_TRIM_THRESHOLD_`` or anything of
``glibc.malloc`` in ``GLIBC_TUNABLES``.
"""

from __future__ import annotations

import os

# The numbers of glibc's <malloc.h>, the names that a user sets them by, and what we set.
THRESHOLDS = (
    (-3, "MALLOC_MMAP_THRESHOLD_", 32 << 20),  # larger blocks are mapped, and unmapped when freed
    (-1, "MALLOC_TRIM_THRESHOLD_", (1 << 31) - 1),  # free memory at the end of the heap that stays
)
TUNABLES, OURS = "GLIBC_TUNABLES", "glibc.malloc"


def keep_freed_memory() -> bool:
    """Set it for this process; returns whether it is set. Processes that it starts set it again."""
    if "CS_GNU_LIBC_VERSION" not in getattr(os, "confstr_names", {}):
        return False  # macOS, Windows
    chosen = any(os.environ.get(name) for _, name, _ in THRESHOLDS)
    if chosen or OURS in os.environ.get(TUNABLES, ""):
        return False
    import ctypes

    try:
        mallopt = ctypes.CDLL(None).mallopt
    except (AttributeError, OSError):  # another C library, which needs no word
        return False
    return all(mallopt(number, value) for number, _, value in THRESHOLDS)
