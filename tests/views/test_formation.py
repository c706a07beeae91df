from __future__ import annotations

import numpy as np
import pytest
from matplotlib.colors import to_hex

from tests.views.examples import HOSTILE, KINDS
from tinyinterp.io.table import Table
from tinyinterp.views import style
from tinyinterp.views.formation import SCORES, draw_formation

N_LAYERS, N_HEADS = 3, 5
STEPS = (1, 2, 7, 130, 3001)


def formation(steps: tuple[int, ...] = STEPS) -> Table:
    """Kinds change over the steps; one share explained is never known."""
    random = np.random.default_rng(0)
    columns = {name for score in SCORES for name in score.columns}
    rows = [
        {
            "step": step,
            "layer": layer,
            "head": head,
            "kind": KINDS[(layer * N_HEADS + head + len(steps) - 1 - index) % len(KINDS)],
            **{name: float(random.random()) for name in sorted(columns)},
            "place_explained": float("nan"),
        }
        for index, step in enumerate(steps)
        for layer in range(N_LAYERS)
        for head in range(N_HEADS)
    ]
    return Table("formation", rows)


@pytest.mark.parametrize("steps", [STEPS, (5,), (0, 3)], ids=str)
def test_every_line_is_a_head_s_score_in_the_colour_of_its_last_kind(steps: tuple[int, ...]):
    table = formation(steps)
    figure = draw_formation(table, "title")
    assert len(figure.axes) == N_LAYERS * len(SCORES)
    for number, axes in enumerate(figure.axes):
        layer, score = number // len(SCORES), SCORES[number % len(SCORES)]
        drawn = [line for line in axes.lines if len(line.get_gid() or "")]
        assert [line.get_gid() for line in drawn] == [str(head) for head in range(N_HEADS)]
        for head, line in enumerate(drawn):
            mine = [row for row in table if (row["layer"], row["head"]) == (layer, head)]
            assert list(line.get_xdata()) == list(steps)
            np.testing.assert_array_equal(line.get_ydata(), [row[score.columns[0]] for row in mine])
            assert to_hex(str(line.get_color())) == style.kind_colour(mine[-1]["kind"]).lower()
        low, high = axes.get_xlim()
        assert low < steps[0]
        assert high > steps[-1]


def test_a_score_that_is_not_known_leaves_a_gap():
    rows = [row | {"position_explained": float("nan")} for row in formation()]
    figure = draw_formation(Table("formation", rows), "title")
    axes = next(a for a in figure.axes if a.get_title() == "explained by position")
    lines = [line for line in axes.lines if line.get_gid()]
    assert all(np.isnan(np.asarray(line.get_ydata())).all() for line in lines)


def test_the_same_table_gives_the_same_bytes_whatever_the_title_holds(tmp_path):
    for suffix in (".png", ".svg"):
        first, second = (
            style.save(draw_formation(formation(), HOSTILE), tmp_path / f"{n}{suffix}")
            for n in range(2)
        )
        assert first.read_bytes() == second.read_bytes()
