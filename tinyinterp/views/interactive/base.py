"""What all plotly figures share: fonts and colours of :mod:`style`, and how one is written.

Text of others is escaped, as plotly reads some HTML in its labels. A figure is written with a fixed
element id and without dates, so that the same numbers give the same bytes.
"""

from __future__ import annotations

import html
import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import plotly.graph_objects as go
from plotly.offline import get_plotlyjs

from tinyinterp.io.files import write_text
from tinyinterp.views import style
from tinyinterp.views.needs import short_needs
from tinyinterp.views.page import INLINE_POLICY

UNSEEN = "clip-path:inset(50%);height:1px;margin:0;overflow:hidden;position:absolute;width:1px"
LIBRARY = "plotly.min.js"
UPLOADS = "sendChartToCloud"  # plotly's button "Share chart", which uploads the figure
CONFIG: dict[str, Any] = {"displaylogo": False, "responsive": False, "showSendToCloud": False}
# As of the pages; a file beside the page may be read where there is one.
BESIDE_POLICY = INLINE_POLICY.replace("script-src", "script-src 'self' file:")
FONTS = f"{style.FONT}, Verdana, sans-serif"
LEGEND = {"orientation": "h", "x": 0, "y": -0.12, "yanchor": "top", "itemsizing": "constant"}


def new_figure(title: str, *, width: int, height: int) -> go.Figure:
    """An empty figure with its title; sizes are pixels."""
    figure = go.Figure()
    dress(figure, title, width=width, height=height)
    return figure


def dress(figure: go.Figure, title: str, *, width: int, height: int) -> None:
    """Give a figure the look of all others."""
    figure.update_layout(
        template="none",
        title={"text": f"<b>{words(title)}</b>", "x": 0.01, "font": {"size": 15}},
        font={"family": FONTS, "size": 12, "color": style.INK},
        hoverlabel={"font": {"family": FONTS, "size": 12}, "align": "left"},
        width=width,
        height=height,
        margin={"l": 80, "r": 30, "t": 60, "b": 90},
        legend=LEGEND,
        showlegend=True,  # plotly leaves it out where there is one kind
        paper_bgcolor="white",
        plot_bgcolor="white",
        modebar={"remove": [UPLOADS]},  # a part of the figure, so it holds wherever it is shown
    )


def axis(label: str, **others: Any) -> dict[str, Any]:
    """An axis with light lines of its own."""
    look = {"gridcolor": style.NOT_ALLOWED, "linecolor": style.FAINT, "zerolinecolor": style.FAINT}
    title = {"text": label, "font": {"size": 12}, "standoff": 12}
    return {"title": title, "automargin": True, **look, **others}


def words(text: str) -> str:
    """Text that plotly shows as it is, on one line."""
    return html.escape(style.show_text(text), quote=False)


def needs_line(row: Mapping[str, Any]) -> str:
    """A further line of what is read under the mouse: what the component needs, if it is known."""
    needs = short_needs(row)
    return f"<br>{words(needs)}" if needs else ""


def known(value: float | None) -> float | None:
    """A number that JSON has; None leaves a gap."""
    return None if value is None or not math.isfinite(value) else float(value)


def save_figure(figure: go.Figure, path: Path, *, beside: bool = False) -> Path:
    """Write a page that opens from disk with no network.

    Args:
        path: of the page.
        beside: the 5 MB of plotly's script go into ``plotly.min.js`` in the same folder, which
            several pages share, instead of into the page.

    Raises:
        OutputError: the folder cannot be written.
    """
    figure_html = figure.to_html(
        full_html=False,
        config=CONFIG,
        include_plotlyjs="directory" if beside else True,
        div_id="figure",
    )
    policy = BESIDE_POLICY if beside else INLINE_POLICY
    title = str(figure.layout["title"]["text"] or "").removeprefix("<b>").removesuffix("</b>")
    start = (
        f'<!doctype html>\n<html lang="en">\n<head><meta charset="utf-8">'
        f'<meta http-equiv="Content-Security-Policy" content="{policy}">'
        f"<title>{title}</title></head>\n<body><main>\n"
        f'<h1 style="{UNSEEN}">{title}</h1>\n'
    )
    page = f"{start}{figure_html}\n</main></body>\n</html>"
    if beside:
        write_text(path.parent / LIBRARY, get_plotlyjs())
    write_text(path, page + "\n")
    return path
