"""The account of a model and the ladder of one component, by plotly."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import plotly.graph_objects as go
from plotly.subplots import make_subplots

from tinyinterp.io.table import Table
from tinyinterp.views import style
from tinyinterp.views.account_points import (
    LANGUAGE_COLOUR,
    RUNG_LABEL,
    SIZE_LABEL,
    Y_LABEL,
    account_points,
)
from tinyinterp.views.bars import Bars
from tinyinterp.views.interactive.base import axis, dress, known, new_figure, words
from tinyinterp.views.ladder_points import Ladder


def plot_account(table: Table, title: str) -> go.Figure:
    """As :func:`tinyinterp.views.account_plot.draw_account`; each bar says its interval."""
    points = account_points(table)
    figure = make_subplots(
        rows=1, cols=2, shared_yaxes=True, column_widths=[0.6, 0.4], horizontal_spacing=0.04
    )
    dress(figure, title, width=1100, height=520)
    _add_bars(figure, points.bars, row=1, col=1)
    _add_line(figure, points.best_value, row=1, col=1)
    for curve in points.curves:
        figure.add_scatter(
            x=curve.sizes,
            y=[known(value) for value in curve.values],
            mode="lines+markers",
            line={"color": curve.colour, "width": 1.4},
            marker={"size": 7},
            name=words(f"{curve.name}, by size"),
            hoverinfo="text",
            hovertext=[
                f"<b>{words(label)}</b><br>{style.number(value)} with {size:,} numbers"
                for label, size, value in zip(curve.labels, curve.sizes, curve.values, strict=True)
            ],
            row=1,
            col=2,
        )
    groups = list(map(words, points.groups))
    ticks = {"tickvals": list(range(len(groups))), "ticktext": groups}
    figure.update_layout(barmode="overlay", legend_y=-0.2)
    figure.update_xaxes(axis(RUNG_LABEL, showgrid=False, zeroline=False, **ticks), row=1, col=1)
    figure.update_xaxes(axis(SIZE_LABEL, type="log", dtick=1), row=1, col=2)
    figure.update_yaxes(axis("", range=(0, 1.02)))
    figure.update_yaxes(title_text=Y_LABEL, row=1, col=1)
    return figure


def plot_ladder(ladder: Ladder, title: str) -> go.Figure:
    """As :func:`tinyinterp.views.ladder_plot.draw_ladder`; each bar says its interval."""
    figure = new_figure(title, width=760, height=460)
    _add_bars(figure, ladder.bars)
    _add_line(figure, ladder.enough)
    rungs = ladder.rungs
    ticks = {"tickvals": list(range(len(rungs))), "ticktext": rungs}
    across = (-0.6, len(rungs) - 0.4)
    figure.update_layout(barmode="overlay", legend_y=-0.25)
    figure.update_xaxes(
        axis(words(ladder.about), range=across, showgrid=False, zeroline=False, **ticks)
    )
    figure.update_yaxes(axis("share", range=(ladder.lowest - 0.02, 1.02)))
    return figure


def _add_bars(figure: go.Figure, bars: Sequence[Bars], **where: Any) -> None:
    for each in bars:
        down, up = each.arms()
        figure.add_bar(
            x=each.places,
            y=[known(height) for height in each.heights()],
            width=each.width,
            marker={"color": each.colour, "line": {"width": 0}},
            error_y=_reach(down, up),
            name=words(each.name),
            text=each.marks(),
            textposition="outside",
            cliponaxis=False,
            hoverinfo="text",
            hovertext=[f"<b>{words(each.name)}</b><br>{words(said)}" for said in each.said()],
            **where,
        )


def _reach(down: list[float], up: list[float]) -> dict[str, Any]:
    return {"array": up, "arrayminus": down, "thickness": 1, "width": 0, "color": style.FAINT}


def _add_line(figure: go.Figure, height: float, **where: Any) -> None:
    if math.isfinite(height):
        line = {"color": LANGUAGE_COLOUR, "width": 1, "dash": "dash"}
        figure.add_hline(height, line=line, **where)
