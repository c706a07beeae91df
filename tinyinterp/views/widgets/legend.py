"""The scale of a widget's colours: from white by the attention map, or to both sides of zero."""

from __future__ import annotations

from markupsafe import Markup

from tinyinterp.views import style

POSITIVE, NEGATIVE = style.KIND_COLOURS["semantic"], "#3F8FD0"  # black is read on both


def sequential_legend(name: str, most: float) -> Markup:
    """White is 0; colours go by the square root of the value.

    Args:
        name: of what is coloured.
        most: the value of the darkest colour.
    """
    bar = f"linear-gradient(90deg,{','.join(style.ATTENTION_COLOURS)})"
    return _legend(name, "0", bar, f"{most:.3g}", f"the middle colour is {most / 4:.3g}")


def diverging_legend(name: str, most: float) -> Markup:
    """White is 0; orange is above it, blue below, both by the size of the value."""
    bar = f"linear-gradient(90deg,{NEGATIVE},#fff,{POSITIVE})"
    return _legend(name, f"-{most:.3g}", bar, f"{most:.3g}")


def _legend(name: str, low: str, bar: str, high: str, note: str = "") -> Markup:
    end = Markup(" <span>{}</span>").format(note) if note else ""
    start = Markup("<span>{}</span> ").format(name) if name else ""
    return Markup(
        '<p class="scale">{}<b>{}</b> <i style="background:{}"></i> <b>{}</b>{}</p>'
    ).format(start, low, bar, high, end)
