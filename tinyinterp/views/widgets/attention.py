"""Where heads look on one text, or any pattern of one's own: a head to choose, tokens, a map."""

from __future__ import annotations

import base64
import io
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, UInt8
from markupsafe import Markup, escape
from PIL import Image

from tinyinterp.errors import SelectionError
from tinyinterp.views import style
from tinyinterp.views.quantise import STEPS, UNKNOWN, pack_pattern, pack_values
from tinyinterp.views.widgets.legend import (
    NEGATIVE,
    POSITIVE,
    diverging_legend,
    sequential_legend,
)
from tinyinterp.views.widgets.widget import Widget

MOST_WEIGHTS = 4_000_000  # of all heads together: 5 MB of a page, which browsers open at once
SMALL = 96  # pixels of a thumbnail, at most
NONE = 255  # the code of a cell without a value
ASK = "Hover over a token, or use the arrow keys, to see what it looks at."


@dataclass(frozen=True, eq=False)
class Shown:
    """Patterns and how they are coloured.

    Args:
        patterns: of each head.
        whole: values of any size, above the diagonal too; otherwise weights from 0 to 1.
        signed: some are below zero.
        most: of the strongest colour.
    """

    patterns: Float[np.ndarray, "head query key"]
    whole: bool = False
    signed: bool = False
    most: float = 1.0

    @classmethod
    def of(cls, patterns: Float[np.ndarray, "head query key"]) -> Shown:
        """As weights where they are such: 0 to 1, and nothing above the diagonal."""
        known = np.nan_to_num(patterns, nan=0.0)
        size = float(np.abs(known).max(initial=0.0))
        signed = float(known.min(initial=0.0)) < -1e-6 * max(1.0, size)
        above = np.triu(np.ones(patterns.shape[1:], dtype=bool), 1)
        if not signed and size <= 1.0001 and not known[:, above].any():
            return cls(patterns)
        rounded = float(f"{size:.3g}") or 1.0
        return cls(patterns, whole=True, signed=signed, most=max(size, rounded))

    def colours(self) -> UInt8[np.ndarray, "code rgb"]:
        """The colour of each code (:meth:`codes`); the last is for cells without a value."""
        steps = np.linspace(0, 1, NONE)
        none = np.array([[*bytes.fromhex(style.NOT_ALLOWED[1:])]], dtype=np.uint8)
        return np.concatenate([self._scale(steps), none])

    def _scale(self, steps: Float[np.ndarray, " step"]) -> UInt8[np.ndarray, "step rgb"]:
        """Colours of shares of the scale."""
        if not self.signed:
            return (style.attention_map()(steps)[:, :3] * 255).round().astype(np.uint8)
        ends = np.array([[int(c[i : i + 2], 16) for i in (1, 3, 5)] for c in (NEGATIVE, POSITIVE)])
        share = np.abs(2 * steps - 1)[:, None]
        end = ends[(steps > 0.5).astype(int)]
        return (255 + share * (end - 255)).round().astype(np.uint8)

    def codes(self, values: Float[np.ndarray, "*axes"]) -> UInt8[np.ndarray, "*axes"]:
        """Which colour each value has."""
        share = np.nan_to_num(values) / self.most
        at = (share + 1) / 2 if self.signed else np.sqrt(np.clip(share, 0, 1))
        codes = (np.clip(at, 0, 1) * (NONE - 1)).round().astype(np.uint8)
        return np.where(np.isnan(values), np.uint8(NONE), codes)

    def legend(self) -> Markup:
        """The scale of the colours."""
        if self.signed:
            return diverging_legend("value", self.most)
        return sequential_legend("value" if self.whole else "attention weight", self.most)


def attention_widget(
    patterns: Float[np.ndarray, "head query key"],
    tokens: Sequence[str],
    names: Sequence[str],
    title: str,
    *,
    rows: Sequence[tuple[str, int]] = (),
    losses: Sequence[float] = (),
) -> Widget:
    """A head to choose, the text to read along it, and its pattern; all in one scale of colours.

    Weights are kept in a byte each, off by less than .004; other values in two bytes, off by less
    than a 60,000th of the largest.

    Args:
        patterns: weights, 0 to 1, or any values.
        tokens: the text, one string a position.
        names: of the heads.
        title: above the widget.
        rows: the names of rows of heads and how many heads each has; none: a single group.
        losses: of each token but the first, in nats; shown below the tokens.

    Raises:
        SelectionError: there are more weights than a page holds.
    """
    shown = Shown.of(patterns)
    stored = patterns.size if shown.whole else patterns.size // 2
    if stored > MOST_WEIGHTS:
        most = int((MOST_WEIGHTS * len(tokens) ** 2 / stored) ** 0.5)
        raise SelectionError(
            f"{len(names)} patterns of {len(tokens)} tokens are too many for one widget: "
            f"give at most {most} tokens, or fewer heads"
        )
    words = [style.show_token(token) for token in tokens]
    short = [float(f"{loss:.2f}") for loss in losses]
    all_heads = " all" if rows else ""
    static = Markup(
        '<div class="heads{}" role="group" aria-label="heads">{}</div>{}'
        '<p class="tokens" role="group" aria-label="text">{}</p>'
        '<p class="readout" aria-live="polite">{}</p><div class="map"></div>'
    ).format(
        all_heads,
        _buttons(shown, names, rows),
        shown.legend(),
        _spans(words, short),
        ASK + (" The number below a token is its loss, in nats." if short else ""),
    )
    data = {
        "kind": "attention",
        "tokens": words,
        "names": list(names),
        "patterns": [
            pack_values(each, shown.most) if shown.whole else pack_pattern(each)
            for each in patterns
        ],
        "whole": shown.whole,
        "signed": shown.signed,
        "most": shown.most,
        "steps": STEPS,
        "unknown": UNKNOWN,
        "scale": style.attention_scale(),
        "positive": POSITIVE,
        "negative": NEGATIVE,
        "none": style.NOT_ALLOWED,
        "losses": short,
    }
    return Widget(title, static, data)


def _buttons(shown: Shown, names: Sequence[str], rows: Sequence[tuple[str, int]]) -> Markup:
    """A button with a thumbnail for each head; in rows, whose names say the layer."""
    pressed = Markup(
        '<button type="button" aria-pressed="{}" title="{}"><img alt="" src="{}">{}</button>'
    )
    made = [
        pressed.format(str(number == 0).lower(), name, _picture(shown, pattern), name)
        for number, (pattern, name) in enumerate(zip(shown.patterns, names, strict=True))
    ]
    if not rows:
        return Markup("").join(made)
    lines, start = [], 0
    for name, count in rows:
        inside = Markup("").join(made[start : start + count])
        lines.append(Markup("<div><span>{}</span>{}</div>").format(name, inside))
        start += count
    return Markup("").join(lines)


def _spans(words: Sequence[str], losses: Sequence[float]) -> Markup:
    below = [Markup("")] * len(words)
    if losses:
        below = [
            Markup("<small>{}</small>").format(loss)
            for loss in (style.DASH, *(f"{loss:.2f}" for loss in losses))
        ]
    return Markup("").join(
        Markup('<span tabindex="{}">{}{}</span>').format(0 if at == 0 else -1, escape(word), loss)
        for at, (word, loss) in enumerate(zip(words, below, strict=True))
    )


def _picture(shown: Shown, pattern: Float[np.ndarray, "query key"]) -> str:
    """A head's pattern as a small PNG, as the address of an image; of a long text every few rows.

    What falls on one pixel is shown by the largest of it.
    """
    if not shown.whole:
        pattern = np.where(np.tri(len(pattern), dtype=bool), pattern, np.nan)
    step = -(-len(pattern) // SMALL)
    if step > 1:
        pattern = _largest(pattern, step)
    image = Image.fromarray(shown.codes(pattern), mode="P")
    image.putpalette(shown.colours().tobytes())
    file = io.BytesIO()
    image.save(file, format="png", optimize=True)
    return "data:image/png;base64," + base64.b64encode(file.getvalue()).decode()


def _largest(pattern: Float[np.ndarray, "query key"], step: int) -> Float[np.ndarray, "row column"]:
    """The value largest in size of each block of ``step`` by ``step``."""
    size = -(-len(pattern) // step)
    padded = np.full((size * step, size * step), np.nan, dtype=pattern.dtype)
    padded[: len(pattern), : len(pattern)] = pattern
    blocks = padded.reshape(size, step, size, step).swapaxes(1, 2).reshape(size, size, -1)
    sizes = np.nan_to_num(np.abs(blocks), nan=-1.0)
    return np.take_along_axis(blocks, sizes.argmax(-1)[..., None], axis=-1)[..., 0]
