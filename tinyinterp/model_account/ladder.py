"""The rungs of the ladders, what a rung must reach, and what a component's needed rung gives.

Apart from how they are measured, so that a page which names them imports nothing that is slow.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from tinyinterp.io.table import is_known

RUNGS = ("position", "tokens", "predecessor", "trigram", "gist")  # of heads and of the whole model
NEURON_RUNGS = ("position", "token", "predecessor", "trigram", "gist")
PREDICTORS = (*NEURON_RUNGS, "tag", "tag_pair")
CONTEXT = "context"
LADDER = 3  # rungs that a component can need; the others stand beside the ladder
BOUNDS = ("", "_low", "_high")
UNKNOWN = float("nan")


@dataclass(frozen=True)
class Thresholds:
    """What a rung must reach for a component to need no more."""

    keeps: float = 0.8
    keeps_low: float = 0.7
    r2: float = 0.5
    r2_low: float = 0.45


THRESHOLDS = Thresholds()


def needed_share(account: Mapping[str, Any], name: str, rungs: tuple[str, ...]) -> dict[str, Any]:
    """The share of the needed rung with its bounds; of the best rung where context is needed.

    Args:
        account: of one component.
        name: how its columns begin: ``keeps`` or ``r2``.
        rungs: of the ladder, the lowest first.

    >>> row = {"needs": "tokens", "keeps_position": 0.2, "keeps_tokens": 0.9}
    >>> needed_share(row, "keeps", ("position", "tokens"))
    {'keeps': 0.9, 'keeps_low': nan, 'keeps_high': nan}
    """
    rung = account.get("needs") or ""
    if rung == CONTEXT:
        known = [each for each in rungs[:LADDER] if is_known(account.get(f"{name}_{each}"))]
        rung = max(known, key=lambda each: account[f"{name}_{each}"], default="")
    shares = (account.get(f"{name}_{rung}{end}") for end in BOUNDS)
    return {
        f"{name}{end}": share if is_known(share) else UNKNOWN
        for end, share in zip(BOUNDS, shares, strict=True)
    }
