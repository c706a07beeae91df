"""Maps of layers by plotly: kinds of heads, their offset profiles, kinds of neurons."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import plotly.graph_objects as go
from jaxtyping import Float
from plotly.subplots import make_subplots

from tinyinterp.io.table import Table
from tinyinterp.views import style
from tinyinterp.views.interactive.base import axis, dress, needs_line, new_figure, words
from tinyinterp.views.kind_map import cell_words
from tinyinterp.views.kind_shares import Shares, kinds_that_occur
from tinyinterp.views.profiles import INSIDE, Profile, cell_profiles

CELL = 92  # pixels across
WIDEST = 1400  # pixels of all cells together


def plot_kind_map(table: Table, title: str) -> go.Figure:
    """As :func:`tinyinterp.views.kind_map.draw_kind_map`; a click on a kind hides its heads."""
    n_layers, n_heads = max(table["layer"], default=-1) + 1, max(table["head"], default=-1) + 1
    cell = min(CELL, WIDEST / max(1, n_heads))
    figure = new_figure(
        title, width=max(int(cell * n_heads) + 140, 720), height=46 * n_layers + 190
    )
    for kind in (kind for kind in style.KIND_COLOURS if kind in table["kind"]):
        rows = [row for row in table if row["kind"] == kind]
        labels = [cell_words(row) for row in rows]
        figure.add_bar(
            x=[row["head"] for row in rows],
            y=[0.94] * len(rows),
            base=[row["layer"] - 0.47 for row in rows],
            width=0.94,
            marker={"color": style.kind_colour(kind), "line": {"width": 0}},
            name=f"{kind} ({len(rows):,})",
            text=[
                "<br>".join(map(words, label)) if cell > 70 else words(label[1].split()[-1])
                for label in labels
            ],
            textposition="inside",
            insidetextanchor="middle",
            textangle=0,
            textfont={"color": style.ink_on(style.kind_colour(kind)), "size": 10},
            hoverinfo="text",
            hovertext=[
                f"<b>{row['layer']}.{row['head']}</b> {words(kind)}"
                f"{', ' + words(row['role']) if row.get('role') else ''}<br>{words(label[1])} "
                f"({style.interval(row.get('low'), row.get('high'))}){needs_line(row)}"
                for row, label in zip(rows, labels, strict=True)
            ],
        )
    attention = {row["layer"]: row.get("attention", "") for row in table}
    names = [f"{words(attention.get(layer, ''))} {layer}" for layer in range(n_layers)]
    figure.update_layout(barmode="overlay")
    heads = list(range(n_heads))
    across = (-0.5, n_heads - 0.5)
    figure.update_xaxes(axis("head", tickvals=heads, range=across, showgrid=False, zeroline=False))
    layers = list(range(n_layers))
    limits = (n_layers - 0.5, -0.5)
    figure.update_yaxes(
        axis("layer", tickvals=layers, ticktext=names, range=limits, showgrid=False, zeroline=False)
    )
    return figure


def plot_profiles(
    profiles: Float[np.ndarray, "layer head offset"], table: Table, title: str
) -> go.Figure:
    """As :func:`tinyinterp.views.profiles.draw_profiles`; each offset says its weight."""
    n_layers, n_heads, _ = profiles.shape
    cell = min(CELL, WIDEST / max(1, n_heads))
    figure = new_figure(
        title, width=max(int(cell * n_heads) + 140, 720), height=64 * n_layers + 190
    )
    cells = cell_profiles(profiles, table)
    for kind in (kind for kind in style.KIND_COLOURS if kind in table["kind"]):
        here = [found for found in cells if found.kind == kind]
        name = f"{kind} ({len(here):,})"
        _add_profiles(figure, here, name, style.kind_colour(kind))
    figure.update_xaxes(
        axis("head", tickvals=[head + INSIDE / 2 for head in range(n_heads)],
             ticktext=list(map(str, range(n_heads))), range=(0, n_heads), showgrid=False,
             zeroline=False)
    )  # fmt: skip
    figure.update_yaxes(
        axis("layer", tickvals=[layer + 1 - INSIDE / 2 for layer in range(n_layers)],
             ticktext=list(map(str, range(n_layers))), range=(n_layers, 0), showgrid=False,
             zeroline=False)
    )  # fmt: skip
    return figure


def _add_profiles(figure: go.Figure, cells: list[Profile], name: str, colour: str) -> None:
    """One filled trace for the heads of a kind, with a gap between two, and their points."""
    gap = np.array([[np.nan, np.nan]])
    outlines = np.concatenate([part for cell in cells for part in (cell.outline, gap)])
    figure.add_scatter(
        x=_short(outlines[:, 0]),
        y=_short(outlines[:, 1]),
        mode="lines",
        line={"color": colour, "width": 0.4},
        fill="toself",
        fillcolor=colour,
        name=name,
        legendgroup=name,
        hoverinfo="skip",
    )
    figure.add_scatter(
        x=_short(np.concatenate([cell.x for cell in cells])),
        y=_short(np.concatenate([cell.y for cell in cells])),
        mode="markers",
        marker={"opacity": 0, "color": colour},
        legendgroup=name,
        showlegend=False,
        hoverinfo="text",
        hovertext=[
            f"<b>{cell.layer}.{cell.head}</b> {words(cell.kind)}<br>"
            f"{offset} back: {style.number(float(weight), 3)}"
            for cell in cells
            for offset, weight in enumerate(cell.weights)
        ],
    )


def _short(values: Float[np.ndarray, " point"]) -> list[float | None]:
    """Four decimals are finer than a pixel."""
    return [round(value, 4) if np.isfinite(value) else None for value in values.tolist()]


def plot_kind_shares(models: Mapping[str, Shares], title: str) -> go.Figure:
    """As :func:`tinyinterp.views.kind_shares.draw_kind_shares`."""
    layers = sorted(next(iter(models.values())))
    figure = make_subplots(
        rows=1, cols=len(models), shared_yaxes=True, subplot_titles=[words(name) for name in models]
    )
    dress(figure, title, width=max(360 * len(models), 720), height=30 * len(layers) + 230)
    for kind in kinds_that_occur(models):
        for column, shares in enumerate(models.values(), start=1):
            figure.add_bar(
                x=[round(shares[layer].get(kind, 0.0), 6) for layer in layers],
                y=layers,
                orientation="h",
                name=kind,
                legendgroup=kind,
                showlegend=column == 1,
                marker={"color": style.NEURON_COLOURS[kind], "line": {"width": 0}},
                hovertemplate="layer %{y}: %{x:.1%} " + kind + "<extra></extra>",
                row=1,
                col=column,
            )
    below = 40 / (
        30 * len(layers) + 80
    )  # of the height of the bars: free of the ticks of one layer
    figure.update_layout(barmode="stack", bargap=0.2, legend_y=-below)
    ticks = {"tickvals": [0, 0.5, 1], "ticktext": ["0", "half", "all"]}
    figure.update_xaxes(axis("", range=(0, 1), showgrid=False, **ticks))
    figure.update_yaxes(axis("", range=(max(layers) + 0.6, min(layers) - 0.6), tickvals=layers))
    figure.update_yaxes(title_text="layer", col=1)
    return figure
