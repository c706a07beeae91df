"""Where the heads of a layer look, on one text."""

from __future__ import annotations

import base64
import io
from collections.abc import Sequence

import numpy as np
from jaxtyping import Float, UInt8
from markupsafe import Markup, escape
from PIL import Image

from tinyinterp.views import style
from tinyinterp.views.quantise import STEPS, UNKNOWN, pack_pattern
from tinyinterp.views.widgets.widget import Widget

MOST_MAPPED = 128  # tokens; the large map of more would take a browser seconds to draw


def attention_widget(
    patterns: Float[np.ndarray, "head query key"],
    tokens: Sequence[str],
    names: Sequence[str],
    title: str,
) -> Widget:
    """A head to choose, the text to read along it, and its pattern.

    Weights are kept in a byte each, off by less than .004.

    Args:
        patterns: weights, 0 to 1.
        tokens: the text, one string a position.
        names: of the heads.
    """
    shown = [style.show_token(token) for token in tokens]
    heads = Markup("").join(
        Markup('<button type="button" aria-pressed="{}"><img alt="" src="{}">{}</button>').format(
            str(number == 0).lower(), _picture(pattern), name
        )
        for number, (pattern, name) in enumerate(zip(patterns, names, strict=True))
    )
    words = Markup("").join(
        Markup('<span tabindex="{}">{}</span>').format(0 if position == 0 else -1, escape(word))
        for position, word in enumerate(shown)
    )
    static = Markup(
        '<div class="heads" role="group" aria-label="heads">{}</div>'
        '<p class="tokens" aria-label="text">{}</p>'
        '<p class="readout" aria-live="polite">Hover over a token, or use the arrow keys, to '
        'see what it looks at.</p><div class="map"></div>'
    ).format(heads, words)
    data = {
        "kind": "attention",
        "tokens": shown,
        "names": list(names),
        "patterns": [pack_pattern(pattern) for pattern in patterns],
        "steps": STEPS,
        "unknown": UNKNOWN,
        "scale": style.attention_scale(),
        "mapped": len(tokens) <= MOST_MAPPED,
        "colour": style.ATTENTION_COLOURS[-4],
    }
    return Widget(title, static, data)


def _picture(pattern: Float[np.ndarray, "query key"]) -> str:
    """A head's pattern as a small PNG, in the colours of attention, as the address of an image."""
    colours: UInt8[np.ndarray, "code rgba"]
    norm, table = style.attention_norm(), style.attention_map()
    colours = (table(np.linspace(0, 1, 256)) * 255).round().astype(np.uint8)
    codes = np.asarray(norm(np.nan_to_num(pattern).clip(0, 1)))
    image = Image.fromarray((codes * 255).round().astype(np.uint8), mode="P")
    image.putpalette(colours[:, :3].tobytes())
    file = io.BytesIO()
    image.save(file, format="png", optimize=True)
    return "data:image/png;base64," + base64.b64encode(file.getvalue()).decode()
