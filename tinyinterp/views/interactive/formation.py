"""When heads form, by plotly."""

from __future__ import annotations

import plotly.graph_objects as go
from plotly.subplots import make_subplots

from tinyinterp.io.table import Table
from tinyinterp.views import style
from tinyinterp.views.formation import SCORES, formation_lines
from tinyinterp.views.interactive.base import axis, dress, known

WIDTH, HEIGHT = 150, 110  # pixels of a panel


def plot_formation(table: Table, title: str) -> go.Figure:
    """As :func:`tinyinterp.views.formation.draw_formation`; step 0 stands at a half."""
    layers = sorted(set(table["layer"]))
    figure = make_subplots(
        rows=len(layers),
        cols=len(SCORES),
        shared_xaxes=True,
        shared_yaxes=True,
        column_titles=[score.heading for score in SCORES],
        horizontal_spacing=0.012,
        vertical_spacing=0.12 / len(layers),
    )
    dress(figure, title, width=WIDTH * len(SCORES) + 120, height=HEIGHT * len(layers) + 210)
    figure.update_layout(margin={"t": 90})
    figure.update_annotations(font={"size": 11})
    seen: set[str] = set()
    for column, score in enumerate(SCORES, start=1):
        for line in formation_lines(table, score):
            figure.add_scatter(
                x=[max(step, 0.5) for step in line.steps],
                y=[known(value) for value in line.values],
                mode="lines+markers",
                line={"color": style.kind_colour(line.kind), "width": 1.4},
                marker={"size": 4},
                name=line.kind,
                legendgroup=line.kind,
                showlegend=line.kind not in seen,
                hovertemplate=f"<b>{line.layer}.{line.head}</b> step %{{x}}: %{{y:.2f}}"
                "<extra></extra>",
                row=layers.index(line.layer) + 1,
                col=column,
            )
            seen.add(line.kind)
        for threshold in score.thresholds:
            for row in range(1, len(layers) + 1):
                figure.add_shape(
                    {
                        "type": "line",
                        "xref": "x domain",
                        "x0": 0,
                        "x1": 1,
                        "y0": threshold,
                        "y1": threshold,
                        "line": {"color": style.FAINT, "width": 0.8, "dash": "dash"},
                    },
                    row=row,
                    col=column,
                )
    figure.update_xaxes(axis("", type="log", dtick=1, exponentformat="none"))
    figure.update_yaxes(axis("", range=(-0.04, 1.04), tickvals=[0, 0.5, 1]))
    for row, layer in enumerate(layers, start=1):
        figure.update_yaxes(title_text=f"layer {layer}", row=row, col=1)
    figure.update_xaxes(title_text="step", row=len(layers), col=(len(SCORES) + 1) // 2)
    return figure
