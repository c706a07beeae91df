"""Direct logit attribution by plotly."""

from __future__ import annotations

import plotly.graph_objects as go

from tinyinterp.views.attribution_plot import HIGHEST, LOWEST, MOST_WRITTEN, X_LABEL, Parts, written
from tinyinterp.views.interactive.base import axis, new_figure, words

CELL, TALL = 62, 36  # pixels


def plot_attribution(parts: Parts, title: str) -> go.Figure:
    """As :func:`tinyinterp.views.attribution_plot.draw_attribution`; each cell says its part."""
    cells, columns = parts.cells, parts.columns
    n_layers, n_columns = cells.shape
    figure = new_figure(title, width=max(700, CELL * n_columns + 240), height=TALL * n_layers + 200)
    n_heads = n_columns - 2
    said = [
        [
            f"<b>{_name(layer, column, n_heads)}</b><br>{cells[layer, column]:+.3f}"
            for column in range(n_columns)
        ]
        for layer in range(n_layers)
    ]
    figure.add_heatmap(
        z=cells.tolist(),
        x=list(range(n_columns)),
        y=list(range(n_layers)),
        colorscale=[[0, LOWEST], [0.5, "#FFFFFF"], [1, HIGHEST]],
        zmin=-parts.most,
        zmax=parts.most,
        xgap=1,
        ygap=1,
        text=[list(map(written, row)) for row in cells.tolist()],
        texttemplate="%{text}" if n_columns <= MOST_WRITTEN else None,
        hoverinfo="text",
        hovertext=said,
        colorbar={"title": {"text": "logit"}, "thickness": 14},
    )
    figure.update_xaxes(
        axis(X_LABEL, tickvals=list(range(n_columns)), ticktext=columns, showgrid=False,
             zeroline=False)
    )  # fmt: skip
    figure.update_yaxes(
        axis("layer", tickvals=list(range(n_layers)), autorange="reversed", showgrid=False,
             zeroline=False)
    )  # fmt: skip
    figure.update_layout(margin={"t": 90})
    figure.add_annotation(
        text=words(parts.said()), x=0, y=1.0, xref="paper", yref="paper", xanchor="left",
        yanchor="bottom", yshift=6, showarrow=False,
    )  # fmt: skip
    return figure


def _name(layer: int, column: int, n_heads: int) -> str:
    if column < n_heads:
        return f"L{layer}H{column}"
    return f"MLP {layer}" if column == n_heads else f"bias of attention {layer}"
