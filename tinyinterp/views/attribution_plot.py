"""Direct logit attribution as a map: layers by heads, each layer's MLP and bias beside them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float
from matplotlib.colors import LinearSegmentedColormap
from matplotlib.ticker import NullLocator

from tinyinterp.views import style
from tinyinterp.views.figure import Figure

CELL, TALL = 0.62, 0.36  # inches
LEFT, RIGHT, TOP, BOTTOM = 0.75, 1.3, 1.0, 0.6
LOWEST, HIGHEST = style.KIND_COLOURS["positional"], style.KIND_COLOURS["semantic"]
X_LABEL = "head; then the MLP and the output bias of the attention"
MOST_WRITTEN = 24  # columns; cells of more are too narrow for a number


@dataclass(frozen=True, eq=False)
class Parts:
    """What adds up to a logit, or to the difference of two.

    Args:
        embedding: by the embeddings of token and position.
        heads: by every head.
        mlps: by each MLP, its output bias with it.
        attention_biases: by the output bias of each layer's attention.
        bias: by the final norm and the output head.
    """

    embedding: float
    heads: Float[np.ndarray, "layer head"]
    mlps: Float[np.ndarray, " layer"]
    attention_biases: Float[np.ndarray, " layer"]
    bias: float

    @property
    def total(self) -> float:
        """The logit."""
        parts = (self.heads.sum(), self.mlps.sum(), self.attention_biases.sum())
        return float(sum(parts)) + self.embedding + self.bias

    @property
    def cells(self) -> Float[np.ndarray, "layer column"]:
        """Heads, then the MLP, then the bias of the attention."""
        return np.concatenate(
            [self.heads, self.mlps[:, None], self.attention_biases[:, None]], axis=1
        )

    @property
    def columns(self) -> list[str]:
        """The names of the columns of :attr:`cells`."""
        return [*map(str, range(self.heads.shape[1])), "MLP", "bias"]

    @property
    def most(self) -> float:
        """The largest size of a cell."""
        return float(np.abs(self.cells).max()) or 1.0

    def said(self) -> str:
        """The sum in words."""
        return (
            f"{self.total:.2f} = heads {self.heads.sum():+.2f}, MLPs {self.mlps.sum():+.2f}, "
            f"embedding {self.embedding:+.2f}, biases "
            f"{self.attention_biases.sum() + self.bias:+.2f}"
        )


def draw_attribution(parts: Parts, title: str) -> Figure:
    """A cell for each part of each layer: orange raises the logit, blue lowers it."""
    cells, columns = parts.cells, parts.columns
    n_layers, n_columns = cells.shape
    across, up = n_columns * CELL, n_layers * TALL
    width, height = max(LEFT + across + RIGHT, 7.0), TOP + up + BOTTOM
    colours = LinearSegmentedColormap.from_list("logit", [LOWEST, "#FFFFFF", HIGHEST])
    with style.settings():
        figure = Figure(figsize=(width, height), facecolor="white")
        axes = figure.add_axes((LEFT / width, BOTTOM / height, across / width, up / height))
        image = axes.imshow(cells, cmap=colours, vmin=-parts.most, vmax=parts.most, aspect="auto")
        axes.set_xticks(range(n_columns), columns)
        axes.set_yticks(range(n_layers), [str(layer) for layer in range(n_layers)])
        axes.yaxis.set_minor_locator(NullLocator())
        axes.tick_params(length=0, labelsize=8)
        axes.set_ylabel("layer", fontsize=8.5)
        axes.set_xlabel(X_LABEL, fontsize=8.5)
        axes.spines[:].set_visible(False)
        if n_columns <= MOST_WRITTEN:
            for (layer, column), value in np.ndenumerate(cells):
                share = (value / parts.most + 1) / 2
                red, green, blue, _ = colours(share)
                ink = style.ink_on(f"#{_byte(red)}{_byte(green)}{_byte(blue)}")
                axes.text(column, layer, written(value), ha="center", va="center", fontsize=7,
                          color=ink)  # fmt: skip
        bar = figure.add_axes(((LEFT + across + 0.15) / width, BOTTOM / height, 0.14 / width,
                               up / height))  # fmt: skip
        figure.colorbar(image, cax=bar).set_label("logit", fontsize=8)
        bar.tick_params(labelsize=7, length=2)
        heading = style.draw_text(title, int(10.5 * (width - LEFT)))
        figure.text(LEFT / width, 1 - 0.3 / height, heading, fontsize=11, weight="bold",
                    va="center")  # fmt: skip
        figure.text(LEFT / width, 1 - 0.6 / height, parts.said(), fontsize=8.5, va="center")
    return figure


def written(value: float) -> str:
    """A part of a logit in a cell.

    >>> written(-0.001), written(2.806)
    ('0.00', '2.81')
    """
    return f"{value:.2f}".replace("-0.00", "0.00")


def _byte(share: float) -> str:
    return f"{round(255 * share):02x}"
