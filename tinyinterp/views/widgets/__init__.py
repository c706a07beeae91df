"""Widgets for notebooks; they need no network and no server."""

from tinyinterp.views.widgets.attention import attention_widget
from tinyinterp.views.widgets.coloured import Choice, ColouredText, coloured_widget
from tinyinterp.views.widgets.lens import LensRows, lens_widget
from tinyinterp.views.widgets.lines import lines_widget
from tinyinterp.views.widgets.widget import Widget

__all__ = [
    "Choice",
    "ColouredText",
    "LensRows",
    "Widget",
    "attention_widget",
    "coloured_widget",
    "lens_widget",
    "lines_widget",
]
