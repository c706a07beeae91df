"""The account: how much of a head, a neuron or the model a simple story explains, by running it.

    contexts ─► means ─► surrogates ─► fit      what FIT says of every context
                                        │
                           score, effects       TEST: run it in the place of heads and neurons
                                        │
                   judged ─► rows ─► account    shares with intervals, what everything needs

Beside it stand n-gram models of the same text (:mod:`ngrams`), and what the weights say without any
text (:mod:`weights`).

Names are imported when they are first used: pages and tables need the ladder's alone.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tinyinterp.model_account.account import AccountSettings, ModelAccount, take_account

__all__ = ["AccountSettings", "ModelAccount", "take_account"]


def __getattr__(name: str) -> object:
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module("tinyinterp.model_account.account"), name)
