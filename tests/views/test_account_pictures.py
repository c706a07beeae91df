"""The account and the ladders: both drawers show the same, and what the tables say."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from browser import Watched
from matplotlib.axes import Axes
from matplotlib.colors import to_hex
from playwright.sync_api import expect

from tests.views.account_examples import LADDER, PREDICTORS, RUNGS, make_account
from tests.views.examples import HOSTILE
from tinyinterp import view
from tinyinterp.errors import SelectionError
from tinyinterp.results import Account
from tinyinterp.views.interactive.base import words
from tinyinterp.views.picture import Picture


@pytest.fixture(scope="module")
def account() -> Account:
    return make_account()


def drawn_bars(axes: Axes) -> dict[str, tuple[list[tuple[float, float]], str]]:
    """Places and heights of the bars of each name, and their colour."""
    return {
        container.get_label(): (
            [(bar.get_x() + bar.get_width() / 2, bar.get_height()) for bar in container],
            to_hex(container[0].get_facecolor()) if len(container) else "",
        )
        for container in axes.containers
        if container.get_label() and hasattr(container, "patches")
    }


def drawn_ends(axes: Axes, name: str) -> list[list[float]]:
    """The ends of the intervals of the bars of a name."""
    (container,) = [c for c in axes.containers if c.get_label() == name and hasattr(c, "patches")]
    (lines,) = container.errorbar[2]
    return [segment[:, 1].tolist() for segment in lines.get_segments()]


def plotted(picture: Picture) -> dict[str, Any]:
    return {trace["name"]: trace for trace in json.loads(str(picture.plotly.to_json()))["data"]}


def values(trace: Any, name: str) -> list[float]:
    found = trace[name]
    if isinstance(found, dict):  # plotly packs arrays
        import base64

        return np.frombuffer(base64.b64decode(found["bdata"]), found["dtype"]).tolist()
    return found


def check_same(axes: Axes, picture: Picture) -> None:
    traces = plotted(picture)
    for name, (bars, colour) in drawn_bars(axes).items():
        trace = traces[words(name)]
        pairs = zip(values(trace, "x"), values(trace, "y"), strict=True)
        found = [pair for pair in pairs if pair[1] is not None and math.isfinite(pair[1])]
        assert found == [pytest.approx(bar) for bar in bars]
        if not bars:
            continue
        assert trace["marker"]["color"].lower() == colour
        heights = np.array([height for _, height in bars])
        reach = trace["error_y"]
        ends = np.array(drawn_ends(axes, name))
        np.testing.assert_allclose(heights - values(reach, "arrayminus"), ends[:, 0])
        np.testing.assert_allclose(heights + values(reach, "array"), ends[:, 1])


def test_both_pictures_of_an_account_show_the_same(account: Account):
    picture = view.account(account)
    by_rung, by_size = picture.matplotlib.axes
    assert len(drawn_bars(by_rung)) == 4
    check_same(by_rung, picture)
    traces = plotted(picture)
    for line in by_size.lines:
        trace = traces[f"{line.get_label()}, by size"]
        np.testing.assert_allclose(values(trace, "x"), line.get_xdata())
        np.testing.assert_allclose(values(trace, "y"), line.get_ydata())
    assert picture.title == f"What simple stories recover of tiny {HOSTILE}"
    assert "<img" not in traces["all heads"]["hovertext"][0]


def test_the_picture_of_an_account_shows_its_table(account: Account):
    by_rung, by_size = view.account(account).matplotlib.axes
    bars = drawn_bars(by_rung)
    for part, name in (("heads", "all heads"), ("neurons", "all neurons")):
        shares = [account.table.row(part=part, rung=rung) for rung in RUNGS]
        expected = [max(0.0, row["loss_recovered_unigram"]) for row in shares]
        assert [height for _, height in bars[name][0]] == expected
    assert [height for _, height in bars["n-gram models"][0]] == [0.0625, 0.125, 0.1875, 0.25]
    assert [round(place) for place, _ in bars["n-gram models"][0]] == [5, 6, 7, 8]
    marks = [text.get_text() for text in by_rung.texts]
    assert marks == ["<0"]  # of both at once by position, which is worse than the unigram model
    (both, _) = by_size.lines
    assert both.get_xdata().tolist() == [1009 * 10**n for n in range(5)]
    dashed = [line.get_ydata()[0] for line in by_rung.lines if line.get_linestyle() == "--"]
    assert dashed == [0.25]


@pytest.mark.parametrize("head", range(5))
def test_the_ladder_of_a_head(account: Account, head: int):
    picture = view.ladder(account, layer=0, head=np.int64(head))
    row = account.heads.row(layer=0, head=head)
    (axes,) = picture.matplotlib.axes
    check_same(axes, picture)
    bars = drawn_bars(axes)
    assert [height for _, height in bars["explained"][0]] == [row[f"explained_{r}"] for r in RUNGS]
    keeps = [row[f"keeps_{rung}"] for rung in RUNGS[:LADDER]] if row["needs"] else []
    assert [height for _, height in bars["keeps"][0]] == keeps
    needs = f"needs {row['needs']}" if row["needs"] else "costs nothing to ablate"
    assert picture.title.startswith(f"Head 0.{head} {needs}, tiny")
    assert axes.get_ylim()[0] < min([0.0, *(row["keeps_position_low"],) * bool(keeps)])


@pytest.mark.parametrize("neuron", range(5))
def test_the_ladder_of_a_neuron(account: Account, neuron: int):
    picture = view.ladder(account, layer=2, neuron=neuron)
    row = account.neurons.row(layer=2, neuron=neuron)
    (axes,) = picture.matplotlib.axes
    check_same(axes, picture)
    heights = [height for bars, _ in drawn_bars(axes).values() for _, height in bars]
    assert heights == [row[f"r2_{name}"] for name in PREDICTORS if row["needs"]]
    assert [tick.get_text() for tick in axes.get_xticklabels()][-1] == "tag pair"
    shown = f"needs {row['needs']}" if row["needs"] else "never varies"
    assert picture.title.startswith(f"Neuron 2.{neuron} {shown}, ")


def test_what_there_is_not_is_refused(account: Account):
    with pytest.raises(SelectionError, match="neither of head= and neuron= were given; give one"):
        view.ladder(account, layer=0)
    with pytest.raises(SelectionError, match="both of head= and neuron="):
        view.ladder(account, layer=0, head=0, neuron=0)
    with pytest.raises(SelectionError, match="there is no layer 3; this model has 3"):
        view.ladder(account, layer=3, head=0)
    with pytest.raises(SelectionError, match="there is no head 7"):
        view.ladder(account, layer=0, head=7)
    with pytest.raises(SelectionError, match="there is no neuron -1"):
        view.ladder(account, layer=0, neuron=-1)
    for show in (view.account, lambda given: view.ladder(given, layer=0, head=0)):
        with pytest.raises(SelectionError, match="shows an account: take one with"):
            show(account.heads)


def test_every_picture_is_written_in_every_form_and_opens(
    watched: Watched, tmp_path: Path, account: Account
):
    pictures = {
        "account": view.account(account),
        "head": view.ladder(account, layer=1, head=0),
        "nothing": view.ladder(account, layer=0, head=4),
        "neuron": view.ladder(account, layer=0, neuron=2),
    }
    for name, picture in pictures.items():
        for suffix, start in ((".png", b"\x89PNG"), (".svg", b"<?xml"), (".html", b"<")):
            path = picture.save(tmp_path / f"{name}{suffix}", beside=True)
            assert path.read_bytes().startswith(start)
        watched.page.goto((tmp_path / f"{name}.html").as_uri())
        expect(watched.page.locator("#figure .cartesianlayer path").nth(3)).to_be_attached()
        assert watched.page.locator("img").count() == 0
        assert picture.plotly.layout.showlegend
