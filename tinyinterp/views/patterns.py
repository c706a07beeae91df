"""Attention patterns as pictures: one head with its tokens, and a layer's heads side by side."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Float, UInt8
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.collections import LineCollection
from matplotlib.image import AxesImage
from matplotlib.text import Text

from tinyinterp.io.files import write_text
from tinyinterp.views import style
from tinyinterp.views.figure import Figure
from tinyinterp.views.svg_pieces import Pieces

MOST_LABELS = 48  # beyond that only every second, third, ... token is written
SIDE = 6.0  # inches of a head's heat map
LEFT, BOTTOM, RIGHT, TOP = 1.1, 1.1, 0.8, 0.7  # inches around it
BAR_TICKS = (0, 0.05, 0.2, 0.4, 0.6, 0.8, 1)
GRID = "#1A1C1F14"  # a breath of ink: seen on white, lost on dark cells
ENLARGED = 8  # image pixels per cell, so that viewers that blur small images do no harm
LONGEST_TITLE, LONGEST_SUBTITLE, LONGEST_CAPTION = 60, 92, 30  # characters
SMALL_SIDE, SMALL_GAP, SMALL_CAPTION = 2.0, 0.22, 0.5  # inches, in a layer's sheet
TITLE, SUBTITLE, BOX = "title", "subtitle", "label"  # ids of the groups of an SVG picture
CAPTION_UP, SMALL_LINE = 1.075, 0.03  # middle of a caption, and half a line more: of a small side


class PatternPicture:
    """A heat map whose tokens stay and whose pattern, title and label change.

    Drawing the tokens takes most of the time; a figure is therefore made once a text.

    Args:
        tokens: along both axes.
        save_pixels: writes a PNG.
    """

    def __init__(
        self,
        tokens: Sequence[str],
        save_pixels: Callable[[UInt8[np.ndarray, "row column 4"], Path], None] = style.save_pixels,
    ) -> None:
        self._save_pixels = save_pixels
        width, height = LEFT + SIDE + RIGHT, BOTTOM + SIDE + TOP
        with style.settings():
            self.figure = Figure((width, height), style.RESOLUTION, facecolor="white")
            self._axes = self.figure.add_axes(
                (LEFT / width, BOTTOM / height, SIDE / width, SIDE / height)
            )
            self._image = _heat_map(self._axes, np.zeros((len(tokens), len(tokens))))
            grid = _label(self._axes, tokens)
            bar = self.figure.add_axes(
                ((LEFT + SIDE + 0.15) / width, BOTTOM / height, 0.14 / width, SIDE / height)
            )
            colour_bar = self.figure.colorbar(self._image, cax=bar, ticks=BAR_TICKS)
            colour_bar.ax.set_yticklabels([f"{tick:g}" for tick in BAR_TICKS])
            colour_bar.ax.tick_params(labelsize=7, length=2)
            colour_bar.set_label("attention weight", fontsize=8)
            across, up = LEFT / width, 1 - 0.28 / height
            self._title = self.figure.text(across, up, "", fontsize=12, weight="bold", va="center")
            self._subtitle = self.figure.text(
                across, up - 0.26 / height, "", fontsize=8.5, va="center"
            )
        self._title.set_gid(TITLE)
        self._subtitle.set_gid(SUBTITLE)
        self._changing = (self._image, grid, self._title, self._subtitle)
        self._canvas = FigureCanvasAgg(self.figure)
        self._still: Any | None = None
        self._whole: Pieces | None = None

    def show(
        self,
        pattern: Float[np.ndarray, "query key"],
        title: str,
        subtitle: str = "",
        kind: str | None = None,
    ) -> Figure:
        """Put another head into the figure.

        Args:
            pattern: weights of each query (row) on each key (column), 0 to 1; what lies above the
                diagonal is not shown.
            title: above the picture.
            subtitle: the head's label, in a box of the colour of ``kind``; without a kind, bare.
        """
        self._image.set_data(_enlarged(pattern))
        self._title.set_text(style.draw_text(title, LONGEST_TITLE))
        self._subtitle.set_text(style.draw_text(subtitle, LONGEST_SUBTITLE))
        _box(self._subtitle, kind)
        if (box := self._subtitle.get_bbox_patch()) is not None:
            box.set_gid(BOX)
        return self.figure

    def save(self, path: Path) -> Path:
        """Write what is shown, as :func:`style.save` does, PNG and SVG several times as fast.

        Its tokens are drawn once, and what changes is drawn over them.

        Raises:
            OutputError: the folder cannot be written.
        """
        if path.suffix == ".svg":
            write_text(path, self._svg())
            return path
        if path.suffix != ".png":
            return style.save(self.figure, path)
        with style.settings():
            if self._still is None:
                self._still = self._draw_what_stays()
            self._canvas.restore_region(self._still)
            for artist in self._changing:
                self.figure.draw_artist(artist)
        self._save_pixels(np.asarray(self._canvas.buffer_rgba()), path)
        return path

    def _draw_what_stays(self) -> Any:
        with _hidden(self._changing):
            self._canvas.draw()
        return self._canvas.copy_from_bbox(self.figure.bbox)

    def _svg(self) -> str:
        if self._whole is not None:
            changing = (self._axes, self._image, self._title, self._subtitle)
            everything = [*self.figure.get_children(), *self._axes.get_children()]
            with _hidden([artist for artist in everything if artist not in changing]):
                pieces = Pieces.of(style.svg_text(self.figure), TITLE)
            if pieces is not None:
                return self._whole.changed(pieces)
        whole = style.svg_text(self.figure)
        self._whole = Pieces.of(whole, TITLE)
        return whole


@contextmanager
def _hidden(artists: Sequence[Artist]) -> Iterator[None]:
    """Leave these out of what is drawn."""
    shown = [artist for artist in artists if artist.get_visible()]
    for artist in shown:
        artist.set_visible(False)
    try:
        yield
    finally:
        for artist in shown:
            artist.set_visible(True)


def draw_layer_sheet(
    patterns: Float[np.ndarray, "head query key"],
    captions: Sequence[str],
    kinds: Sequence[str | None],
    title: str,
) -> Figure:
    """All heads of a layer, small, each framed in the colour of its kind.

    Args:
        patterns: of each head.
        captions: above each, of one or two lines.
        kinds: of the heads.
        title: above all.
    """
    n = len(patterns)
    columns = _columns(n)
    rows = math.ceil(n / columns)
    step_x, step_y = SMALL_SIDE + SMALL_GAP, SMALL_SIDE + SMALL_CAPTION
    width = max(columns * step_x + SMALL_GAP, 4.5)
    height = rows * step_y + 0.65
    with style.settings():
        figure = Figure(figsize=(width, height), facecolor="white")
        heading = style.draw_text(title, LONGEST_TITLE)
        figure.text(
            SMALL_GAP / width, 1 - 0.3 / height, heading, fontsize=12, weight="bold", va="center"
        )
        for head, (pattern, caption, kind) in enumerate(
            zip(patterns, captions, kinds, strict=True)
        ):
            row, column = divmod(head, columns)
            x = SMALL_GAP + column * step_x
            y = height - 0.5 - (row + 1) * step_y
            box = (x / width, (y + 0.15) / height, SMALL_SIDE / width, SMALL_SIDE / height)
            axes = figure.add_axes(box)
            _heat_map(axes, pattern)
            axes.set(xticks=[], yticks=[])
            for spine in axes.spines.values():
                spine.set(color=style.kind_colour(kind), linewidth=2.5)
            lines = [style.draw_text(line, LONGEST_CAPTION) for line in caption.splitlines()]
            words, up = "\n".join(lines), CAPTION_UP + SMALL_LINE * (len(lines) - 1)
            text = axes.text(0, up, words, fontsize=7.5, transform=axes.transAxes, va="center")
            _box(text, kind)
    return figure


def _heat_map(axes: Axes, pattern: Float[np.ndarray, "query key"]) -> AxesImage:
    last = len(pattern) - 0.5
    return axes.imshow(
        _enlarged(pattern),
        cmap=style.attention_map(),
        norm=style.attention_norm(),
        interpolation="none",
        extent=(-0.5, last, last, -0.5),
    )


def _enlarged(pattern: Float[np.ndarray, "query key"]) -> np.ma.MaskedArray:
    """Masked above the diagonal and where there is no number; cells repeated."""
    shown = np.where(np.tri(len(pattern), dtype=bool), pattern, np.nan)
    repeated = shown.repeat(ENLARGED, axis=0).repeat(ENLARGED, axis=1)
    return np.ma.masked_invalid(repeated)


def _label(axes: Axes, tokens: Sequence[str]) -> LineCollection:
    """Write the tokens along both axes and draw a grid between them; returns the grid."""
    every = max(1, math.ceil(len(tokens) / MOST_LABELS))
    positions = list(range(0, len(tokens), every))
    names = [style.draw_token(tokens[position]) for position in positions]
    size = min(9.0, 0.78 * 72 * SIDE / max(1, len(positions)))
    axes.set_xticks(positions, names, rotation=90, fontsize=size)
    axes.set_yticks(positions, names, fontsize=size)
    axes.tick_params(length=0, pad=2)
    edges = np.arange(1, len(tokens)) - 0.5
    across = [((-0.5, edge), (edge, edge)) for edge in edges]
    down = [((edge, edge), (edge, len(tokens) - 0.5)) for edge in edges]
    grid = LineCollection(across + down, colors=GRID, linewidths=0.3)
    axes.add_collection(grid)
    for spine in axes.spines.values():
        spine.set_visible(False)
    axes.text(1, 1.012, "row: query   column: key", fontsize=7,
              color=style.FAINT, ha="right", transform=axes.transAxes)  # fmt: skip
    return grid


def _box(text: Text, kind: str | None) -> None:
    if kind is None:
        text.set_bbox(None)
        text.set_color(style.INK)
        return
    colour = style.kind_colour(kind)
    text.set_bbox({"boxstyle": "round,pad=0.3", "facecolor": colour, "edgecolor": "none"})
    text.set_color(style.ink_on(colour))


def _columns(n: int) -> int:
    """Columns that leave few cells empty and the sheet not far from square."""
    least = max(1, math.ceil(math.sqrt(n)))
    return min(range(least, least + 3), key=lambda columns: (-n % columns, columns))
