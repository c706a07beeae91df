from __future__ import annotations

import re

import numpy as np

from tests.views.examples import HOSTILE
from tinyinterp.views import style
from tinyinterp.views.widgets import LensRows, Widget, lens_widget

# two levels, three positions, the two likeliest tokens
TOKENS = np.array([[[7, 5], [5, 7], [5, 9]], [[9, 5], [7, 5], [7, 9]]])
PROBABILITIES = np.array(
    [[[1.0, 0.0], [0.5, 0.25], [0.75, 0.1]], [[0.25, 0.2], [0.6, 0.3], [0, 0]]]
)
NEXT = np.array([[0.0, 0.5, np.nan], [0.2, 0.3, np.nan]])
RANK = np.array([[40, 1, 0], [2, 3, 0]])


def widget() -> Widget:
    rows = LensRows({5: " dog", 7: HOSTILE, 9: "\n"}, TOKENS, PROBABILITIES, NEXT, RANK)
    return lens_widget(rows, ["<|endoftext|>", " a", " dog"], ["embedding", "layer 0"], "Lens")


def cells() -> list[tuple[str, str]]:
    return re.findall(r"<td ([^>]*)>([^<]*)</td>", str(widget().static))


def test_the_output_is_on_top_and_each_cell_is_the_likeliest_token():
    assert re.findall(r'<th scope="row">([^<]*)</th>', str(widget().static))[1:] == [
        "layer 0",
        "embedding",
    ]
    hostile = "&lt;/script&gt;&lt;img…"
    assert [text for _, text in cells()] == ["⏎", hostile, hostile, hostile, "␣dog", "␣dog"]


def test_a_cell_is_marked_where_the_token_comes_next_and_one_is_reached_by_tab():
    assert ['class="right"' in attributes for attributes, _ in cells()] == [False] * 4 + [
        True,
        False,
    ]
    assert ['tabindex="0"' in attributes for attributes, _ in cells()] == [True] + [False] * 5


def test_a_cell_has_the_colour_of_its_probability():
    colours = [re.findall(r"background:(#\w+)", attributes)[0] for attributes, _ in cells()]
    assert colours[3] == style.ATTENTION_COLOURS[-1].lower()
    assert colours[2] == "#ffffff"


def test_what_is_read_under_the_mouse():
    data = widget().data
    assert data["words"] == ["␣dog", "</script><img…", "⏎"]
    assert data["rows"][0][0] == {"likeliest": [(2, "0.250"), (0, "0.200")], "next": (2, 0.2)}
    assert data["rows"][1][1]["next"] == (1, 0.5)
    assert data["rows"][1][2]["next"] is None
    assert data["levels"] == ["layer 0", "embedding"]
