"""The script of circuitsvis, from the installed package, and which output of a notebook brings it.

The script weighs 1.3 MB, so a notebook holds it once: the first widget that is shown brings it, in
the same output, and says so to all others on the page, those before it included. The cell that
brought it brings it again when it is run again, as its old output is gone then, and another cell
does once that one was deleted. A widget on a page without the script is drawn without it.
"""

from __future__ import annotations

from functools import cache
from importlib.resources import files

from tinyinterp.views.execution import Execution

READY = "tinyinterp-circuitsvis"  # the event by which widgets learn that the script is there


class Carrier:
    """Remembers which cell of this kernel's notebook brought the script."""

    def __init__(self) -> None:
        self._brought: Execution | None = None

    def must_bring(self, now: Execution) -> bool:
        """Whether the output that is made now has to hold the script; it is taken to do so."""
        before = self._brought
        again = before is not None and (
            (before.cell is not None and before.cell == now.cell and before.run != now.run)
            or before.cell in now.deleted
        )
        if before is None or again:
            self._brought = now
            return True
        return False


carrier = Carrier()


@cache
def script_element() -> str:
    """The script as an element of a page; a page that has it already does not run it again."""
    source = files("circuitsvis").joinpath("dist", "cdn", "iife.js").read_text("utf-8")
    source = source[: source.rindex("//# sourceMappingURL")].replace("</script", "<\\/script")
    return (
        f"<script>self.CircuitsVis??=(()=>{{{source};return CircuitsVis}})();"
        f"document.dispatchEvent(new Event('{READY}'))</script>"
    )
