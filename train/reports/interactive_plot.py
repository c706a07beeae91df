"""Loss curves as an interactive plotly figure."""

from __future__ import annotations

from collections.abc import Sequence

import plotly.graph_objects as go

from tinyinterp.views.interactive.base import axis, new_figure, words

from .curves import X_LABEL, Y_LABEL, DrawnRun, loss_limits

MARKERS = ("circle", "square", "diamond", "triangle-up", "triangle-down", "pentagon", "star")
DIGITS = 4  # of a loss


def plot_losses(runs: Sequence[DrawnRun], title: str) -> go.Figure:
    """As :func:`train.reports.plot.plot_runs` draws them; hovering over a point shows its loss."""
    figure = new_figure(title, width=960, height=560)
    for run in runs:
        curve, said = run.curve, "%{x:,} tokens: %{y}<extra></extra>"
        figure.add_scatter(
            x=curve.tokens.tolist(),
            y=[round(loss, DIGITS) for loss in curve.loss.tolist()],
            mode="lines",
            line={"color": run.colour, "width": 0.6},
            opacity=0.4,
            legendgroup=run.trained,
            showlegend=False,
            hoverinfo="skip",
        )
        figure.add_scatter(
            x=curve.tokens.tolist(),
            y=[round(loss, DIGITS) for loss in run.smooth.tolist()],
            mode="lines",
            line={"color": run.colour, "width": 2},
            name=words(run.trained),
            legendgroup=run.trained,
            hovertemplate=said,
        )
        if len(curve.dev_loss):
            figure.add_scatter(
                x=curve.dev_tokens.tolist(),
                y=[round(loss, DIGITS) for loss in curve.dev_loss.tolist()],
                mode="markers",
                marker={
                    "symbol": MARKERS[run.marker],
                    "size": 7,
                    "color": "white",
                    "line": {"color": run.colour, "width": 1.5},
                },
                name=words(run.held_out),
                hovertemplate=said,
            )
    figure.update_xaxes(axis(X_LABEL, rangemode="tozero"))
    figure.update_yaxes(axis(Y_LABEL, range=loss_limits(runs)))
    return figure
