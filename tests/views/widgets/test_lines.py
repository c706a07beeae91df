from __future__ import annotations

import re

import numpy as np

from tests.views.examples import HOSTILE, causal_pattern
from tinyinterp.views.widgets.lines import LEAST, MOST, lines_widget

LINE = re.compile(
    r'stroke-opacity="([\d.]+)" data-query="(\d+)" data-key="(\d+)" data-weight="([\d.]+)"'
)


def lines(pattern: np.ndarray) -> list[tuple[float, int, int, float]]:
    text = str(lines_widget(pattern, [f" t{n}" for n in range(len(pattern))], "title").static)
    return [(float(o), int(q), int(k), float(w)) for o, q, k, w in LINE.findall(text)]


def test_there_is_a_line_for_every_weight_that_is_large_enough():
    pattern = causal_pattern(1, 7)[0]
    pattern[3, 1], pattern[5, 2] = LEAST - 0.001, LEAST + 0.001
    found = {(query, key): weight for _, query, key, weight in lines(pattern)}
    expected = {(int(q), int(k)): pattern[q, k] for q, k in np.argwhere(pattern >= LEAST)}
    assert found.keys() == expected.keys()
    assert all(abs(found[at] - expected[at]) <= 0.0006 for at in found)


def test_a_query_has_its_largest_weights_only():
    row = np.linspace(0.02, 0.06, 23)
    pattern = np.zeros((23, 23))
    pattern[22] = row
    assert sorted(key for _, _, key, _ in lines(pattern)) == list(range(23 - MOST, 23))


def test_a_line_is_as_strong_as_the_root_of_its_weight():
    pattern = np.zeros((3, 3))
    pattern[2, 0], pattern[2, 1], pattern[1, 1] = 0.25, 0.04, np.nan
    assert [(opacity, key) for opacity, _, key, _ in lines(pattern)] == [(0.5, 0), (0.2, 1)]


def test_tokens_of_others_are_text():
    widget = lines_widget(np.eye(2), [HOSTILE, HOSTILE], HOSTILE)
    assert "<img" not in widget.html.split("<script>")[0]
    assert "&lt;/script&gt;" in str(widget.static)
