"""What commands that measure share: what they say of their text and table, and its JSON."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from tinyinterp.cli.report import say

if TYPE_CHECKING:
    from tinyinterp.io.output import OutputFolder
    from tinyinterp.io.table import Table
    from tinyinterp.model import AnyModel


def say_warnings(table: Table) -> None:
    """Print the table's warnings on standard error."""
    for warning in table.notes.get("warnings", []):
        say(f"note: {warning}")


def say_if_trained_on(model: AnyModel, text: str) -> None:
    """Say on standard error that the model may know this text by heart: its record names it."""
    from tinyinterp.checkpoint.facts import trained_on

    if trained_on(model.checkpoint.training) == text:
        say(
            f"note: {model.name} was trained on a text of this name, {text}; what a model knows by "
            "heart it predicts better than it reads: give a text that was held out with --text"
        )


def as_json(table: Table, output: OutputFolder) -> dict[str, Any]:
    """The table and the paths of the files written, for ``--json``."""
    return json.loads(table.to_json()) | {"files": [str(path) for path in output.written]}
