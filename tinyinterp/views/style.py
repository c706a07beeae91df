"""The look of everything: colours, fonts, how a token is written on an axis, and saving.

Pictures are matplotlib ``Figure`` objects without pyplot, so that nothing global changes, and are
saved without dates or versions, so that the same numbers give the same bytes.
"""

from __future__ import annotations

import io
import math
import textwrap
import unicodedata
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import AbstractContextManager, contextmanager
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import UInt8
from matplotlib import font_manager, rc_context
from matplotlib.colors import Colormap, LinearSegmentedColormap, PowerNorm, to_rgb
from matplotlib.figure import Figure
from matplotlib.ft2font import FT2Font
from matplotlib.patches import Patch
from PIL import Image

from tinyinterp.io.files import replacing_file
from tinyinterp.model import BUNDLED_NAME

# One colour per kind. Chosen so that every two stay at least 22 apart (CIE 1976) for normal sight
# and under simulated protanopia, deuteranopia and tritanopia (Machado et al. 2009).
KIND_COLOURS = {
    "positional": "#0067A8",
    "semantic": "#DC5A00",
    "mixed": "#CC79A7",
    "diffuse": "#EED33B",
    "sink": "#3A3A3A",
    "undetermined": "#D4D4D4",
}
# Neurons have kinds of their own, in the same six colours.
NEURON_COLOURS = {
    "position": KIND_COLOURS["positional"],
    "part-of-speech": KIND_COLOURS["semantic"],
    "word": KIND_COLOURS["diffuse"],
    "next-word": KIND_COLOURS["mixed"],
    "mixed": "#8FA3AD",
    "dead": KIND_COLOURS["sink"],
    "undetermined": KIND_COLOURS["undetermined"],
}
# What a component needs, from the lowest rung up; the same colours again. "": nothing to explain.
NEEDS_COLOURS = {
    "position": KIND_COLOURS["positional"],
    "token": KIND_COLOURS["diffuse"],
    "tokens": KIND_COLOURS["diffuse"],
    "predecessor": KIND_COLOURS["mixed"],
    "context": KIND_COLOURS["semantic"],
    "": KIND_COLOURS["undetermined"],
}
# Lines that are no kinds, such as training runs: the colours of Okabe and Ito (2008).
LINE_COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000")
INK = "#1A1C1F"
FAINT = "#6B7280"
NOT_ALLOWED = "#E9EAEC"  # cells that causal attention never reaches
# White to nearly black by equal steps of CIE 1976 difference, lightness always falling: magma of
# matplotlib, reversed, its yellow end replaced by white, so that no attention is blank paper.
ATTENTION_COLOURS = (
    "#FFFFFF", "#FFE8DB", "#FFD1B7", "#FFB994", "#FF9F75", "#FA8262", "#F1675F", "#E35165",
    "#D1436E", "#BB3977", "#A2307D", "#852580", "#61197B", "#391267", "#23114F", "#160F39",
    "#0B0924",
)  # fmt: skip
GAMMA = 0.5  # weights are coloured by their square root, so that .05 is still seen beside 1

LONGEST_TOKEN = 14
FONT = "DejaVu Sans"  # comes with matplotlib, so it is the same everywhere
DASH = "\N{EN DASH}"
RESOLUTION = 150  # dots per inch of PNG files

SETTINGS: Any = {
    "font.family": FONT,
    "text.color": INK,
    "axes.labelcolor": INK,
    "axes.edgecolor": FAINT,
    "xtick.color": INK,
    "ytick.color": INK,
    "text.parse_math": False,  # a story may hold dollar signs
    "svg.fonttype": "path",  # looks the same on a machine without the font
    "svg.hashsalt": "tinyinterp",
    "pdf.fonttype": 42,  # TrueType: text in a paper's figure stays text
    "path.simplify": True,
}
METADATA: dict[str, dict[str, None]] = {
    ".png": {"Software": None},
    ".svg": {"Date": None, "Creator": None},
    ".pdf": {"Creator": None, "Producer": None, "CreationDate": None},
}


def settings() -> AbstractContextManager[None]:
    """Context in which figures are made and saved."""
    return rc_context(SETTINGS)


def save(figure: Figure, path: Path) -> Path:
    """Write ``figure`` as PNG, SVG or PDF by the suffix; equal figures give equal bytes.

    Raises:
        OutputError: the folder cannot be written.
    """
    with settings(), replacing_file(path) as temporary:
        figure.savefig(temporary, dpi=RESOLUTION, metadata=METADATA[path.suffix.lower()])
    return path


def png_bytes(figure: Figure) -> bytes:
    """What :func:`save` would write as PNG."""
    return _bytes(figure, ".png")


def svg_text(figure: Figure) -> str:
    """What :func:`save` would write as SVG."""
    return _bytes(figure, ".svg").decode("utf-8")


def _bytes(figure: Figure, suffix: str) -> bytes:
    file = io.BytesIO()
    with settings():
        figure.savefig(file, format=suffix[1:], dpi=RESOLUTION, metadata=METADATA[suffix])
    return file.getvalue()


def save_pixels(pixels: UInt8[np.ndarray, "row column 4"], path: Path) -> None:
    """Write what was drawn at :data:`RESOLUTION` as PNG.

    Raises:
        OutputError: the folder cannot be written.
    """
    with replacing_file(path) as temporary:
        image = Image.fromarray(pixels)
        image.save(temporary, format="png", dpi=(RESOLUTION, RESOLUTION))


@contextmanager
def saving_apart() -> Iterator[Callable[[UInt8[np.ndarray, "row column 4"], Path], None]]:
    """Give what writes as :func:`save_pixels` does, in a thread, while the next is drawn.

    Raises:
        OutputError: the folder cannot be written.
    """
    last: list[Future[None]] = []
    with ThreadPoolExecutor(1) as thread:

        def save(pixels: UInt8[np.ndarray, "row column 4"], path: Path) -> None:
            while last:
                last.pop().result()  # one at a time waits: they are large
            last.append(thread.submit(save_pixels, pixels.copy(), path))

        yield save
        while last:
            last.pop().result()


def attention_map() -> Colormap:
    """The colours of attention weights; cells that are masked come out grey."""
    whole = LinearSegmentedColormap.from_list("attention", ATTENTION_COLOURS)
    return whole.with_extremes(bad=NOT_ALLOWED)


def attention_norm() -> PowerNorm:
    """Weights 0..1 to colours 0..1, the same for every head so that heads compare."""
    return PowerNorm(GAMMA, vmin=0.0, vmax=1.0)


def attention_scale() -> list[tuple[float, str]]:
    """The same map and norm as stops ``(weight, colour)`` for plotly, which has no power norm."""
    last = len(ATTENTION_COLOURS) - 1
    return [(round((i / last) ** (1 / GAMMA), 6), c) for i, c in enumerate(ATTENTION_COLOURS)]


def kind_colour(kind: str | None) -> str:
    """Colour of a head's or neuron's kind; undetermined's for one that is not known."""
    colours = NEURON_COLOURS | KIND_COLOURS
    return colours.get(kind or "", colours["undetermined"])


def kind_legend(figure: Figure, kinds: Sequence[str]) -> None:
    """Below the picture: the kinds of heads that occur, each with how many there are."""
    present = [kind for kind in KIND_COLOURS if kind in kinds]
    patches = [
        Patch(color=kind_colour(kind), label=f"{kind} ({kinds.count(kind)})") for kind in present
    ]
    figure.legend(
        handles=patches, loc="lower left", bbox_to_anchor=(0.95 / figure.get_figwidth(), 0),
        ncols=max(1, len(present)), fontsize=7.5, frameon=False,
        handlelength=1, columnspacing=1.2, handletextpad=0.5,
    )  # fmt: skip


def ink_on(colour: str) -> str:
    """Black or white, whichever is easier to read on ``colour`` (WCAG contrast)."""
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in to_rgb(colour)]
    luminance = 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]
    return "#FFFFFF" if 1.05 / (luminance + 0.05) > (luminance + 0.05) / 0.05 else "#000000"


def shown_name(model: str) -> str:
    """What to call a model in a title.

    >>> shown_name("bundled"), shown_name("gpt2")
    ('the bundled model', 'gpt2')
    """
    return "the bundled model" if model == BUNDLED_NAME else model


def show_token(token: str) -> str:
    r"""A token as one readable word: leading space visible, no line breaks, not too long.

    >>> show_token(" once"), show_token("\n"), show_token("\x00"), show_token("a" * 20)
    ('␣once', '⏎', '\\x00', 'aaaaaaaaaaaaa…')
    """
    shown = show_text(token)
    stripped = shown.lstrip(" ")
    shown = "␣" * (len(shown) - len(stripped)) + stripped
    trailing = len(shown) - len(shown.rstrip(" "))
    shown = shown.rstrip(" ") + "␣" * trailing
    return shown if len(shown) <= LONGEST_TOKEN else shown[: LONGEST_TOKEN - 1] + "…"


def show_text(text: str) -> str:
    r"""Text of any length with nothing in it that is not seen, but spaces.

    >>> show_text("a b\n"), show_text("\u202e")
    ('a b⏎', '\\u202e')
    """
    return "".join(_show_character(c) for c in text)


def draw_token(token: str) -> str:
    """As :func:`show_token`, for a picture: characters that the font lacks become escapes."""
    return show_token(_in_font(token))


def draw_text(text: str, longest: int) -> str:
    """A name or title for a picture: one line, at most ``longest`` characters, only known ones."""
    shown = show_text(_in_font(text))
    return shown if len(shown) <= longest else shown[: longest - 1] + "…"


def draw_title(text: str, longest: int) -> str:
    r"""As :func:`draw_text`, on two lines where one is too short.

    >>> draw_title("Causal check, the model on stories", 20)
    'Causal check, the\nmodel on stories'
    """
    whole = draw_text(text, len(text) + longest)
    return "\n".join(textwrap.wrap(whole, longest, max_lines=2, placeholder="…"))


def number(value: float | None, digits: int = 2) -> str:
    """A number for people; a dash where there is none.

    >>> number(0.1234), number(float("nan")), number(None)
    ('0.12', '–', '–')
    """
    return DASH if value is None or not math.isfinite(value) else f"{value:.{digits}f}"


def thousands(value: Any) -> Any:
    """A whole number for people, with its thousands apart; anything else as it is.

    >>> thousands(20480), thousands(0.5), thousands(True), thousands("text")
    ('20,480', 0.5, True, 'text')
    """
    return f"{value:,}" if isinstance(value, int) and not isinstance(value, bool) else value


def interval(low: float | None, high: float | None) -> str:
    """An interval for people; a dash where there is none.

    >>> interval(0.1, 0.25), interval(float("nan"), None)
    ('0.10 to 0.25', '–')
    """
    shown = number(low), number(high)
    return DASH if DASH in shown else " to ".join(shown)


def _show_character(character: str) -> str:
    if character == "\n":
        return "⏎"
    if character == "\t":
        return "⇥"
    if unicodedata.category(character)[0] == "C" or character in "\u2028\u2029":
        return _escape(character)
    return character


def _escape(character: str) -> str:
    if character in "\n\t":
        return character
    code = ord(character)
    return f"\\x{code:02x}" if code < 0x100 else f"\\u{code:x}"


def _in_font(text: str) -> str:
    known = _characters()
    return "".join(c if ord(c) in known else _escape(c) for c in text)


@cache
def _characters() -> frozenset[int]:
    return frozenset(FT2Font(font_manager.findfont(FONT)).get_charmap())
