from __future__ import annotations

import io

from matplotlib import image

from tests.views.examples import KINDS, causal_pattern
from tinyinterp.io.table import Table
from tinyinterp.views.figure import Figure
from tinyinterp.views.kind_map import draw_kind_map
from tinyinterp.views.patterns import PatternPicture
from tinyinterp.views.style import RESOLUTION


def test_a_figure_shows_itself_as_a_picture_of_its_size():
    made = Figure(figsize=(3, 2))
    made.add_subplot().plot([1, 5, 2])
    pixels = image.imread(io.BytesIO(made._repr_png_()), "png")
    assert pixels.shape[:2] == (2 * RESOLUTION, 3 * RESOLUTION)
    assert pixels.min() < pixels.max()


def test_what_is_drawn_is_such_a_figure():
    rows = [{"layer": 0, "head": h, "kind": kind, "role": ""} for h, kind in enumerate(KINDS)]
    drawn = (
        draw_kind_map(Table("heads", rows), "heads"),
        PatternPicture(list("abcde")).show(causal_pattern(1, 5)[0], "pattern"),
    )
    assert all(isinstance(figure, Figure) for figure in drawn)
