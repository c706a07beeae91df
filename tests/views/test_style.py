from __future__ import annotations

from itertools import combinations
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from matplotlib.colors import to_rgb
from matplotlib.figure import Figure

from tinyinterp.errors import OutputError
from tinyinterp.views import style

# Machado, Oliveira and Fernandes 2009, severity 1, on linear RGB.
SIGHT = {
    "normal": np.eye(3),
    "protanopia": np.array(
        [
            [0.152286, 1.052583, -0.204868],
            [0.114503, 0.786281, 0.099216],
            [-0.003882, -0.048116, 1.051998],
        ]
    ),
    "deuteranopia": np.array(
        [
            [0.367322, 0.860646, -0.227968],
            [0.280085, 0.672501, 0.047413],
            [-0.011820, 0.042940, 0.968881],
        ]
    ),
    "tritanopia": np.array(
        [
            [1.255528, -0.076749, -0.178779],
            [-0.078411, 0.930809, 0.147602],
            [0.004733, 0.691367, 0.303900],
        ]
    ),
}
TO_XYZ = np.array(
    [[0.4124, 0.3576, 0.1805], [0.2126, 0.7152, 0.0722], [0.0193, 0.1192, 0.9505]]
) / np.array([[0.9505], [1.0], [1.089]])


def lab(colour: str, sight: np.ndarray = SIGHT["normal"]) -> np.ndarray:
    rgb = np.array(to_rgb(colour))
    linear = np.where(rgb <= 0.04045, rgb / 12.92, ((rgb + 0.055) / 1.055) ** 2.4)
    xyz = TO_XYZ @ np.clip(sight @ linear, 0, 1)
    f = np.where(xyz > 0.008856, np.cbrt(xyz), 7.787 * xyz + 16 / 116)
    return np.array([116 * f[1] - 16, 500 * (f[0] - f[1]), 200 * (f[1] - f[2])])


@pytest.mark.parametrize("sight", SIGHT)
def test_kinds_are_told_apart_by_every_sight(sight: str) -> None:
    colours = [lab(colour, SIGHT[sight]) for colour in style.KIND_COLOURS.values()]
    distances = [np.linalg.norm(a - b) for a, b in combinations(colours, 2)]
    assert min(distances) > 22


def test_attention_colours_take_equal_steps_and_get_darker() -> None:
    colours = np.array([lab(colour) for colour in style.ATTENTION_COLOURS])
    steps = np.linalg.norm(np.diff(colours, axis=0), axis=1)
    assert steps.max() / steps.min() < 1.2
    assert (np.diff(colours[:, 0]) < -3).all()


def test_plotly_scale_is_the_same_map_and_norm() -> None:
    norm, colours = style.attention_norm(), style.attention_map()
    scale = style.attention_scale()
    assert scale[0][0] == 0
    assert scale[-1][0] == 1
    for weight, colour in scale:
        assert np.allclose(colours(norm(weight))[:3], to_rgb(colour), atol=0.02)


@pytest.mark.parametrize("colour", [*style.KIND_COLOURS.values(), *style.NEURON_COLOURS.values()])
def test_text_on_a_kind_is_readable(colour: str) -> None:
    def luminance(c: str) -> float:
        rgb = np.array(to_rgb(c))
        linear = np.where(rgb <= 0.04045, rgb / 12.92, ((rgb + 0.055) / 1.055) ** 2.4)
        return float(linear @ [0.2126, 0.7152, 0.0722]) + 0.05

    pair = sorted([luminance(colour), luminance(style.ink_on(colour))])
    assert pair[1] / pair[0] >= 4.5  # WCAG AA


@pytest.mark.parametrize(
    ("token", "shown"),
    [
        (" once", "␣once"),
        ("  ", "␣␣"),
        ("end ", "end␣"),
        ("\n", "⏎"),
        ("\t", "⇥"),
        ("\x00", "\\x00"),
        ("\u202eabc", "\\u202eabc"),
        ("extraordinarily", "extraordinari…"),
        ("", ""),
    ],
)
def test_tokens_are_readable(token: str, shown: str) -> None:
    assert style.show_token(token) == shown


def test_characters_without_a_glyph_are_escaped_in_pictures_only() -> None:
    assert style.show_token("\U0001f600") == "\U0001f600"
    assert style.draw_token("\u4e2d") == "\\u4e2d"


@given(st.text())
def test_no_token_breaks_a_line_or_is_long(token: str) -> None:
    shown = style.show_token(token)
    assert len(shown) <= style.LONGEST_TOKEN
    assert len(shown.splitlines()) <= 1
    assert " " not in (shown[:1], shown[-1:])


def test_numbers_and_intervals_that_are_missing_are_a_dash() -> None:
    assert style.number(0.125, 1) == "0.1"
    assert style.number(float("inf")) == "–"
    assert style.interval(-0.125, 2) == "-0.12 to 2.00"
    assert style.interval(0.5, float("nan")) == "–"


def test_titles_are_cut() -> None:
    assert style.draw_text("a\nb" + "c" * 9, 6) == "a⏎bcc…"
    assert style.draw_title("a\nb on c", 6) == "a⏎b on\nc"
    assert style.draw_title("c" * 9, 6) == "cccccc\nccc"
    assert style.draw_title("a b " * 9, 6) == "a b a\nb a b…"


@pytest.mark.parametrize("suffix", [".png", ".svg", ".pdf"])
def test_equal_figures_give_equal_bytes(tmp_path: Path, suffix: str) -> None:
    written = []
    for name in ("one", "two"):
        with style.settings():
            figure = Figure(figsize=(2, 1))
            figure.text(0.1, 0.1, "$text")
            figure.add_axes((0.1, 0.5, 0.4, 0.4)).plot([1, 2, 5])
        written.append(style.save(figure, tmp_path / f"{name}{suffix}").read_bytes())
    assert written[0] == written[1]
    for word in (b"dc:date", b"CreationDate", b"tIME", b"Software"):
        assert word not in written[0]
    assert sorted(path.name for path in tmp_path.iterdir()) == [f"one{suffix}", f"two{suffix}"]


def test_pictures_are_written_apart_with_the_same_bytes_and_errors(tmp_path: Path):
    rows = np.arange(4 * 7 * 5, dtype=np.uint8).reshape(7, 5, 4)
    drawn = rows.copy()
    with style.saving_apart() as save:
        for name in "abc":
            save(drawn, tmp_path / f"{name}.png")
            drawn += 3  # what is drawn next does not reach the one before
    for number, name in enumerate("abc"):
        style.save_pixels(rows + np.uint8(3 * number), tmp_path / "expected.png")
        expected = (tmp_path / "expected.png").read_bytes()
        assert (tmp_path / f"{name}.png").read_bytes() == expected
    (tmp_path / "a file").write_text("")
    with pytest.raises(OutputError), style.saving_apart() as save:
        save(rows, tmp_path / "a file" / "a.png")
