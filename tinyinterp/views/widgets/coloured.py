"""Texts whose tokens are coloured by a number: a neuron's activations, or its top hits."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from markupsafe import Markup
from matplotlib.colors import to_hex, to_rgb

from tinyinterp.views import style
from tinyinterp.views.widgets.legend import NEGATIVE, POSITIVE, diverging_legend
from tinyinterp.views.widgets.widget import Widget

DIGITS = 3  # significant digits of values
# The scale reaches at least so far: a silent neuron, at most .17 below zero, stays pale.
LEAST = 0.5
JOINER = "\N{WORD JOINER}"  # not seen, and no line is broken at it


@dataclass(frozen=True)
class ColouredText:
    """Tokens with a value each; NaN where it is not known."""

    tokens: Sequence[str]
    values: Sequence[float]
    note: str = ""


@dataclass(frozen=True)
class Choice:
    """What is shown together: the texts of one neuron. All share one scale of colours."""

    name: str
    texts: Sequence[ColouredText]


def coloured_widget(choices: Sequence[Choice], title: str, *, least: float = LEAST) -> Widget:
    """The texts of one choice, and a way to the others where there are several.

    Orange is above zero, blue below, white is zero; the strongest colour is the largest value of
    the choice by its size, so that both signs compare.

    Args:
        choices: what is shown together.
        title: above the widget.
        least: the scale reaches at least so far.
    """
    drawn: list[dict[str, Any]] = []
    for choice in choices:
        texts = [
            {
                "tokens": [_words(token) for token in text.tokens],
                "values": [_short(value) for value in text.values],
                "note": text.note,
            }
            for text in choice.texts
        ]
        values = [value for text in texts for value in text["values"] if value is not None]
        drawn.append(
            {"name": choice.name, "texts": texts, "most": max([least, *map(abs, values)]) or 1.0}
        )
    most = drawn[0]["most"]
    static = Markup('<div class="choice"></div>{}<div class="texts">{}</div>').format(
        diverging_legend("", most),
        Markup("").join(_static(text, most) for text in drawn[0]["texts"]),
    )
    data = {"kind": "coloured", "choices": drawn, "positive": POSITIVE, "negative": NEGATIVE}
    return Widget(title, static, data)


def _words(token: str) -> str:
    """A token for HTML that is not escaped: circuitsvis sets it so, and also shows it as text.

    A word joiner behind each ``<`` and ``&`` lets neither begin anything, and is not seen.
    """
    shown = style.show_text(token).replace("⏎", "⏎\n")
    return shown.replace("<", f"<{JOINER}").replace("&", f"&{JOINER}")


def _short(value: float) -> float | None:
    number = float(value)
    return float(f"{number:.{DIGITS}g}") if math.isfinite(number) else None


def _static(text: dict[str, Any], most: float) -> Markup:
    spans = Markup("").join(
        Markup('<span title="{}" style="background:{};color:{}">{}</span>').format(
            style.DASH if value is None else f"{value:g}", *_colours(value, most), token
        )
        for token, value in zip(text["tokens"], text["values"], strict=True)
    )
    note = Markup('<span class="note">{}</span>').format(text["note"]) if text["note"] else ""
    return Markup('<div class="text">{}<p class="tokens">{}</p></div>').format(note, spans)


def _colours(value: float | None, most: float) -> tuple[str, str]:
    """Background and ink: white mixed with the colour of the sign, by the size of the value."""
    share = min(1.0, abs(value or 0.0) / most)
    red, green, blue = to_rgb(POSITIVE if (value or 0.0) >= 0 else NEGATIVE)
    background = to_hex((1 - share * (1 - red), 1 - share * (1 - green), 1 - share * (1 - blue)))
    return background, style.ink_on(background)
