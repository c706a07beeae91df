"""Widgets for notebooks, drawn by circuitsvis; they need no network and no server."""

from tinyinterp.views.widgets.attention import attention_widget
from tinyinterp.views.widgets.coloured import Choice, ColouredText, coloured_widget
from tinyinterp.views.widgets.widget import Widget

__all__ = ["Choice", "ColouredText", "Widget", "attention_widget", "coloured_widget"]
