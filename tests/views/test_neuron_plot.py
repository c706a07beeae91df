"""The neuron plot: every neuron is a point of its kind; the same numbers give the same bytes."""

from __future__ import annotations

from pathlib import Path

from matplotlib.collections import PathCollection

from tinyinterp.io.table import Table
from tinyinterp.views import style
from tinyinterp.views.neuron_plot import draw_neurons

ROWS = [
    {"kind": "word", "purity": 0.9, "auroc": 0.7},
    {"kind": "mixed", "purity": 0.2, "auroc": 0.4},
    {"kind": "mixed", "purity": 0.3, "auroc": 0.5},
    {"kind": "dead", "purity": float("nan"), "auroc": 0.5},
]


def test_every_neuron_is_a_point_of_its_kinds_colour() -> None:
    (axes,) = draw_neurons(Table("neurons", ROWS), "layer 0").axes
    drawn = {c.get_label(): c for c in axes.collections if isinstance(c, PathCollection)}
    assert set(drawn) == {"mixed (2)", "word (1)", "dead (1)"}
    assert drawn["mixed (2)"].get_offsets().tolist() == [[0.2, 0.4], [0.3, 0.5]]


def test_same_numbers_same_bytes(tmp_path: Path) -> None:
    paths = [
        style.save(draw_neurons(Table("neurons", ROWS), "layer 0"), tmp_path / name)
        for name in ("a.png", "b.png")
    ]
    assert paths[0].read_bytes() == paths[1].read_bytes()
