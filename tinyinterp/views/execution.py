"""What a notebook is running, as far as its kernel knows."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Execution:
    """Which run of which cell is going on; both None outside of a notebook."""

    cell: str | None = None
    run: str | None = None
    deleted: frozenset[str] = frozenset()  # cells that the front end says are gone
    named: bool = False  # whether the front end names its cells, as those for people do


def current_execution() -> Execution:
    """The cell that IPython's kernel is running, if there is one."""
    if "IPython" not in sys.modules:
        return Execution()
    shell = sys.modules["IPython"].get_ipython()
    message: dict[str, Any] = getattr(shell, "parent_header", None) or {}
    metadata, content = message.get("metadata", {}), message.get("content", {})
    return Execution(
        cell=metadata.get("cellId") or content.get("code"),
        run=message.get("header", {}).get("msg_id"),
        deleted=frozenset(metadata.get("deletedCells", ())),
        named="cellId" in metadata,
    )
