"""One head as lines between tokens, as BertViz's head view draws it (Vig 2019)."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from jaxtyping import Float
from markupsafe import Markup

from tinyinterp.views import style
from tinyinterp.views.widgets.widget import Widget

LEAST = 0.02  # weights below it have no line
MOST = 10  # lines of a query, the largest
ROW, LEFT, RIGHT, WIDTH = 20, 170, 430, 600  # pixels


def lines_widget(
    pattern: Float[np.ndarray, "query key"], tokens: Sequence[str], title: str
) -> Widget:
    """The queries on the left, the keys on the right, a line for each weight.

    A line is the more opaque the larger the weight, by its square root.

    Args:
        pattern: weights, 0 to 1.
        tokens: the text, one string a position.
        title: above the widget.
    """
    words = [style.show_token(token) for token in tokens]
    weights = np.nan_to_num(pattern)
    found = [
        (query, int(key), float(row[key]))
        for query, row in enumerate(weights)
        for key in np.argsort(-row, kind="stable")[:MOST]
        if row[key] >= LEAST
    ]
    height = ROW * (len(words) + 1) + 4
    static = Markup(
        '<p class="about">Queries on the left, keys on the right. The stronger a line, the larger '
        "the weight: {}. Each query has a line to at most {} keys, those of {} or more. Hover over "
        "a token, or use the arrow keys, to see its lines alone.</p>"
        '<p class="readout" aria-live="polite"></p>'
        '<svg viewBox="0 0 {} {}" width="{}" height="{}" role="group" aria-label="{}">'
        "{}{}{}{}</svg>"
    ).format(
        _legend(),
        MOST,
        f"{LEAST:g}",
        WIDTH,
        height,
        WIDTH,
        height,
        title,
        Markup(
            '<text x="{}" y="14" text-anchor="end">query</text><text x="{}" y="14">key</text>'
        ).format(LEFT - 6, RIGHT + 6),
        Markup("").join(_line(*each) for each in found),
        _column(words, "query", LEFT - 6, "end"),
        _column(words, "key", RIGHT + 6, "start"),
    )
    return Widget(title, static, {"kind": "lines", "tokens": words})


def _legend() -> Markup:
    """Three weights, each with a line as strong as it is drawn."""
    return Markup(", ").join(
        Markup(
            '<svg style="display:inline" width="30" height="8" aria-hidden="true">'
            '<path d="M0 4H30" stroke="var(--mark)" stroke-width="{}" stroke-opacity="{}"/></svg>'
            " {}"
        ).format(f"{1 + 2 * weight:g}", f"{weight**0.5:.2f}", f"{weight:g}")
        for weight in (0.05, 0.25, 1.0)
    )


def _line(query: int, key: int, weight: float) -> Markup:
    y = [ROW * (at + 1.5) for at in (query, key)]
    return Markup(
        '<line x1="{}" y1="{:g}" x2="{}" y2="{:g}" stroke-width="{:.1f}" '
        'stroke-opacity="{:.2f}" data-query="{}" data-key="{}" data-weight="{:.3f}"/>'
    ).format(LEFT, y[0], RIGHT, y[1], 1 + 2 * weight, min(1.0, weight) ** 0.5, query, key, weight)


def _column(words: Sequence[str], side: str, x: int, anchor: str) -> Markup:
    return Markup("").join(
        Markup('<text class="{}" tabindex="{}" x="{}" y="{:g}" text-anchor="{}">{}</text>').format(
            side, 0 if at == 0 else -1, x, ROW * (at + 1.5) + 4, anchor, word
        )
        for at, word in enumerate(words)
    )
