"""One picture in two forms: plotly for screens, matplotlib for paper."""

from __future__ import annotations

import base64
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tinyinterp.errors import OutputError
from tinyinterp.io.paths import expanded
from tinyinterp.views import style
from tinyinterp.views.execution import current_execution

if TYPE_CHECKING:
    import plotly.graph_objects as go
    from matplotlib.figure import Figure

PAPER = (".png", ".svg", ".pdf")


@dataclass(frozen=True)
class Picture:
    """A notebook shows it with plotly where it can; the ending of a file says how it is saved.

    Args:
        title: one line.
        draw: makes the matplotlib figure.
        plot: makes the plotly figure.
    """

    title: str
    draw: Callable[[], Figure]
    plot: Callable[[], go.Figure]

    @cached_property
    def matplotlib(self) -> Figure:
        """The matplotlib figure."""
        return self.draw()

    @cached_property
    def plotly(self) -> go.Figure:
        """The plotly figure."""
        return self.plot()

    def save(self, path: str | Path, *, beside: bool = False) -> Path:
        """Write ``.html``, ``.png``, ``.svg`` or ``.pdf``; the same numbers give the same bytes.

        Args:
            path: the ending says in which form.
            beside: of ``.html``: plotly's 5 MB go into a file beside it, which pages share.

        Raises:
            OutputError: the ending is none of these, or the folder cannot be written.
        """
        target = expanded(path)
        if target.suffix.lower() in PAPER:
            return style.save(self.matplotlib, target)
        if target.suffix.lower() != ".html":
            raise OutputError(
                f"{target} is no picture's name: end it in .html to zoom in, or {', '.join(PAPER)}"
            )
        from tinyinterp.views.interactive.base import save_figure

        return save_figure(self.plotly, target, beside=beside)

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> dict[str, Any]:
        """Plotly; a PNG where nobody can zoom, such as in a notebook that is run to be exported.

        Not both: JupyterLab shows the PNG of the two.
        """
        bundle: dict[str, Any] = self.plotly._repr_mimebundle_(include, exclude) or {}
        if not current_execution().named:
            bundle["image/png"] = base64.b64encode(style.png_bytes(self.matplotlib)).decode()
        return bundle | {"text/plain": repr(self)}

    def __repr__(self) -> str:
        return f"<picture: {self.title}; shown by a notebook, or .save(path)>"
