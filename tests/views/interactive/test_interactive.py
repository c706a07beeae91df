"""Each plotly figure shows what its matplotlib twin shows, in the same colours."""

from __future__ import annotations

import base64
import json
import re
from pathlib import Path
from typing import Any

import numpy as np
import plotly.graph_objects as go
import plotly.io as pio
import pytest
from browser import Watched
from matplotlib.collections import PathCollection
from matplotlib.colors import to_hex
from playwright.sync_api import expect

from tests.views.examples import HOSTILE, full_row, make_census
from tests.views.test_formation import STEPS, formation
from tinyinterp import view
from tinyinterp.errors import OutputError, SelectionError
from tinyinterp.io.table import Table
from tinyinterp.views import style
from tinyinterp.views.causal_plot import draw_causal_check
from tinyinterp.views.execution import Execution
from tinyinterp.views.formation import SCORES, draw_formation
from tinyinterp.views.interactive.base import LIBRARY, new_figure, save_figure, words
from tinyinterp.views.interactive.formation import plot_formation
from tinyinterp.views.interactive.layers import plot_kind_map, plot_kind_shares, plot_profiles
from tinyinterp.views.interactive.scatter import bent, plot_causal_check, plot_neurons, plot_scores
from tinyinterp.views.kind_shares import draw_kind_shares, kind_shares
from tinyinterp.views.neuron_plot import draw_neurons
from tinyinterp.views.picture import Picture
from tinyinterp.views.profiles import cell_profiles
from tinyinterp.views.score_plot import draw_scores

HEADS = Table(
    "heads",
    [
        full_row(0, 0, "positional", contrast=0.5),
        full_row(0, 1, "semantic", role=HOSTILE, ablation_loss_increase=0.5, ablation_high=0.6),
        full_row(1, 0, "semantic", position_explained=float("nan")),
        full_row(1, 1, "semantic", ablation_loss_increase=-0.004, ablation_low=-0.02),
    ],
)
NEURONS = Table(
    "neurons",
    [
        {"layer": 3, "neuron": n, "kind": kind, "best_tag": "NOUN", "purity": n / 7, "auroc": 0.6,
         "auroc_low": 0.5, "auroc_high": 0.7, "hits": 1009 * n}
        for n, kind in enumerate(("word", "word", "mixed", "part-of-speech", "dead"))
    ],
    notes={"model": f"tiny {HOSTILE}", "text": "stories"},
)  # fmt: skip


def traces(figure: go.Figure) -> dict[str, Any]:
    """What is drawn, by its name in the legend."""
    drawn = json.loads(str(figure.to_json()))["data"]
    return {trace["name"]: trace for trace in drawn if trace.get("showlegend", True)}


def points(axes: Any) -> dict[str, tuple[list[list[float]], str]]:
    """Points and colour of each scatter of a matplotlib plot, by its label."""
    return {
        str(c.get_label()): (c.get_offsets().tolist(), to_hex(c.get_facecolor()[0]))
        for c in axes.collections
        if isinstance(c, PathCollection)
    }


@pytest.mark.parametrize(("x", "y"), [("position_explained", "contrast"), ("sink", "induction")])
def test_both_scatter_plots_of_scores_show_the_same(x: str, y: str):
    drawn = points(draw_scores(HEADS, "title", x=x, y=y).axes[0])
    plotted = traces(plot_scores(HEADS, "title", x=x, y=y))
    assert drawn.keys() == plotted.keys() == {"positional (1)", "semantic (3)"}
    for label, (places, colour) in drawn.items():
        trace = plotted[label]
        known = [[a, b] for a, b in zip(trace["x"], trace["y"], strict=True) if a is not None]
        assert known == [place for place in places if None not in place]
        assert trace["marker"]["color"].lower() == colour
    assert plotted["semantic (3)"]["hovertext"][0].startswith(f"<b>0.1</b> {words('semantic, ')}")


def test_both_scatter_plots_of_neurons_show_the_same():
    drawn = points(draw_neurons(NEURONS, "title").axes[0])
    plotted = traces(plot_neurons(NEURONS, "title"))
    assert drawn.keys() == plotted.keys()
    for label, (places, colour) in drawn.items():
        found = zip(plotted[label]["x"], plotted[label]["y"], strict=True)
        np.testing.assert_allclose(list(found), places)
        assert plotted[label]["marker"]["color"].lower() == colour
    assert "hits 1,009" in plotted["word (2)"]["hovertext"][1]


def test_both_causal_plots_show_the_same_points_and_intervals():
    axes = draw_causal_check(HEADS, "title").axes[0]
    labels = [text.get_text() for text in axes.get_legend().get_texts()]
    plotted = traces(plot_causal_check(HEADS, "title"))
    assert labels == [name for name in plotted if "keeps" not in name]
    for container, label in zip(axes.containers, labels, strict=True):
        trace = plotted[label]
        places = container[0].get_xydata().tolist()
        np.testing.assert_allclose(trace["x"], [bent(x) for x, _ in places])
        np.testing.assert_allclose(trace["y"], [bent(y) for _, y in places])
        for segments, name, at in zip(container[2], "xy", (0, 1), strict=True):
            low, high = np.array([s[:, at] for s in segments.get_segments()]).T
            reach = trace[f"error_{name}"]
            found = np.subtract(trace[name], reach["arrayminus"])
            np.testing.assert_allclose(found, [bent(value) for value in low], atol=1e-9)
            found = np.add(trace[name], reach["array"])
            np.testing.assert_allclose(found, [bent(value) for value in high], atol=1e-9)


def test_the_bent_axis_goes_both_ways_and_never_back():
    values = [-1.0, -0.1, -0.001, -0.0005, 0.0, 0.0005, 0.001, 0.002, 1.0]
    found = [bent(value) for value in values]
    assert found == sorted(found)
    assert [-bent(value) for value in values] == [bent(-value) for value in values]
    ticks = plot_causal_check(HEADS, "title").layout["xaxis"]["ticktext"]
    assert ticks == ("-0.01", "-0.001", "0", "0.001", "0.01", "0.1")


def test_every_head_lies_at_its_place_in_the_map(census: Any):
    figure = plot_kind_map(census.table, "title")
    for row in census.table:
        (trace,) = [t for n, t in traces(figure).items() if n.startswith(row["kind"])]
        assert trace["marker"]["color"] == style.kind_colour(row["kind"])
        places = [(x, round(b + 0.47)) for x, b in zip(trace["x"], trace["base"], strict=True)]
        assert places.count((row["head"], row["layer"])) == 1
    assert sum(len(trace["x"]) for trace in traces(figure).values()) == len(census.table)


def test_every_profile_has_its_outline_and_says_its_weights():
    census = make_census(3, 5, 7)
    plotted = plot_profiles(census.profiles, census.table, "title")
    corners = sum(len(cell.outline) + 1 for cell in cell_profiles(census.profiles, census.table))
    assert sum(len(trace["x"]) for trace in traces(plotted).values()) == corners
    said = [text for trace in plotted.data for text in trace.hovertext or ()]
    assert len(said) == 3 * 5 * 7
    weight = census.profiles[2, 3, 6]
    kind = census.table.row(layer=2, head=3)["kind"]
    assert f"<b>2.3</b> {kind}<br>6 back: {weight:.3f}" in said


def test_both_pictures_of_shares_show_the_same():
    models = {"a": kind_shares(NEURONS), "b <b>": kind_shares(NEURONS)}
    panels = draw_kind_shares(models, "title").axes
    bars = {to_hex(bar.get_facecolor()): bar.get_width() for bar in panels[0].patches}
    plotted = traces(plot_kind_shares(models, "title"))
    shares = {t["marker"]["color"].lower(): t["x"][0] for t in plotted.values()}
    assert bars == pytest.approx(shares)
    assert plotted["word"]["x"] == [0.4]


def test_both_pictures_of_formation_show_the_same():
    table = formation()
    panels = draw_formation(table, "title").axes
    drawn = {
        tuple(np.asarray(line.get_ydata()).tolist())
        for axes in panels
        for line in axes.lines
        if line.get_gid()
    }
    plotted = plot_formation(table, "title")
    assert {tuple(trace.y) for trace in plotted.data} == drawn
    assert {tuple(trace.x) for trace in plotted.data} == {tuple(map(float, STEPS))}
    assert len(plotted.data) == 15 * len(SCORES)
    names = [trace.name for trace in plotted.data if trace.showlegend]
    assert sorted(names) == sorted(set(names))


def test_step_nought_has_a_place_on_the_logarithmic_axis():
    assert plot_formation(formation((0, 3)), "title").data[0].x == (0.5, 3)


def test_text_of_others_is_escaped(tmp_path: Path):
    title = f"{HOSTILE}\u202e"
    page = save_figure(new_figure(title, width=700, height=400), tmp_path / "a.html", beside=True)
    text = page.read_text("utf-8")
    assert "<img" not in text
    drawn = text.split("</h1>")[1]  # before it, the page's own title, which no script reads
    assert "\\u202e" not in drawn.replace("\\\\u202e", "")


def test_the_same_numbers_give_the_same_bytes(tmp_path: Path):
    pages = [view.scores(make_census(2, 3, 5), "sink", "contrast").save(tmp_path / f"{n}.html")
             for n in "ab"]  # fmt: skip
    assert pages[0].read_bytes() == pages[1].read_bytes()
    assert not re.findall(r'<(?:script|link)[^>]*(?:src|href)="', pages[0].read_text("utf-8"))


def pictures() -> dict[str, Picture]:
    census = make_census(3, 5, 7)
    heads = make_census(2, 2, 5)
    heads.table._rows[:] = list(HEADS)
    heads.table.columns[:] = HEADS.columns
    neurons: Any = type("Census", (), {"table": NEURONS})()
    return {
        "kinds": view.kinds(census),
        "profiles": view.profiles(census),
        "scores": view.scores(heads),
        "causal": view.causal(heads),
        "formation": view.formation(formation()),
        "neuron kinds": view.kinds(neurons),
        "neuron scores": view.scores(neurons),
    }


def test_every_picture_is_written_in_every_form(tmp_path: Path):
    for name, picture in pictures().items():
        for suffix, start in ((".png", b"\x89PNG"), (".svg", b"<?xml"), (".html", b"<")):
            path = picture.save(str(tmp_path / f"{name}{suffix}"), beside=True)
            assert path.read_bytes().startswith(start)
    assert (tmp_path / LIBRARY).stat().st_size > 1_000_000
    with pytest.raises(OutputError, match=r"end it in \.html .* \.png, \.svg, \.pdf"):
        picture.save(tmp_path / "a.gif")
    assert picture.save(tmp_path / "a.PNG").read_bytes().startswith(b"\x89PNG")


def test_every_figure_has_a_legend_also_of_one_kind():
    assert all(picture.plotly.layout.showlegend for picture in pictures().values())


def test_what_cannot_be_drawn_is_refused():
    with pytest.raises(SelectionError, match=r"no column 'nothing' of numbers; known: value, low"):
        view.scores(make_census(2, 3, 5), x="nothing")
    with pytest.raises(SelectionError, match="without the causal check"):
        view.causal(make_census(2, 3, 5))
    neurons: Any = type("Census", (), {"table": NEURONS})()
    with pytest.raises(SelectionError, match="leave out x and y"):
        view.scores(neurons, x="auroc")


def test_every_picture_opens_from_disk(watched: Watched, tmp_path: Path):
    page = watched.page
    for name, picture in pictures().items():
        page.goto(picture.save(tmp_path / f"{name}.html", beside=True).as_uri())
        expect(page.locator("#figure .cartesianlayer path").nth(3)).to_be_attached()
        assert page.locator("img").count() == 0


@pytest.mark.parametrize("options", [{}, {"beside": True}], ids=["whole", "beside"])
def test_no_button_uploads_a_figure_and_its_page_may_load_nothing(
    watched: Watched, tmp_path: Path, options: dict[str, bool]
):
    page = watched.page
    path = view.kinds(make_census(2, 3, 5)).save(tmp_path / "a.html", **options)
    page.goto(path.as_uri())
    expect(page.locator("#figure .cartesianlayer path").nth(3)).to_be_attached()
    page.locator("#figure").hover()
    titles = page.locator(".modebar-btn").evaluate_all("all => all.map((b) => b.dataset.title)")
    assert "Zoom" in titles
    assert not [title for title in titles if re.search("share|cloud|edit", title, re.IGNORECASE)]
    policy = page.locator("meta[http-equiv]").get_attribute("content") or ""
    assert policy.startswith("default-src 'none'; script-src ")
    assert "http" not in policy
    assert page.title() == view.kinds(make_census(2, 3, 5)).title


def test_a_figure_takes_the_missing_button_along(watched: Watched, tmp_path: Path):
    page = watched.page  # as a notebook shows it: with no settings of ours
    path = tmp_path / "a.html"
    path.write_text(view.kinds(make_census(2, 3, 5)).plotly.to_html(), "utf-8")
    page.goto(path.as_uri())
    expect(page.locator(".modebar-btn").first).to_be_attached()
    titles = page.locator(".modebar-btn").evaluate_all("all => all.map((b) => b.dataset.title)")
    assert "Zoom" in titles
    assert not [title for title in titles if re.search("share|cloud", title, re.IGNORECASE)]
    assert all("sendChartToCloud" in p.plotly.layout.modebar.remove for p in pictures().values())


def test_a_notebook_gets_what_it_can_show(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(pio.renderers, "default", "plotly_mimetype")  # as in a kernel
    picture = pictures()["scores"]
    bundle = picture._repr_mimebundle_()
    drawn = bundle["application/vnd.plotly.v1+json"]["data"]
    assert {trace["name"] for trace in drawn} == {"positional (1)", "semantic (3)"}
    png = picture.save(tmp_path / "a.png").read_bytes()
    assert base64.b64decode(bundle["image/png"]) == png
    assert bundle["text/plain"] == repr(picture)
    monkeypatch.setattr(
        "tinyinterp.views.picture.current_execution", lambda: Execution("c7", "m5", named=True)
    )
    assert picture._repr_mimebundle_().keys() == bundle.keys() - {"image/png"}
