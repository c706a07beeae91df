from __future__ import annotations

import numpy as np
import pytest
from matplotlib.collections import PolyCollection
from matplotlib.colors import to_rgb

from tests.views.examples import full_row, make_census
from tinyinterp.io.table import Table
from tinyinterp.views import style
from tinyinterp.views.causal_plot import draw_causal_check, has_causal_check
from tinyinterp.views.profiles import INSIDE, draw_profiles


def test_every_head_has_its_profile_at_its_place_in_its_colour() -> None:
    census = make_census(3, 5, 7)
    axes = draw_profiles(census.profiles, census.table, "title").axes[0]
    (profiles,) = [c for c in axes.collections if isinstance(c, PolyCollection)]
    outlines = [path.vertices for path in profiles.get_paths()]
    assert len(outlines) == 15
    for outline, colour, row in zip(outlines, profiles.get_facecolor(), census.table, strict=True):
        assert np.allclose(colour[:3], to_rgb(style.kind_colour(row["kind"])))
        weights = census.profiles[row["layer"], row["head"]]
        assert outline[:, 0].min() == pytest.approx(row["head"])
        assert outline[:, 0].max() == pytest.approx(row["head"] + INSIDE)
        floor = row["layer"] + 1
        assert outline[:, 1].max() == pytest.approx(floor)
        assert floor - outline[:, 1].min() == pytest.approx(INSIDE * weights.max() ** 0.5)


def test_a_head_without_a_row_has_no_profile() -> None:
    census = make_census(2, 3, 5)
    some = Table("heads", [row for row in census.table if row["head"] != 1])
    axes = draw_profiles(census.profiles, some, "title").axes[0]
    (profiles,) = [c for c in axes.collections if isinstance(c, PolyCollection)]
    assert len(profiles.get_paths()) == 4


def test_every_head_is_a_point_with_its_intervals() -> None:
    rows = [full_row(0, 0, "positional"), full_row(0, 1, "semantic", ablation_loss_increase=0.5)]
    rows.append(full_row(1, 0, "semantic", ablation_loss_increase=float("nan")))
    axes = draw_causal_check(Table("heads", rows), "title").axes[0]
    labels = [text.get_text() for text in axes.get_legend().get_texts()]
    assert labels == ["positional (1)", "semantic (1)"]
    points = [container[0] for container in axes.containers]
    assert [tuple(point.get_xydata()[0]) for point in points] == [(0.02, 0.003), (0.5, 0.003)]
    across, up = axes.containers[0][2]
    assert np.allclose(across.get_segments()[0], [[0.015, 0.003], [0.025, 0.003]])
    assert np.allclose(up.get_segments()[0], [[0.02, -0.001], [0.02, 0.005]])
    assert {text.get_text() for text in axes.texts} == {"0.0", "0.1"}


def test_a_census_without_the_check_has_no_picture_of_it() -> None:
    assert not has_causal_check(make_census(2, 3, 5).table)
    rows = [full_row(0, 0, "sink", ablation_loss_increase=None)]
    assert not has_causal_check(Table("heads", rows))
    assert has_causal_check(Table("heads", [*rows, full_row(0, 1, "sink")]))
