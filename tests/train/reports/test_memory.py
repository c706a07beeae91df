from __future__ import annotations

import csv
import json
from xml.etree import ElementTree as ET

import pytest
from pyarrow import parquet

from tinyinterp.errors import ConfigError, TrainingError
from tinyinterp.io.table import Table
from tinyinterp.network.compressor import CompressorConfig
from tinyinterp.network.config import DecoderConfig
from train.reports import memory
from train.reports.memory import Grid, in_new_process, memory_table, table_lines
from train.reports.memory_plot import draw_memory
from train.reports.memory_step import MIB, Answer, Work, resident_peak

SMALL = {"n_layers": 1, "n_heads": 2, "n_vocab": 10_007, "n_ctx": 13, "precision": "fp32"}


class Recorder:
    """Answers in place of a process: 100 MiB idle, else by size; above 3,000 it does not fit."""

    def __init__(self) -> None:
        self.asked: list[Work] = []

    def __call__(self, work: Work) -> Answer:
        self.asked.append(work)
        if work.model is None:
            return Answer(100.0)
        share = 0.5 if isinstance(work.model, CompressorConfig) else 1.0
        peak = share * work.model.d_model * work.batch_size
        return Answer(peak if peak <= 3000 else None)


class Report:
    done = 0.0

    def advance(self, steps: float = 1, note: str | None = None) -> None:
        del note
        self.done += steps


@pytest.fixture(scope="module")
def table() -> Table:
    return memory_table(Grid(limit=3000), None, Recorder())


def test_the_grid_is_the_one_of_the_report(table):
    grid, recorder = Grid(), Recorder()
    memory_table(grid, None, recorder)
    assert len(table) == 2 * 3 * 5
    works = [(type(w.model), w.model.d_model, w.batch_size) for w in recorder.asked if w.model]
    assert works[:5] == [(DecoderConfig, 128, size) for size in (2, 4, 8, 16, 32)]
    assert {work[0] for work in works} == {DecoderConfig, CompressorConfig}
    assert {work[1] for work in works} == {128, 256, 512}
    for work in recorder.asked[1:]:
        shape = work.model
        assert (shape.n_vocab, shape.n_ctx, shape.n_layers, shape.n_heads) == (50257, 512, 8, 4)
        assert shape.tied
        assert (work.precision, work.device) == ("bf16", "cpu")


def test_what_does_not_fit_is_marked_and_larger_batches_are_not_tried():
    recorder, report = Recorder(), Report()
    grid = Grid(kinds=("decoder",), widths=(256, 512), batch_sizes=(32, 2, 8, 16))
    table = memory_table(grid, report, recorder)
    cells = [(r["d_model"], r["batch_size"], r["peak_mib"], r["fits"]) for r in table]
    assert cells == [
        (256, 2, 512.0, "yes"),
        (256, 8, 2048.0, "yes"),
        (256, 16, None, "oom"),
        (256, 32, None, "oom"),
        (512, 2, 1024.0, "yes"),
        (512, 8, None, "oom"),
        (512, 16, None, "oom"),
        (512, 32, None, "oom"),
    ]
    tried = [(w.model.d_model, w.batch_size) for w in recorder.asked if w.model]
    assert tried == [(256, 2), (256, 8), (256, 16), (512, 2), (512, 8)]
    assert report.done == grid.steps


def test_the_printed_table_has_the_form_of_the_report(table):
    lines = table_lines(table)
    assert lines[0].split() == ["MiB", "at", "batch", "2", "4", "8", "16", "32"]
    assert lines[1].split() == ["decoder", "128", "256", "512", "1,024", "2,048", "oom"]
    assert lines[6].split() == ["compressor", "512", "512", "1,024", "2,048", "oom", "oom"]
    assert len({len(line) for line in lines}) == 1


def test_the_picture_has_a_line_for_each_model_and_shows_what_does_not_fit(
    table, tmp_path, monkeypatch
):
    import matplotlib as mpl

    parameters = mpl.rcParams.copy()
    parameters["svg.fonttype"] = "none"
    monkeypatch.setattr("matplotlib.rcParams", parameters)
    png, svg = draw_memory(table, tmp_path)
    assert png.read_bytes().startswith(b"\x89PNG")
    first = svg.read_bytes()
    root = ET.fromstring(first)
    words = {"".join(e.itertext()) for e in root.iter("{http://www.w3.org/2000/svg}text")}
    models = {f"{kind} {width}" for kind in memory.KINDS for width in (128, 256, 512)}
    assert words >= models | {"idle process", "limit", "batch size (sequences)", "32"}
    assert words >= {"peak resident memory (MiB)"}
    draw_memory(table, tmp_path)
    assert svg.read_bytes() == first


@pytest.mark.parametrize(
    ("changes", "error", "message"),
    [
        ({"widths": ()}, TrainingError, "nothing to measure"),
        ({"batch_sizes": (2, 0)}, TrainingError, "batch size 0"),
        ({"limit": 0.0}, TrainingError, "the limit is 0"),
        ({"widths": (130,)}, ConfigError, "130 does not divide into 4 heads"),
        ({"n_vocab": 0}, ConfigError, "n_vocab is 0"),
    ],
)
def test_what_cannot_be_measured_is_refused_before_any_work(changes, error, message):
    with pytest.raises(error, match=message):
        Grid(**changes)


def test_cuda_without_a_device_is_refused(monkeypatch):
    monkeypatch.setattr("torch.cuda.is_available", lambda: False)
    with pytest.raises(TrainingError, match="no CUDA device here; measure with --device cpu"):
        Grid(device="cuda")


def test_a_step_holds_weights_gradients_and_both_moments_at_least():
    """fp32 with AdamW: 16 bytes for each parameter, whatever else."""
    grid = Grid(**SMALL)
    config = grid.config("decoder", 202)
    n_parameters = 10_007 * 202 + 13 * 202 + 4 * 202 + 12 * 202**2 + 9 * 202 + 2 * 202
    idle = in_new_process(Work(None, 0, "fp32", "cpu", None)).peak
    peak = in_new_process(Work(config, 3, "fp32", "cpu", None)).peak
    assert idle is not None
    assert peak is not None
    assert 16 * n_parameters / MIB < peak - idle < 16 * n_parameters / MIB + 200


def test_a_process_above_its_limit_does_not_fit():
    config = Grid(**SMALL).config("compressor", 202)
    assert in_new_process(Work(config, 3, "fp32", "cpu", 20.0)) == Answer(None)


def test_a_process_that_fails_otherwise_is_an_error(capfd):
    wrong = Grid(**SMALL).config("decoder", 14)
    with pytest.raises(TrainingError, match="batch of -1 ended with code 1"):
        in_new_process(Work(wrong, -1, "fp32", "cpu", None))
    assert "negative dimension" in capfd.readouterr().err


def test_the_peak_of_this_process_is_of_this_process():
    before = resident_peak()
    held = bytearray(int(1.2 * before) * MIB)  # more than ever, so that the peak must rise
    held[:: 1 << 12] = b"x" * len(held[:: 1 << 12])
    assert resident_peak() > 1.2 * before


def test_the_command_writes_table_and_picture(tmp_path, monkeypatch, capsys):
    from train.cli import main

    monkeypatch.setattr(memory, "in_new_process", Recorder())
    words = ["memory", "--out", str(tmp_path / "out"), "--width", "512", "--batch-size", "4"]
    with pytest.raises(SystemExit) as ended:
        main([*words, "--batch-size", "8", "--model", "decoder"])
    assert ended.value.code == 0
    captured = capsys.readouterr()
    assert captured.out.splitlines()[1].split() == ["decoder", "512", "2,048", "oom"]
    assert "an idle process: 100 MiB" in captured.err
    names = {path.name for path in (tmp_path / "out").iterdir()}
    assert names == {
        "tinyinterp.json",
        *(f"memory.{s}" for s in ("csv", "parquet", "json", "png", "svg")),
    }
    with (tmp_path / "out" / "memory.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert [(r["batch_size"], r["peak_mib"], r["fits"]) for r in rows] == [
        ("4", "2048", "yes"),
        ("8", "", "oom"),
    ]
    assert parquet.read_table(tmp_path / "out" / "memory.parquet")["peak_mib"].to_pylist() == [
        2048,
        None,
    ]
    with pytest.raises(SystemExit):
        main([*words, "--json"])
    content = json.loads(capsys.readouterr().out)
    assert content["notes"]["idle_mib"] == 100
    assert [row["model"] for row in content["rows"]] == ["decoder", "compressor"]
