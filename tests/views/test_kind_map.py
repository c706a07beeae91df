from __future__ import annotations

from matplotlib.colors import to_rgb
from matplotlib.patches import Rectangle

from tests.views.examples import make_census
from tinyinterp.io.table import Table
from tinyinterp.views.kind_map import cell_words, draw_kind_map
from tinyinterp.views.style import KIND_COLOURS


def row(layer: int, head: int, kind: str, **others: object) -> dict[str, object]:
    return {"layer": layer, "head": head, "kind": kind, "attention": "global", **others}


def test_every_head_lies_at_its_place_in_the_colour_of_its_kind() -> None:
    table = make_census(3, 5, 7).table
    axes = draw_kind_map(table, "title").axes[0]
    found = {
        (round(p.get_y() + 0.5), round(p.get_x() + 0.5)): p.get_facecolor()[:3]
        for p in axes.patches
        if isinstance(p, Rectangle)
    }
    expected = {(r["layer"], r["head"]): to_rgb(KIND_COLOURS[r["kind"]]) for r in table}
    assert found == expected
    names = [label.get_text() for label in axes.get_yticklabels()]
    assert names == ["global  0", "local  1", "global  2"]


def test_legend_counts_the_kinds_that_occur() -> None:
    table = Table("heads", [row(0, 0, "sink"), row(0, 1, "sink"), row(0, 2, "mixed")])
    legend = draw_kind_map(table, "title").legends[0]
    assert [text.get_text() for text in legend.get_texts()] == ["mixed (1)", "sink (2)"]


def test_missing_heads_leave_their_place_empty() -> None:
    table = Table("heads", [row(1, 2, "sink")])
    axes = draw_kind_map(table, "title").axes[0]
    assert len(axes.patches) == 1
    assert len(axes.get_yticks()) == 2


def test_many_heads_get_narrow_cells_with_the_number_only() -> None:
    rows = [row(0, h, "positional", role="local-decay", value=0.5) for h in range(31)]
    figure = draw_kind_map(Table("heads", rows), "title")
    assert figure.get_figwidth() < 18
    assert {text.get_text() for text in figure.axes[0].texts} == {"0.50"}


def test_cells_name_the_role_where_there_is_one_and_it_is_certain() -> None:
    induction = {"kind": "semantic", "role": "induction", "decided_by": "induction", "value": 0.8}
    assert cell_words(induction) == ("induction", "I 0.80")
    assert cell_words({**induction, "kind": "undetermined"}) == ("undeterm.", "I 0.80")
    mixed = {"kind": "mixed", "role": "more positional"}
    assert cell_words(mixed) == ("more positional", "–")
    assert cell_words({"kind": "semantic", "role": "DET->NOUN"}) == ("DET→NOUN", "–")
    missing = {"kind": "mixed", "decided_by": "contrast", "value": float("nan")}
    assert cell_words(missing) == ("mixed", "C –")
