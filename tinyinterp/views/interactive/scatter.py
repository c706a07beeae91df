"""Scatter plots by plotly: scores of heads, the causal check, neurons."""

from __future__ import annotations

import math
from collections.abc import Sequence

import plotly.graph_objects as go

from tinyinterp.io.table import Table
from tinyinterp.views import causal_plot, neuron_plot, score_plot, style
from tinyinterp.views.causal_plot import LINEAR, arms, causal_points
from tinyinterp.views.interactive.base import axis, known, needs_line, new_figure, words
from tinyinterp.views.points import Group, Row, check_column, groups_by_kind, place_of

CHECKS = ("ablation", "surrogate")
NUMBERS = ("sink", "contrast", "position_explained", "place_explained", "induction")


def plot_scores(
    table: Table, title: str, *, x: str = score_plot.X, y: str = score_plot.Y
) -> go.Figure:
    """As :func:`tinyinterp.views.score_plot.draw_scores`; each head says its scores."""
    check_column(table, x)
    check_column(table, y)
    figure = new_figure(title, width=860, height=560)
    columns = dict.fromkeys((x, y, *NUMBERS))
    for group in groups_by_kind(table, x, y):
        trace = _points(group, 10)
        trace.update(hovertext=[_said(row, columns) for row in group.rows])
        figure.add_trace(trace)
    figure.update_xaxes(axis(words(x.replace("_", " "))))
    figure.update_yaxes(axis(words(y.replace("_", " "))))
    return figure


def plot_neurons(table: Table, title: str) -> go.Figure:
    """As :func:`tinyinterp.views.neuron_plot.draw_neurons`; each neuron says its tag and hits."""
    figure = new_figure(title, width=860, height=560)
    for group in groups_by_kind(table, neuron_plot.X, neuron_plot.Y):
        trace = _points(group, 6)
        trace.update(hovertext=[_neuron_said(row) for row in group.rows])
        figure.add_trace(trace)
    figure.add_hline(0.5, line={"color": style.FAINT, "width": 1, "dash": "dot"})
    figure.update_xaxes(axis(neuron_plot.X_LABEL, range=(-0.02, 1.02)))
    figure.update_yaxes(axis(neuron_plot.Y_LABEL, range=(-0.02, 1.02)))
    return figure


def plot_causal_check(table: Table, title: str) -> go.Figure:
    """As :func:`tinyinterp.views.causal_plot.draw_causal_check`, its axes bent in the same way."""
    points = causal_points(table)
    figure = new_figure(title, width=860, height=720)
    across = [LINEAR * 10 ** (step / 20) for step in range(-40, 100)]
    across = [0.0, *(value for value in across if value < points.beyond), points.beyond]
    for part, dash, kept in ((1, "dot", "nothing"), (0.5, "dash", "half")):
        x, y = ([bent(value * share) for value in across] for share in (1, part))
        figure.add_scatter(
            x=x,
            y=y,
            mode="lines",
            line={"color": style.FAINT, "width": 1, "dash": dash},
            name=f"position keeps {kept}",
            hoverinfo="skip",
        )
    for group in points.groups:
        figure.add_trace(_with_arms(group))
    rows = [row for group in points.groups for row in group.rows]
    ends = [row[f"{name}_{end}"] for row in rows for name in CHECKS for end in ("low", "high")]
    for update, label in (
        (figure.update_xaxes, causal_plot.X_LABEL),
        (figure.update_yaxes, causal_plot.Y_LABEL),
    ):
        ticks = _ticks(min([0.0, *ends]), max([points.beyond, *ends]))
        update(axis(label, tickvals=[bent(t) for t in ticks], ticktext=[f"{t:g}" for t in ticks]))
    return figure


def bent(value: float) -> float:
    """To scale around 0, by logarithm beyond; plotly has no such axis.

    >>> bent(0.0005), bent(0.001), bent(-0.1)
    (0.5, 1.0, -3.0)
    """
    size = abs(value) / LINEAR
    return math.copysign(size if size <= 1 else 1 + round(math.log10(size), 12), value)


def _ticks(low: float, high: float) -> list[float]:
    powers = [LINEAR * 10**step for step in range(6)]
    return [
        *(-power for power in reversed(powers) if -power >= low),
        0.0,
        *(power for power in powers if power <= high),
    ]


def _with_arms(group: Group) -> go.Scatter:
    trace = _points(group, 9)
    trace.update(x=[bent(value) for value in group.x], y=[bent(value) for value in group.y])
    for name, values, (down, up) in zip("xy", (group.x, group.y), arms(group), strict=True):
        reach = {
            "array": [bent(v + d) - bent(v) for v, d in zip(values, up, strict=True)],
            "arrayminus": [bent(v) - bent(v - d) for v, d in zip(values, down, strict=True)],
            "thickness": 1,
            "width": 0,
            "color": group.colour,
        }
        trace.update({f"error_{name}": reach})
    trace.update(hovertext=[_said(row, causal_plot.RISES, digits=4) for row in group.rows])
    return trace


def _points(group: Group, size: int) -> go.Scatter:
    return go.Scatter(
        x=[known(value) for value in group.x],
        y=[known(value) for value in group.y],
        mode="markers",
        name=words(group.label),
        marker={
            "size": size,
            "color": group.colour,
            "line": {"width": 0.5 if size > 6 else 0, "color": style.INK},
        },
        hoverinfo="text",
    )


def _said(row: Row, columns: Sequence[str] | dict[str, None], digits: int = 2) -> str:
    """What is read when the mouse is on a head."""
    role = f", {row['role']}" if row.get("role") else ""
    lines = [
        f"{words(name.replace('_', ' '))} {style.number(row[name], digits)}"
        for name in columns
        if name in row
    ]
    first = f"<b>{place_of(row)}</b> {words(row['kind'] + role)}{needs_line(row)}"
    return "<br>".join([first, *lines])


def _neuron_said(row: Row) -> str:
    tag = f": {words(row['best_tag'])}" if row.get("best_tag") else ""
    lines = [f"<b>{place_of(row)}</b> {words(row['kind'])}{tag}{needs_line(row)}"]
    if "tag_correlation" in row:
        bounds = style.interval(row["tag_correlation_low"], row["tag_correlation_high"])
        lines.append(f"r {style.number(row['tag_correlation'])} ({bounds})")
    bounds = style.interval(row.get("auroc_low"), row.get("auroc_high"))
    lines.append(f"AUROC {style.number(row['auroc'])} ({bounds})")
    lines.append(f"purity {style.number(row['purity'])}")
    if "hits" in row:
        lines.append(f"hits {row['hits']:,}")
    return "<br>".join(lines)
