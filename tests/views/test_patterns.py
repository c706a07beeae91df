from __future__ import annotations

from pathlib import Path
from xml.etree import ElementTree as ET

import numpy as np
import pytest
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.colors import to_rgb
from matplotlib.figure import Figure
from PIL import Image

from tests.views.examples import HOSTILE, causal_pattern
from tinyinterp.views import style
from tinyinterp.views.patterns import PatternPicture, draw_layer_sheet


def labels(figure: Figure) -> list[str]:
    return [label.get_text() for label in figure.axes[0].get_yticklabels()]


def pixels(figure: Figure) -> np.ndarray:
    canvas = FigureCanvasAgg(figure)
    canvas.draw()
    return np.asarray(canvas.buffer_rgba())[..., :3] / 255


def colour_at(figure: Figure, query: int, key: int) -> np.ndarray:
    """Colour of the middle of a cell as rendered."""
    image = pixels(figure)
    x, y = figure.axes[0].transData.transform((key, query))
    return image[image.shape[0] - 1 - int(y), int(x)]


def test_cells_have_the_colour_of_their_weight() -> None:
    pattern = np.eye(5)
    pattern[3] = [0.25, 0, 0, 0.75, 0]
    pattern[4, 1] = np.nan
    pattern[1, 4] = 1.0  # above the diagonal: not shown
    figure = PatternPicture(list("abcde")).show(pattern, "title")
    expected = style.attention_map()(style.attention_norm()(0.25))[:3]
    assert np.allclose(colour_at(figure, 3, 0), expected, atol=0.02)
    assert np.allclose(colour_at(figure, 2, 2), to_rgb(style.ATTENTION_COLOURS[-1]), atol=0.02)
    assert np.allclose(colour_at(figure, 2, 0), 1, atol=0.02)
    for hidden in ((4, 1), (1, 4)):
        assert np.allclose(colour_at(figure, *hidden), to_rgb(style.NOT_ALLOWED), atol=0.02)


def test_every_token_is_written_up_to_48_and_then_every_second() -> None:
    for n_tokens, shown in ((1, 1), (47, 47), (48, 48), (49, 25), (97, 33)):
        figure = PatternPicture(["a"] * n_tokens).show(causal_pattern(1, n_tokens)[0], "title")
        assert len(labels(figure)) == shown


def test_hostile_tokens_are_drawn_as_text() -> None:
    tokens = [" $x$", HOSTILE, "\n", "\x00", "\u4e2d"]
    figure = PatternPicture(tokens).show(causal_pattern(1, 5)[0], HOSTILE, "$role$ \u4e2d", "sink")
    assert labels(figure) == ["␣$x$", "</script><img…", "⏎", "\\x00", "\\u4e2d"]
    pixels(figure)  # a missing glyph or mathematics would warn, and warnings are errors


def test_a_reused_picture_equals_a_new_one(tmp_path: Path) -> None:
    patterns = causal_pattern(2, 7)
    tokens = list("abcdefg")
    reused = PatternPicture(tokens)
    reused.show(patterns[0], "first", "sink", "sink")
    reused.show(patterns[1], "second", "mixed", "mixed")
    new = PatternPicture(tokens).show(patterns[1], "second", "mixed", "mixed")
    for suffix in (".png", ".svg"):
        one = style.save(reused.figure, tmp_path / f"one{suffix}").read_bytes()
        two = style.save(new, tmp_path / f"two{suffix}").read_bytes()
        assert one == two


def test_the_picture_of_another_head_does_not_keep_the_box_of_the_last() -> None:
    picture = PatternPicture(["a", "b"])
    picture.show(np.eye(2), "first", "sink", "sink")
    bare = pixels(PatternPicture(["a", "b"]).show(np.eye(2), "second", "no kind"))
    assert np.array_equal(pixels(picture.show(np.eye(2), "second", "no kind")), bare)


@pytest.mark.parametrize(("n_heads", "columns"), [(1, 1), (5, 5), (7, 4), (8, 4), (12, 4), (16, 4)])
def test_sheet_has_a_framed_picture_for_every_head(
    tmp_path: Path, n_heads: int, columns: int
) -> None:
    kinds = [list(style.KIND_COLOURS)[head % 6] for head in range(n_heads)]
    captions = [f"{head} $" for head in range(n_heads)]
    figure = draw_layer_sheet(causal_pattern(n_heads, 11), captions, kinds, "Layer 3")
    assert len(figure.axes) == n_heads
    assert len({round(axes.get_position().x0, 6) for axes in figure.axes}) == columns
    for axes, kind in zip(figure.axes, kinds, strict=True):
        assert axes.spines["left"].get_edgecolor()[:3] == to_rgb(style.KIND_COLOURS[kind])
        box = axes.get_position()
        assert 0 <= box.x0 < box.x1 <= 1
        assert 0 <= box.y0 < box.y1 <= 1
    ET.parse(style.save(figure, tmp_path / "sheet.svg"))
    with Image.open(style.save(figure, tmp_path / "sheet.png")) as image:
        size = figure.get_size_inches() * style.RESOLUTION
        assert np.abs(np.array(image.size) - size).max() <= 1


def test_a_picture_saved_after_another_holds_only_its_own(tmp_path: Path) -> None:
    picture = PatternPicture(HOSTILE)
    patterns = causal_pattern(2, len(HOSTILE))
    picture.show(patterns[0], "another head", "semantic, a longer label", "semantic")
    picture.save(tmp_path / "another.png")
    picture.show(patterns[1], "a head", "diffuse", "diffuse")
    paths = [
        picture.save(tmp_path / "fast.png"),
        style.save(picture.figure, tmp_path / "slow.png"),
    ]
    fast, slow = (np.asarray(Image.open(path).convert("RGB")) for path in paths)
    np.testing.assert_array_equal(fast, slow)


def test_an_svg_saved_after_another_is_drawn_as_if_alone(tmp_path: Path) -> None:
    picture = PatternPicture(HOSTILE)
    patterns = causal_pattern(4, len(HOSTILE))
    shown = [
        ("another head", "semantic, a longer label", "semantic"),
        ("Layer 3, head 2 <&>", "diffuse C 0.01 (0.01 to 0.02)", "diffuse"),
        ("a head", "", None),
        ("Zq", "0123456789 Ж", "sink"),
    ]
    for number, (title, label, kind) in enumerate(shown):
        picture.show(patterns[number], title, label, kind)
        fast = picture.save(tmp_path / f"{number}.svg").read_bytes()
        assert fast == style.save(picture.figure, tmp_path / "slow.svg").read_bytes()
        ET.fromstring(fast)


def test_an_svg_that_cannot_be_cut_is_drawn_whole(tmp_path: Path, monkeypatch) -> None:
    monkeypatch.setattr("tinyinterp.views.svg_pieces.END", "never")
    picture = PatternPicture(list("abc"))
    for number in range(2):
        picture.show(causal_pattern(2, 3)[number], f"head {number}")
        found = picture.save(tmp_path / "head.svg").read_bytes()
        assert found == style.save(picture.figure, tmp_path / "slow.svg").read_bytes()
