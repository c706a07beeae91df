"""Offset profiles: how far back every head looks, layers by heads, on shared axes."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float
from matplotlib.collections import PolyCollection
from matplotlib.ticker import NullLocator

from tinyinterp.io.table import Table
from tinyinterp.views import style
from tinyinterp.views.figure import Figure

CELL_WIDTH, CELL_HEIGHT = 1.0, 0.62  # inches
WIDEST = 16.0  # inches of all cells together
LEFT, RIGHT, TOP, BOTTOM = 0.75, 0.2, 0.75, 0.95
INSIDE = 0.88  # of a cell that its profile fills
GUIDES = (0.0, 0.25, 1.0)  # attention weights with a line in every cell


@dataclass(frozen=True)
class Profile:
    """A head's profile in its cell: cells are 1 wide and high, layer 0 on top."""

    layer: int
    head: int
    kind: str
    weights: Float[np.ndarray, " offset"]

    @property
    def x(self) -> Float[np.ndarray, " offset"]:
        """The middle of each offset."""
        return self.head + INSIDE * (np.arange(len(self.weights)) + 0.5) / len(self.weights)

    @property
    def y(self) -> Float[np.ndarray, " offset"]:
        """The height of the weights, by their square root."""
        return self.layer + 1 - INSIDE * np.sqrt(np.clip(self.weights, 0, 1))

    @property
    def outline(self) -> Float[np.ndarray, "corner two"]:
        """The steps of the profile."""
        edges = self.head + INSIDE * np.arange(len(self.weights) + 1) / len(self.weights)
        x = np.concatenate([edges[:1], edges.repeat(2)[1:-1], edges[-1:]])
        floor = self.layer + 1
        return np.stack([x, np.concatenate([[floor], self.y.repeat(2), [floor]])], axis=1)


def cell_profiles(profiles: Float[np.ndarray, "layer head offset"], table: Table) -> list[Profile]:
    """The profiles of the heads in the table, in order."""
    kinds = {(row["layer"], row["head"]): row["kind"] for row in table}
    n_layers, n_heads = profiles.shape[:2]
    return [
        Profile(layer, head, kinds[layer, head], profiles[layer, head])
        for layer in range(n_layers)
        for head in range(n_heads)
        if (layer, head) in kinds
    ]


def draw_profiles(
    profiles: Float[np.ndarray, "layer head offset"], table: Table, title: str
) -> Figure:
    """A small profile for each head: attention by distance without the sink, coloured by kind.

    All cells share their axes: across, tokens back; up, the square root of the weight, 0 to 1.

    Args:
        profiles: the kernels; each sums to 1 or less.
        table: the heads table; layer, head and kind are read.
    """
    n_layers, n_heads, n_offsets = profiles.shape
    cell = min(CELL_WIDTH, WIDEST / max(1, n_heads))
    across, up = n_heads * cell, n_layers * CELL_HEIGHT
    width, height = max(LEFT + across + RIGHT, 6.4), TOP + up + BOTTOM
    cells = cell_profiles(profiles, table)
    with style.settings():
        figure = Figure(figsize=(width, height), facecolor="white")
        axes = figure.add_axes((LEFT / width, BOTTOM / height, across / width, up / height))
        axes.set(xlim=(0, n_heads), ylim=(n_layers, 0))
        guides = [
            layer + 1 - INSIDE * weight**0.5 for layer in range(n_layers) for weight in GUIDES
        ]
        for head in range(n_heads):
            axes.hlines(guides, head, head + INSIDE, color=style.NOT_ALLOWED, linewidth=0.6)
        axes.add_collection(
            PolyCollection(
                [cell.outline for cell in cells],
                facecolors=[style.kind_colour(cell.kind) for cell in cells],
                edgecolors=style.INK,
                linewidths=0.3,
            )
        )
        axes.set_yticks(np.arange(n_layers) + 1 - INSIDE / 2, [str(n) for n in range(n_layers)])
        axes.set_xticks(np.arange(n_heads) + INSIDE / 2, [str(n) for n in range(n_heads)])
        axes.yaxis.set_minor_locator(NullLocator())
        axes.tick_params(length=0, labelsize=8)
        axes.set_ylabel("layer", fontsize=8.5)
        axes.set_xlabel("head", fontsize=8.5, labelpad=2)
        axes.spines[:].set_visible(False)
        heading = style.draw_text(title, int(10 * (width - LEFT)))
        figure.text(LEFT / width, 1 - 0.3 / height, heading, fontsize=11, weight="bold",
                    va="center")  # fmt: skip
        words = (
            f"across each cell: 0 to {n_offsets - 1} tokens back; up: square root of attention "
            "without the first token, with lines at 0, .25 and 1"
        )
        figure.text(LEFT / width, 0.42 / height, words, fontsize=7, color=style.FAINT)
        style.kind_legend(figure, table["kind"])
    return figure
