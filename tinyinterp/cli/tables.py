"""What commands that write a table share: its warnings and its JSON."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from tinyinterp.cli.report import say

if TYPE_CHECKING:
    from tinyinterp.io.output import OutputFolder
    from tinyinterp.io.table import Table


def say_warnings(table: Table) -> None:
    """Print the table's warnings on standard error."""
    for warning in table.notes.get("warnings", []):
        say(f"note: {warning}")


def as_json(table: Table, output: OutputFolder) -> dict[str, Any]:
    """The table and the paths of the files written, for ``--json``."""
    return json.loads(table.to_json()) | {"files": [str(path) for path in output.written]}
