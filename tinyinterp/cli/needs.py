"""``--account``: what heads and neurons need, beside their kinds."""

from __future__ import annotations

import textwrap
from typing import TYPE_CHECKING

from tinyinterp.cli.report import WIDTH, columns

if TYPE_CHECKING:
    from tinyinterp.io.table import Table

ABOUT = {
    "heads": "Kind (where heads look) by what the loss needs of them:",
    "neurons": "Kind (what neurons fire on) by what predicting them needs:",
}
NOTHING = {"heads": "no effect", "neurons": "constant"}


def needs_lines(table: Table, what: str) -> list[str]:
    """How many heads or neurons of each kind need what; nothing without an account."""
    from tinyinterp.views.needs import NEEDS, needs_by_kind

    if NEEDS not in table.columns:
        return []
    header, rows = needs_by_kind(table, NOTHING[what])
    return ["", *textwrap.wrap(ABOUT[what], WIDTH), *columns(header, rows)]
