"""How threads wait for one another, beside other work.

torch shares out each product and sum over threads of OpenMP, and whoever is done first waits for
the rest. OpenMP's threads wait by spinning: they ask again and again, which saves a few
microseconds where every core is free. Where another program runs on the core, they spin away the
very time that the thread they wait for needs, up to milliseconds at every product. Here they spin
only for as long as waking up would take, and then sleep.

Each runtime has a word of its own for it and reads it once, when it is loaded: GNU's, which torch
brings on Linux, and LLVM's and Intel's, which it brings elsewhere. What the user has set stays.
The loops of :mod:`tinyinterp.compiled` need no word: the threads of a pool sleep when they wait.
"""

from __future__ import annotations

import os

# What we set, and with it the names that say the same: whoever set one of them has chosen.
GNU, GNU_CHOSEN = ("GOMP_SPINCOUNT", "2000"), ("GOMP_SPINCOUNT", "OMP_WAIT_POLICY")  # turns
LLVM, LLVM_CHOSEN = (
    ("KMP_BLOCKTIME", "0"),
    ("KMP_BLOCKTIME", "KMP_LIBRARY", "OMP_WAIT_POLICY"),
)  # ms


def let_waiting_threads_sleep() -> None:
    """Name it in the environment, unless the user has.

    Call it before torch is imported; later it holds only for processes that this one starts.
    """
    for (name, value), chosen in ((GNU, GNU_CHOSEN), (LLVM, LLVM_CHOSEN)):
        if not any(os.environ.get(other) for other in chosen):
            os.environ[name] = value
