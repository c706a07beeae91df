from __future__ import annotations

import argparse
import json
import shutil

import pytest
from models import tiny_checkpoint

from analyses import __main__ as listed
from analyses import published
from analyses.contrastive import spikes
from analyses.inputs import Inputs
from analyses.measured_loss import block_loss, loss_columns
from analyses.parameter_table import measure as count_parameters
from analyses.study import Made, Study, run_missing
from tinyinterp.errors import SelectionError
from tinyinterp.evaluation.loss import measure_text_loss


@pytest.fixture
def options(tmp_path):
    valid, runs = tmp_path / "secret" / "valid.txt", tmp_path / "runs"
    valid.parent.mkdir()
    valid.write_text("One day, a dog ran.\n<|endoftext|>\nThe cat was happy.\n<|endoftext|>\n")
    tiny_checkpoint(runs / "small")
    (runs / "models.json").write_text(json.dumps({"small": {"seed": 3}}))
    out = tmp_path / "figures"
    out.mkdir()
    return argparse.Namespace(runs=runs, text=None, valid=valid, out=out, full=False)


def fake(name, **needs):
    return Study(name, "fake", lambda given: Made([{"models": len(given.models)}], "none: fake"),
                 picture=False, **needs)  # fmt: skip


def of_losses(given):
    rows = [loss_columns(block_loss(given, name)) for name in given.models]
    return Made(rows, "95 %, over blocks")


@pytest.fixture
def fakes():
    return [
        fake("one", texts=("valid",)),
        fake("two", models=("small",)),
        fake("three"),
        fake("never", models=("small", "large")),
        fake("some", models=("small", "large"), least=1),
        fake("beside", models=("small", "large"), least=1, about_some=("large",)),
    ]


def test_only_the_deleted_tables_are_made_anew(fakes, options, capsys):
    assert run_missing(fakes, options) == ["one", "two", "three", "some"]
    said = capsys.readouterr().out
    assert "never: skipped, not trained: large\n" in said
    assert "beside: skipped, not trained: large\n" in said
    assert run_missing(fakes, options) == []
    for name in ("one.csv", "three.json"):
        (options.out / name).unlink()
    assert run_missing(fakes, options) == ["one", "three"]


def test_a_table_of_other_inputs_is_made_anew(fakes, options):
    run_missing(fakes, options)
    options.valid.write_text("Another day.\n")
    assert run_missing(fakes, options) == ["one"]
    tiny_checkpoint(options.runs / "small", seed=1)
    assert run_missing(fakes, options) == ["two", "some"]


def test_a_table_of_more_models_than_are_here_stays(fakes, options, capsys):
    tiny_checkpoint(options.runs / "large")
    models = options.runs / "models.json"
    models.write_text(json.dumps({"small": {}, "large": {}}))
    run_missing(fakes, options)
    models.write_text(json.dumps({"small": {}}))
    assert run_missing(fakes, options) == []
    assert "some: skipped, its table also has large\n" in capsys.readouterr().out


def test_a_table_is_made_anew_without_the_weights(options):
    given = Inputs(options.runs, valid=options.valid, figures=options.out)
    record = {"small": {"seed": 3, "fingerprint": given.fingerprint("small")}}
    (options.runs / "models.json").write_text(json.dumps(record))
    study = Study(
        "loss", "fake", of_losses,
        models=("small",), texts=("valid",), picture=False,
    )  # fmt: skip
    study.run(given)
    table = options.out / "loss.csv"
    before = table.read_bytes()
    table.unlink()
    shutil.rmtree(options.runs)
    assert run_missing([study], options) == ["loss"]
    assert table.read_bytes() == before
    assert run_missing([study], options) == []


def test_what_was_not_measured_needs_the_weights(options, capsys):
    (options.runs / "models.json").write_text(json.dumps({"gone": {"fingerprint": "ab"}}))
    study = Study(
        "loss", "fake", of_losses,
        models=("gone",), texts=("valid",), picture=False,
    )  # fmt: skip
    assert run_missing([study], options) == []
    assert "loss: failed, gone has no checkpoint" in capsys.readouterr().out


def test_notes_name_files_and_no_folders(fakes, options):
    run_missing(fakes, options)
    text = (options.out / "one.json").read_text()
    assert "valid.txt" in text
    assert "secret" not in text
    notes = json.loads((options.out / "two.json").read_text())["notes"]
    assert notes["seeds_of_models"] == [3]
    assert notes["command"] == "python -m analyses.two"
    assert notes["interval"] == "none: fake"
    assert set(notes["inputs"]["models"]) == {"small"}


def test_a_study_without_its_text_is_refused(fakes):
    with pytest.raises(SelectionError, match="--valid FILE is needed"):
        fakes[0].run(Inputs())


def test_every_study_is_listed_under_its_own_name():
    assert [study.name for study in listed.studies()] == list(listed.NAMES)


def test_the_first_document_s_parameters_are_counted_exactly():
    rows = [row for row in count_parameters(Inputs()).rows if row["published"] is not None]
    assert len(rows) == 2 * len(published.PARAMETERS["gptneo-41m"])
    assert {row["difference"] for row in rows} == {0}


def test_sums_over_blocks_are_the_loss_of_the_whole(options):
    given = Inputs(options.runs, valid=options.valid, figures=options.out)
    model = given.open("small")
    whole = measure_text_loss(model.network, model.tokenizer, model.stories(options.valid).read())
    found = loss_columns(block_loss(given, "small"))
    assert found["bits_per_byte"] == pytest.approx(whole.bits_per_byte)
    assert found["nats_per_token"] == pytest.approx(whole.nats_per_token)


def test_a_spike_is_a_point_far_above_those_before():
    assert spikes([3.0, 2.9, 2.8, 2.7, 2.6, 2.5, 2.4]) == 0
    assert spikes([2.0] * 6 + [3.0] + [2.0] * 6) == 1
