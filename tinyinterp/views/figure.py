"""A matplotlib figure that a notebook shows.

Notebooks show figures once pyplot is imported, which nothing here does.
"""

from __future__ import annotations

import io

from matplotlib import figure

SHARPNESS = 100  # dots per inch in a notebook


class Figure(figure.Figure):
    """The same, with a picture of itself."""

    def _repr_png_(self) -> bytes:
        made = io.BytesIO()
        self.savefig(made, format="png", dpi=SHARPNESS)
        return made.getvalue()
