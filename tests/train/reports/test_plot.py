from __future__ import annotations

import json
from xml.etree import ElementTree as ET

import numpy as np
import pytest

from tinyinterp.errors import OutputError, TrainingError
from tinyinterp.views.style import LINE_COLOURS
from train.reports.curves import drawn_runs, loss_title, read_curve, smooth
from train.reports.interactive_plot import plot_losses
from train.reports.plot import plot_runs

SVG = "{http://www.w3.org/2000/svg}"


def write_run(folder, n_lines=71, level=2.0):
    folder.mkdir()
    rows = []
    for step in range(10, 10 * n_lines + 1, 10):
        rows.append({"step": step, "tokens": 1009 * step, "loss": level + 60 / (step + 10)})
        if step % 130 == 0:
            rows.append({"step": step, "tokens": 1009 * step, "dev_nats_per_token": level + 0.5})
    (folder / "log.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows), "utf-8")
    return folder


def test_a_log_is_read_as_it_was_written(tmp_path):
    curve = read_curve(write_run(tmp_path / "small", n_lines=29))
    assert curve.name == "small"
    assert curve.tokens.tolist() == [1009 * step for step in range(10, 291, 10)]
    assert curve.loss[0] == 5.0
    assert curve.dev_tokens.tolist() == [1009 * 130, 1009 * 260]
    assert curve.dev_loss.tolist() == [2.5, 2.5]


def test_a_line_that_is_still_being_written_is_left_out(tmp_path):
    run = write_run(tmp_path / "going")
    whole = read_curve(run)
    with (run / "log.jsonl").open("a", encoding="utf-8") as file:
        file.write('{"step": 720, "tok')
    np.testing.assert_array_equal(read_curve(run).tokens, whole.tokens)


@pytest.mark.parametrize("suffix", [".png", ".svg", ".pdf"])
def test_pictures_are_of_the_kind_their_name_says(tmp_path, suffix):
    target = tmp_path / "new" / f"loss{suffix}"
    plot_runs([write_run(tmp_path / "small")], target)
    start = {".png": b"\x89PNG", ".svg": b"<?xml", ".pdf": b"%PDF"}[suffix]
    assert target.read_bytes().startswith(start)
    assert list(target.parent.iterdir()) == [target]


def test_several_runs_have_a_curve_each_and_their_names(tmp_path, monkeypatch):
    runs = [write_run(tmp_path / name, level=level) for name, level in (("_a$b", 2), ("wide", 3))]
    monkeypatch.setattr("matplotlib.rcParams", _with_text())
    plot_runs(runs, tmp_path / "both.svg")
    root = ET.parse(tmp_path / "both.svg").getroot()
    words = {"".join(text.itertext()) for text in root.iter(f"{SVG}text")}
    assert words >= {f"{kind}, {run.name}" for run in runs for kind in ("training", "held out")}
    assert words >= {"tokens seen", "loss (nats per token)"}
    styles = " ".join(path.get("style", "") for path in root.iter(f"{SVG}path")).lower()
    assert "#0072b2" in styles
    assert "#d55e00" in styles


def _with_text():
    import matplotlib as mpl

    parameters = mpl.rcParams.copy()
    parameters["svg.fonttype"] = "none"
    return parameters


def test_a_run_without_evaluations_and_of_one_line_can_be_drawn(tmp_path):
    plot_runs([write_run(tmp_path / "short", n_lines=1)], tmp_path / "loss.png")
    assert (tmp_path / "loss.png").stat().st_size > 1000


@pytest.mark.parametrize("suffix", [".png", ".svg", ".pdf"])
def test_the_same_log_gives_the_same_picture(tmp_path, monkeypatch, suffix):
    run = write_run(tmp_path / "small")
    pictures = [tmp_path / f"{name}{suffix}" for name in "ab"]
    for seconds, picture in zip(("1000003", "2000003"), pictures, strict=True):
        monkeypatch.setenv("SOURCE_DATE_EPOCH", seconds)  # the date that would be written
        plot_runs([run], picture)
    assert pictures[0].read_bytes() == pictures[1].read_bytes()


def test_smoothing_is_a_mean_over_a_centred_window():
    assert smooth(np.array([3.0])).tolist() == [3.0]
    assert smooth(np.array([1.0, 5.0, 3.0, 1.0])).tolist() == [1.0, 3.0, 3.0, 1.0]
    np.testing.assert_allclose(smooth(np.arange(101.0)), np.arange(101.0))
    noise = np.random.default_rng(0).normal(size=503)
    assert smooth(noise)[251] == pytest.approx(noise[251 - 12 : 251 + 13].mean())


def test_what_cannot_be_drawn_is_refused(tmp_path):
    run = write_run(tmp_path / "small")
    with pytest.raises(OutputError, match=r"name it \.png, \.svg, \.pdf or \.html"):
        plot_runs([run], tmp_path / "loss.txt")
    with pytest.raises(TrainingError, match="is no training run"):
        plot_runs([run, tmp_path / "none"], tmp_path / "loss.png")
    assert not (tmp_path / "loss.png").exists()
    (run / "log.jsonl").write_text("", "utf-8")
    with pytest.raises(TrainingError, match="no training loss yet"):
        read_curve(run)
    (run / "log.jsonl").write_text('{"loss": \n', "utf-8")
    with pytest.raises(TrainingError, match="cannot read"):
        read_curve(run)


def test_a_page_shows_the_same_curves_as_the_picture(tmp_path):
    runs = [write_run(tmp_path / name, level=level) for name, level in (("a<b>", 2), ("wide", 3))]
    figure = plot_losses(drawn_runs(runs), loss_title(runs))
    found = {trace.name: trace for trace in figure.data if trace.name}
    assert list(found) == [
        f"{what}, {name}" for name in ("a&lt;b&gt;", "wide") for what in ("training", "held out")
    ]
    curve = read_curve(runs[1])
    np.testing.assert_allclose(found["training, wide"].y, smooth(curve.loss), atol=1e-4)
    assert list(found["held out, wide"].x) == curve.dev_tokens.tolist()
    assert found["training, wide"].line.color == LINE_COLOURS[1]
    pages = [tmp_path / f"{name}.html" for name in "ab"]
    for page in pages:
        plot_runs(runs, page)
    assert pages[0].read_bytes() == pages[1].read_bytes()
