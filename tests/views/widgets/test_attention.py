"""One scale of colours for thumbnails, tokens and map; values of any size and sign."""

from __future__ import annotations

import base64
import io
import re

import numpy as np
import pytest
from PIL import Image

from tests.views.examples import causal_pattern
from tinyinterp.errors import SelectionError
from tinyinterp.views import style
from tinyinterp.views.quantise import pack_pattern, pack_values
from tinyinterp.views.widgets import Widget, attention_widget
from tinyinterp.views.widgets.attention import MOST_WEIGHTS, SMALL, Shown
from tinyinterp.views.widgets.legend import NEGATIVE, POSITIVE

TOKENS = [f" t{number}" for number in range(7)]


def widget(patterns: np.ndarray, **others: object) -> Widget:
    tokens = [f" t{number}" for number in range(patterns.shape[1])]
    names = [f"head {number}" for number in range(len(patterns))]
    return attention_widget(patterns, tokens, names, "title", **others)  # pyright: ignore[reportArgumentType]


def thumbnail(shown: Widget, number: int = 0) -> np.ndarray:
    found = re.findall(r'src="data:image/png;base64,([^"]+)"', str(shown.static))[number]
    return np.asarray(Image.open(io.BytesIO(base64.b64decode(found))).convert("RGB"))


def rgb(colour: str) -> list[int]:
    return [*bytes.fromhex(colour[1:])]


def test_a_thumbnail_has_the_colours_of_the_scale_that_the_script_draws_with():
    patterns = np.zeros((1, 7, 7))
    patterns[0, :, 0] = 1.0
    pixels = thumbnail(widget(patterns))
    scale = widget(patterns).data["scale"]
    assert pixels[3, 0].tolist() == rgb(scale[-1][1])
    assert pixels[3, 2].tolist() == rgb(scale[0][1]) == [255, 255, 255]
    assert pixels[3, 5].tolist() == rgb(widget(patterns).data["none"]) == rgb(style.NOT_ALLOWED)


def test_the_scale_is_named_once_with_its_ends():
    text = str(widget(causal_pattern(3, 7)).static)
    assert text.count('class="scale"') == 1
    assert "attention weight" in text
    assert "the middle colour is 0.25" in text


def test_a_difference_has_both_colours_and_shares_one_scale():
    patterns = np.zeros((2, 7, 7))
    patterns[0, 4, 1], patterns[0, 2, 6], patterns[1, 0, 0] = -0.5, 0.25, 0.125
    made = widget(patterns)
    assert (made.data["signed"], made.data["whole"], made.data["most"]) == (True, True, 0.5)
    pixels = thumbnail(made)
    assert pixels[4, 1].tolist() == rgb(NEGATIVE)
    assert pixels[0, 1].tolist() == pytest.approx([255] * 3, abs=2)
    half = (255 + np.array(rgb(POSITIVE))) / 2
    np.testing.assert_allclose(pixels[2, 6], half, atol=2)
    assert made.data["patterns"] == [pack_values(each, 0.5) for each in patterns]


def test_weights_stay_weights_and_rounding_does_not_make_them_negative():
    patterns = causal_pattern(2, 7)
    patterns[0, 3, 1] = -1e-9
    patterns[1, 0, 0] = 1.00001
    made = widget(patterns)
    assert not made.data["whole"]
    assert made.data["patterns"] == [pack_pattern(each) for each in patterns]


@pytest.mark.parametrize(
    "change", [(1, 2, 0.5), (2, 1, 3.0), (2, 1, -0.5)], ids=["looks ahead", "above 1", "below 0"]
)
def test_what_is_no_causal_attention_is_kept_whole(change: tuple[int, int, float]):
    patterns = causal_pattern(1, 7)
    row, key, value = change
    patterns[0, row, key] = value
    data = widget(patterns).data
    codes = np.frombuffer(base64.b64decode(data["patterns"][0]), "<i2").reshape(7, 7)
    assert data["whole"]
    np.testing.assert_allclose(codes / 32767 * data["most"], patterns[0], atol=data["most"] / 65000)


def test_values_that_are_not_known_are_not_called_zero():
    patterns = np.full((1, 7, 7), 2.0)
    patterns[0, 1, 2] = np.nan
    made = widget(patterns)
    codes = np.frombuffer(base64.b64decode(made.data["patterns"][0]), "<i2").reshape(7, 7)
    assert np.argwhere(codes == -32768).tolist() == [[1, 2]]
    assert thumbnail(made)[1, 2].tolist() == rgb(style.NOT_ALLOWED)


@pytest.mark.parametrize("value", [0.0, np.nan])
def test_nothing_but_zero_or_unknown_is_drawn_too(value: float):
    assert Shown.of(np.full((1, 7, 7), value)).most == 1.0
    assert len(widget(np.full((1, 7, 7), value)).html) > 0


def test_a_thumbnail_of_a_long_text_keeps_its_largest_weights():
    n = 3 * SMALL
    patterns = np.zeros((1, n, n))
    patterns[0, n - 2, 10] = 1.0
    pixels = thumbnail(widget(patterns))
    assert pixels.shape[:2] == (SMALL, SMALL)
    assert pixels[SMALL - 1, 3].tolist() == rgb(style.ATTENTION_COLOURS[-1])


def test_all_heads_stand_in_rows_of_their_layer_with_losses_below_the_tokens():
    made = widget(causal_pattern(6, 7), rows=[("layer 0", 2), ("layer 1", 4)], losses=[0.125] * 6)
    text = str(made.static)
    assert re.findall(r"<div><span>(layer \d)</span>", text) == ["layer 0", "layer 1"]
    first, second = text.split("layer 1</span>")
    assert first.count("<button") == 2
    assert second.count("<button") == 4
    assert re.findall(r"<small>([^<]*)</small>", text) == ["–", *["0.12"] * 6]


def test_more_than_a_page_holds_is_refused_in_a_sentence():
    patterns = np.broadcast_to(np.float32(0), (8, 1013, 1013))
    assert patterns.size // 2 > MOST_WEIGHTS
    with pytest.raises(SelectionError, match=r"^8 patterns of 1013 .* give at most 1000 tokens"):
        widget(patterns)
