"""A matplotlib figure that a notebook shows.

Notebooks show figures once pyplot is imported, which nothing here does.
"""

from __future__ import annotations

from matplotlib import figure

from tinyinterp.views import style


class Figure(figure.Figure):
    """The same, with a picture of itself."""

    def _repr_png_(self) -> bytes:
        return style.png_bytes(self)
